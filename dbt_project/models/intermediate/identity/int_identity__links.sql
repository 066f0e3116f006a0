{{ config(materialized='incremental', pre_hook="{{ forget_scope('customer_key') }}") }}
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
    from {{ ref('int_identity__edges') }} as e
    join {{ ref('int_identity__components') }} as a on e.node_a = a.node_key
    join {{ ref('int_identity__components') }} as b on e.node_b = b.node_key
    where e.is_strong and e.is_bridge and e.node_a <> e.node_b and a.cluster_key = b.cluster_key
        and {{ in_scope('e.node_a') }}
)

, declared_merges as (
    select e.*, winner.customer_key as winner_customer_key
    from (select * from strong_evidence where edge_type <> 'identifier') as e
    left join {{ ref('int_identity__customer_map') }} as winner on e.node_b = winner.customer_key
)

-- All records of an identifier are one through the record that showed it first. The losers of a merge whose winner was
-- never loaded share the winner's name in the same way.
, holders as (
    select
        h.*
        , row_number() over (partition by node_b order by observed_at asc nulls first, customer_key) as place
        , first_value(customer_key) over (partition by node_b order by observed_at asc nulls first, customer_key) as first_customer_key
        , first_value(edge_key) over (partition by node_b order by observed_at asc nulls first, customer_key) as first_edge_key
        , first_value(trust) over (partition by node_b order by observed_at asc nulls first, customer_key) as first_trust
    from (
        select cluster_key, edge_key, customer_key, node_b, edge_type, id_type, trust, observed_at
        from strong_evidence
        where edge_type = 'identifier'
        union all
        select cluster_key, edge_key, customer_key, node_b, edge_type, id_type, trust, observed_at
        from declared_merges
        where winner_customer_key is null
    ) as h
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
    where m.attached_by = 'weak' and {{ in_scope('m.customer_key') }}
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
        cluster_key, customer_key, first_customer_key as other_customer_key, node_b as identifier_key, edge_type, id_type
        , least(trust, first_trust) as trust, true as is_strong, observed_at as linked_at, edge_key, first_edge_key as other_edge_key
    from holders
    where place > 1
    union all
    select
        cluster_key, customer_key, winner_customer_key, null, edge_type, id_type, trust, true, observed_at, edge_key, null
    from declared_merges
    where winner_customer_key is not null
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
