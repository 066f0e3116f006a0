{{ config(materialized='incremental', pre_hook="{{ forget_scope('node_a') }}") }}
{%- set min_trust = identity_setting('identity_cluster_min_trust') -%}
with records as (
    select customer_key, source_system, source_account, deleted_at, source_updated_at, master_customer_key
    from {{ ref('cx_customer') }}
    where {{ in_scope('customer_key') }}
)

, identifier_edges as (
    select
        customer_key as node_a
        , identifier_key as node_b
        , 'identifier' as edge_type
        , id_type
        , trust
        , observed_at
        , source_system
        , source_account
        , record_count > 1 as is_bridge
    from {{ ref('int_identity__identifiers') }}
    where reject_reason is null and not is_time_bound and {{ in_scope('customer_key') }}
)

, source_merges as (
    select
        customer_key as node_a
        , master_customer_key as node_b
        , 'source_merge' as edge_type
        , cast(null as string) as id_type
        , cast(1 as decimal(5, 4)) as trust
        -- The loser ends with the merge; later edits of what is left of it say nothing.
        , coalesce(deleted_at, source_updated_at) as observed_at
        , source_system
        , source_account
        , true as is_bridge
    from records
    where master_customer_key is not null and master_customer_key <> customer_key
)

, manual_merges as (
    select
        l.customer_key as node_a
        , r.customer_key as node_b
        , 'always_merge' as edge_type
        , cast(null as string) as id_type
        , cast(1 as decimal(5, 4)) as trust
        , cast(rule.decided_date as timestamp) as observed_at
        , 'seed' as source_system
        , 'identity_always_merge' as source_account
        , true as is_bridge
    from {{ ref('identity_always_merge') }} as rule
    join records as l on l.customer_key = md5(rule.left_customer_ref)
    join records as r on r.customer_key = md5(rule.right_customer_ref)
    where l.customer_key <> r.customer_key
)

, edges as (
    select * from identifier_edges
    union all
    select * from source_merges
    union all
    select * from manual_merges
)

select
    cast({{ row_key(['edge_type', 'node_a', 'node_b']) }} as string) as edge_key
    , cast(node_a as string) as node_a
    , cast(node_b as string) as node_b
    , cast(edge_type as string) as edge_type
    , cast(id_type as string) as id_type
    , cast(trust as decimal(5, 4)) as trust
    , trust >= {{ min_trust }} as is_strong
    , is_bridge
    , cast(observed_at as timestamp) as observed_at
    , cast(source_system as string) as source_system
    , cast(source_account as string) as source_account
from edges
