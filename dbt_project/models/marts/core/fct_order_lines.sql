select
    line.order_line_key
    , line.order_key
    , customer_map.customer_id
    , line.line_no
    , line.line_type
    , ordered.order_type
    , line.product_id
    , line.sku
    , line.product_name
    , line.category
    , line.quantity
    , line.unit_price
    , cast(
        coalesce(line.net_amount, line.quantity * line.unit_price - coalesce(line.discount_amount, 0)) as decimal(18, 4)
    ) as net_amount
    -- Goods that were really sold for money: neither a return, nor a fee, nor a free sample or a correction at price 0.
    , coalesce(
        line.line_type = 'sale' and line.quantity > 0
        and coalesce(line.net_amount, line.quantity * line.unit_price - coalesce(line.discount_amount, 0)) > 0
        , false
    ) as is_valid_sale
    , ordered.currency
    , ordered.ordered_at
    , cast({{ to_local('ordered.ordered_at', "'" ~ var('company_time_zone') ~ "'") }} as date) as ordered_date
    , line.source_system
    , line.source_account
    , line.source_id
from {{ ref('cx_order_line') }} as line
left join {{ ref('cx_order') }} as ordered on line.order_key = ordered.order_key
left join {{ ref('int_identity__customer_map') }} as customer_map on ordered.customer_key = customer_map.customer_key
where not line.is_deleted and not line.is_test and not coalesce(ordered.is_deleted or ordered.is_test, false)
