{%- set window = var('repeat_purchase_window_days', 90) -%}
-- Buying history of each customer, within one connection and over all of them ('all').
with orders as (
    select
        source_account
        , customer_id
        , order_key
        , ordered_at
        , ordered_date
        , net_amount
        , refunded_amount
        , coalesce(currency, '') as currency
    from {{ ref('fct_orders') }}
    where is_completed and order_type = 'order' and customer_id is not null

    union all

    select
        'all'
        , customer_id
        , order_key
        , ordered_at
        , ordered_date
        , net_amount
        , refunded_amount
        , coalesce(currency, '')
    from {{ ref('fct_orders') }}
    where is_completed and order_type = 'order' and customer_id is not null
)

, horizon as (
    select source_account, max(ordered_at) as observed_until_at
    from orders
    group by source_account
)

, dated as (
    select
        orders.*
        , min(ordered_date) over (partition by source_account, customer_id) as first_order_date
    from orders
)

, buyers as (
    select
        source_account
        , customer_id
        , min(ordered_at) as first_ordered_at
        , max(ordered_at) as last_ordered_at
        , min(first_order_date) as first_order_date
        , min(case when ordered_date > first_order_date then ordered_at end) as second_day_ordered_at
        , count(*) as order_count
        , count(distinct ordered_date) as order_day_count
        , sum(net_amount) as revenue_amount
        , sum(refunded_amount) as refunded_amount
        , count(distinct currency) as currency_count
        , min(currency) as currency
    from dated
    group by source_account, customer_id
)

select
    {{ row_key(['buyers.source_account', 'buyers.customer_id']) }} as buyer_key
    , buyers.source_account
    , buyers.customer_id
    , buyers.first_ordered_at
    , buyers.last_ordered_at
    , buyers.first_order_date
    , buyers.second_day_ordered_at
    , buyers.order_count
    , buyers.order_day_count
    , cast(buyers.revenue_amount as decimal(18, 4)) as revenue_amount
    , cast(buyers.refunded_amount as decimal(18, 4)) as refunded_amount
    , buyers.currency_count
    , nullif(buyers.currency, '') as currency
    , horizon.observed_until_at
    , buyers.first_ordered_at + interval '{{ window }}' day <= horizon.observed_until_at as is_mature
    , coalesce(buyers.second_day_ordered_at <= buyers.first_ordered_at + interval '{{ window }}' day, false)
        as is_repeat_in_window
from buyers
inner join horizon on buyers.source_account = horizon.source_account
