{{ config(materialized='incremental', pre_hook="{{ forget_scope('node_key', 'cluster_key') }}") }}
with edges as (
    select node_a, node_b, edge_type, is_strong
    from {{ ref('int_identity__edges') }}
    where {{ in_scope('node_a') }}
)

, components as (
    select node_key, component_key, cluster_key
    from {{ ref('int_identity__components') }}
)

, anchored as (
    -- Records that something strong speaks for: an identifier of trust, or a merge.
    select node_a as customer_key from edges where is_strong
    union
    select node_b from edges where edge_type <> 'identifier'
)

, strong_records as (
    select
        c.customer_key
        , coalesce(g.cluster_key, c.customer_key) as cluster_key
        , a.customer_key is not null as is_anchored
    from {{ ref('cx_customer') }} as c
    left join components as g on c.customer_key = g.node_key
    left join anchored as a on c.customer_key = a.customer_key
    where {{ in_scope('c.customer_key') }}
)

, forbidden as (
    select l.customer_key as customer_key, r.cluster_key as cluster_key
    from (
        select md5(left_customer_ref) as a, md5(right_customer_ref) as b from {{ ref('identity_never_merge') }}
        union all
        select md5(right_customer_ref), md5(left_customer_ref) from {{ ref('identity_never_merge') }}
    ) as pair
    join strong_records as l on pair.a = l.customer_key
    join strong_records as r on pair.b = r.customer_key
    group by l.customer_key, r.cluster_key
)

-- A record with nothing but weak identifiers joins the one cluster that these touch. Two weak records never join
-- each other, and a weak identifier never joins two clusters.
, touched as (
    select
        weak.customer_key
        , min(other.cluster_key) as cluster_key
        , count(distinct other.cluster_key) as cluster_count
    from strong_records as weak
    join edges as own on weak.customer_key = own.node_a and not own.is_strong
    join edges as shared on own.node_b = shared.node_b and not shared.is_strong
    join strong_records as other on shared.node_a = other.customer_key and other.is_anchored
    where not weak.is_anchored
    group by weak.customer_key
)

, records as (
    select
        s.customer_key as node_key
        , 'record' as node_type
        , case when t.cluster_count = 1 and f.customer_key is null then t.cluster_key else s.cluster_key end as cluster_key
        , case
            when t.cluster_count = 1 and f.customer_key is null then 'weak'
            when s.is_anchored then 'strong'
            else 'alone'
        end as attached_by
        , coalesce(t.cluster_count, 0) as touched_cluster_count
    from strong_records as s
    left join touched as t on s.customer_key = t.customer_key
    left join forbidden as f on t.customer_key = f.customer_key and t.cluster_key = f.cluster_key
)

, identifiers as (
    -- A strong identifier on one record is a leaf: it lies where its record lies.
    select
        e.node_b as node_key
        , 'identifier' as node_type
        , min(coalesce(g.cluster_key, r.cluster_key)) as cluster_key
        , 'strong' as attached_by
        , 1 as touched_cluster_count
    from edges as e
    left join components as g on e.node_b = g.node_key
    left join records as r on e.node_a = r.node_key
    where e.is_strong and e.edge_type = 'identifier'
    group by e.node_b
)

, nodes as (
    select * from records
    union all
    select * from identifiers
)

select
    cast(n.node_key as string) as node_key
    , cast(n.node_type as string) as node_type
    , cast(n.cluster_key as string) as cluster_key
    , cast(g.component_key as string) as component_key
    , cast(n.attached_by as string) as attached_by
    , cast(n.touched_cluster_count as bigint) as touched_cluster_count
from nodes as n
left join components as g on n.node_key = g.node_key
where n.cluster_key is not null
