-- The same figures from the orders, another way: by counting customers of a second order instead of orders per customer.
with from_orders as (
    select
        source_account
        , count(distinct customer_id) as customer_count
        , sum(net_amount) as revenue
    from {{ ref('fct_orders') }}
    where is_completed and order_type = 'order' and customer_id is not null
    group by source_account
)

, repeaters as (
    select source_account, count(distinct customer_id) as customer_count
    from (
        select one.source_account, one.customer_id
        from {{ ref('fct_orders') }} as one
        inner join {{ ref('fct_orders') }} as other
            on one.customer_id = other.customer_id and one.source_account = other.source_account
            and one.order_key < other.order_key
        where one.is_completed and one.order_type = 'order' and other.is_completed and other.order_type = 'order'
    ) as pairs
    group by source_account
)

select mart.source_account, mart.customer_count, mart.repeat_customer_count, mart.revenue
from {{ ref('mart_repeat_purchase') }} as mart
full outer join from_orders on mart.source_account = from_orders.source_account
left join repeaters on mart.source_account = repeaters.source_account
where coalesce(mart.source_account, '') <> 'all'
    and (
        mart.customer_count is distinct from from_orders.customer_count
        or mart.repeat_customer_count <> coalesce(repeaters.customer_count, 0)
        or (mart.revenue is not null and mart.revenue <> from_orders.revenue)
    )
