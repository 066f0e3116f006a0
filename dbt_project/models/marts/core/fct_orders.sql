with lines as (
    select
        order_key
        , count(*) as line_count
        , count(*) filter (where is_valid_sale) as sale_line_count
        , sum(case when is_valid_sale then net_amount end) as sale_amount
        , sum(case when is_valid_sale then quantity end) as sale_quantity
        , sum(case when line_type = 'return' then net_amount end) as return_amount
    from {{ ref('fct_order_lines') }}
    group by order_key
)

, adjustments as (
    select
        order_key
        , count(*) filter (where adjustment_type = 'payment') as payment_count
        , sum(case when adjustment_type = 'payment' then amount end) as payment_amount
        , sum(case when adjustment_type in ('refund', 'return', 'chargeback') then amount end) as refunded_amount
    from {{ ref('fct_order_adjustments') }}
    group by order_key
)

, orders as (
    select
        ordered.order_key
        , ordered.order_type
        , ordered.order_number
        , customer_map.customer_id
        , ordered.ordered_at
        , cast({{ to_local('ordered.ordered_at', "'" ~ var('company_time_zone') ~ "'") }} as date) as ordered_date
        , ordered.processed_at
        , ordered.cancelled_at
        , ordered.status
        , coalesce(ordered.channel, 'unknown') as channel
        , ordered.store_id
        , cast(coalesce(ordered.net_amount, lines.sale_amount) as decimal(18, 4)) as net_amount
        , ordered.gross_amount
        , ordered.discount_amount
        , ordered.tax_amount
        , ordered.shipping_amount
        , cast(coalesce(ordered.refunded_amount, adjustments.refunded_amount) as decimal(18, 4)) as refunded_amount
        , cast(adjustments.payment_amount as decimal(18, 4)) as payment_amount
        , adjustments.payment_count
        , cast(lines.return_amount as decimal(18, 4)) as return_amount
        , ordered.currency
        , ordered.payment_method
        , ordered.coupon_code
        , ordered.web_transaction_id
        , lines.line_count
        , lines.sale_line_count
        , cast(lines.sale_quantity as decimal(18, 4)) as sale_quantity
        -- Completed: paid, not fully refunded, and where lines are known at least one of them is a real sale.
        , ordered.status in ('paid', 'partially_refunded') and coalesce(lines.sale_line_count, 1) > 0 as is_completed
        , ordered.source_system
        , ordered.source_account
        , ordered.source_id
    from {{ ref('cx_order') }} as ordered
    left join {{ ref('int_identity__customer_map') }} as customer_map on ordered.customer_key = customer_map.customer_key
    left join lines on ordered.order_key = lines.order_key
    left join adjustments on ordered.order_key = adjustments.order_key
    where not ordered.is_deleted and not ordered.is_test
)

, sequenced as (
    select
        order_key
        , row_number() over (partition by customer_id order by ordered_at, order_key) as customer_order_number
        , lag(ordered_at) over (partition by customer_id order by ordered_at, order_key) as previous_ordered_at
    from orders
    where customer_id is not null and is_completed and order_type = 'order'
)

select
    orders.order_key
    , orders.order_type
    , orders.order_number
    , orders.customer_id
    , orders.ordered_at
    , orders.ordered_date
    , orders.processed_at
    , orders.cancelled_at
    , orders.status
    , orders.is_completed
    , orders.channel
    , orders.store_id
    , orders.net_amount
    , orders.gross_amount
    , orders.discount_amount
    , orders.tax_amount
    , orders.shipping_amount
    , orders.refunded_amount
    , orders.return_amount
    , orders.payment_amount
    , orders.payment_count
    , orders.currency
    , orders.payment_method
    , orders.coupon_code
    , orders.web_transaction_id
    , orders.line_count
    , orders.sale_line_count
    , orders.sale_quantity
    , sequenced.customer_order_number
    , sequenced.customer_order_number = 1 as is_first_order
    , {{ seconds_between('sequenced.previous_ordered_at', 'orders.ordered_at') }} as seconds_since_previous_order
    , orders.source_system
    , orders.source_account
    , orders.source_id
from orders
left join sequenced on orders.order_key = sequenced.order_key
