{{ config(materialized='incremental', pre_hook="{{ forget_scope('customer_key') }}") }}
with ranked_kinds as (
    select i.customer_key, min(rank.anchor_rank) as anchor_rank
    from {{ ref('int_identity__identifiers') }} as i
    join {{ ref('identity_anchor_rank') }} as rank on i.id_kind = rank.id_type
    where i.reject_reason is null and {{ in_scope('i.customer_key') }}
    group by i.customer_key
)

, records as (
    select
        n.node_key as customer_key
        , n.cluster_key
        , n.attached_by
        , {{ record_version('c') }} as record_version
        -- 99: no identifier at all.
        , coalesce(k.anchor_rank, 99) as anchor_rank
        , row_number() over (
            partition by n.cluster_key
            order by
                case when n.attached_by = 'weak' then 1 else 0 end
                , coalesce(k.anchor_rank, 99)
                , coalesce(c.source_created_at, c.first_seen_at) nulls last
                , n.node_key
        ) as seniority
    from {{ ref('int_identity__clusters') }} as n
    join {{ ref('cx_customer') }} as c on n.node_key = c.customer_key
    left join ranked_kinds as k on n.node_key = k.customer_key
    where n.node_type = 'record' and {{ in_scope('n.node_key') }}
)

-- The customer is named after its strongest, then oldest record: a younger or weaker record that joins later does
-- not rename it, and no contact value goes into the id.
, anchors as (
    select cluster_key, customer_key as anchor_customer_key, anchor_rank
    from records
    where seniority = 1
)

select
    cast(r.customer_key as string) as customer_key
    , cast(md5('customer|' || a.anchor_customer_key) as string) as customer_id
    , cast(r.cluster_key as string) as cluster_key
    , cast(a.anchor_customer_key as string) as anchor_customer_key
    , cast(a.anchor_rank as bigint) as anchor_rank
    , cast(r.attached_by as string) as attached_by
    , cast(r.seniority as bigint) as seniority
    , cast(r.record_version as string) as record_version
from records as r
join anchors as a on r.cluster_key = a.cluster_key
