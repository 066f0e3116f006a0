-- Strong evidence whose record and other end lie in one part: what a never rule has cut joins nothing.
with strong_evidence as (
    select
        a.cluster_key
        , e.edge_key
        , e.node_a as customer_key
        , e.node_b
        , e.edge_type
        , e.id_type
        , e.trust
        , e.observed_at
        , row_number() over (partition by e.node_b order by e.observed_at asc nulls first, e.node_a) as place
    from {{ ref('int_identity__edges') }} as e
    join {{ ref('int_identity__components') }} as a on e.node_a = a.node_key
    join {{ ref('int_identity__components') }} as b on e.node_b = b.node_key
    where e.is_strong and e.is_bridge and e.node_a <> e.node_b and a.cluster_key = b.cluster_key
)

-- All records of an identifier are one through the record that showed it first; a merge names both records, unless the
-- winner was never loaded: then it is a name that its losers share.
, strong_links as (
    select
        e.cluster_key
        , e.customer_key
        , coalesce(winner.customer_key, earliest.customer_key) as other_customer_key
        , case when winner.customer_key is null then e.node_b end as identifier_key
        , e.edge_type
        , e.id_type
        , case when winner.customer_key is null then least(e.trust, earliest.trust) else e.trust end as trust
        , e.observed_at as linked_at
        , e.edge_key
        , case when winner.customer_key is null then earliest.edge_key end as other_edge_key
    from strong_evidence as e
    join strong_evidence as earliest on e.node_b = earliest.node_b and earliest.place = 1
    left join {{ ref('int_identity__customer_map') }} as winner
        on e.node_b = winner.customer_key and e.edge_type <> 'identifier'
    where winner.customer_key is not null or e.place > 1
)

-- A record that weak identifiers brought here hangs on the first that showed one of them: it joins nobody else.
, weak_links as (
    select
        m.cluster_key
        , own.node_a as customer_key
        , other.node_a as other_customer_key
        , own.node_b as identifier_key
        , own.edge_type
        , own.id_type
        , least(own.trust, other.trust) as trust
        , greatest(coalesce(own.observed_at, other.observed_at), coalesce(other.observed_at, own.observed_at)) as linked_at
        , own.edge_key
        , other.edge_key as other_edge_key
    from {{ ref('int_identity__customer_map') }} as m
    join {{ ref('int_identity__edges') }} as own on m.customer_key = own.node_a and not own.is_strong
    join {{ ref('int_identity__edges') }} as other on own.node_b = other.node_b and not other.is_strong
    join {{ ref('int_identity__customer_map') }} as known
        on other.node_a = known.customer_key and m.cluster_key = known.cluster_key and known.attached_by <> 'weak'
    where m.attached_by = 'weak'
)

, first_weak_links as (
    select
        weak_links.*
        , row_number() over (
            partition by customer_key order by linked_at asc nulls first, trust desc, edge_key, other_edge_key
        ) as place
    from weak_links
)

, links as (
    select
        cluster_key, customer_key, other_customer_key, identifier_key, edge_type, id_type, trust, true as is_strong, linked_at
        , edge_key, other_edge_key
    from strong_links
    union all
    select
        cluster_key, customer_key, other_customer_key, identifier_key, edge_type, id_type, trust, false, linked_at
        , edge_key, other_edge_key
    from first_weak_links
    where place = 1
)

select
    cast(edge_key as string) as link_key
    , cast(cluster_key as string) as cluster_key
    , cast(customer_key as string) as customer_key
    , cast(other_customer_key as string) as other_customer_key
    , cast(edge_type as string) as edge_type
    , cast(id_type as string) as id_type
    , cast(identifier_key as string) as identifier_key
    , cast(trust as decimal(5, 4)) as trust
    , is_strong
    , cast(linked_at as timestamp) as linked_at
    , cast(other_edge_key as string) as other_edge_key
from links
