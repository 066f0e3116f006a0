select
    adjustment.order_adjustment_key
    , adjustment.order_key
    , customer_map.customer_id
    , adjustment.type as adjustment_type
    , adjustment.amount
    , coalesce(adjustment.currency, ordered.currency) as currency
    -- A payment without a time of its own was made with its order.
    , coalesce(adjustment.occurred_at, ordered.ordered_at) as occurred_at
    , cast({{ to_local("coalesce(adjustment.occurred_at, ordered.ordered_at)", "'" ~ var('company_time_zone') ~ "'") }} as date) as occurred_date
    , adjustment.source_system
    , adjustment.source_account
    , adjustment.source_id
from {{ ref('cx_order_adjustment') }} as adjustment
left join {{ ref('cx_order') }} as ordered on adjustment.order_key = ordered.order_key
left join {{ ref('int_identity__customer_map') }} as customer_map on ordered.customer_key = customer_map.customer_key
where not adjustment.is_deleted and not adjustment.is_test and not coalesce(ordered.is_deleted or ordered.is_test, false)
