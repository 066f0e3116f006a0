select
    source_account
    , count(*) as customer_count
    , cast(sum(order_count) as bigint) as order_count
    , count(*) filter (where order_count >= 2) as repeat_customer_count
    , count(*) filter (where order_day_count >= 2) as repeat_day_customer_count
    , {{ share('count(*) filter (where order_count >= 2)', 'count(*)') }} as repeat_rate_cumulative
    , {{ wilson_low('count(*) filter (where order_count >= 2)', 'count(*)') }} as repeat_rate_cumulative_low
    , {{ wilson_high('count(*) filter (where order_count >= 2)', 'count(*)') }} as repeat_rate_cumulative_high
    , {{ share('count(*) filter (where order_day_count >= 2)', 'count(*)') }} as repeat_day_rate_cumulative
    , cast({{ var('repeat_purchase_window_days', 90) }} as bigint) as window_days
    , count(*) filter (where is_mature) as mature_customer_count
    , count(*) filter (where is_mature and is_repeat_in_window) as repeat_in_window_customer_count
    , {{ share('count(*) filter (where is_mature and is_repeat_in_window)', 'count(*) filter (where is_mature)') }}
        as repeat_purchase_rate
    , {{ wilson_low('count(*) filter (where is_mature and is_repeat_in_window)', 'count(*) filter (where is_mature)') }}
        as repeat_purchase_rate_low
    , {{ wilson_high('count(*) filter (where is_mature and is_repeat_in_window)', 'count(*) filter (where is_mature)') }}
        as repeat_purchase_rate_high
    -- Amounts of different currencies have no sum.
    , case when count(distinct currency) <= 1 and max(currency_count) = 1 then max(currency) end as currency
    , cast(case when count(distinct currency) <= 1 and max(currency_count) = 1 then sum(revenue_amount) end as decimal(18, 4))
        as revenue
    , cast(case when count(distinct currency) <= 1 and max(currency_count) = 1 then sum(refunded_amount) end as decimal(18, 4))
        as refunded_amount
    , case when count(distinct currency) <= 1 and max(currency_count) = 1
        then cast(sum(revenue_amount) as double) / count(*) end as mean_spend
    , max(observed_until_at) as observed_until_at
from {{ ref('fct_buyers') }}
group by source_account
