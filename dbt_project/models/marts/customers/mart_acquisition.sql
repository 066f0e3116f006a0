with leads as (
    select
        customer.customer_key
        , customer.source_account
        -- A missing channel is not a channel of the name "unknown", which some sources use.
        , coalesce(customer.acquisition_channel, '(not recorded)') as acquisition_channel
        , customer.first_seen_at
    from {{ ref('cx_customer') }} as customer
    where (customer.customer_type = 'lead' or customer.acquisition_channel is not null)
        and not customer.is_deleted and not customer.is_test
)

, deals as (
    select
        ordered.customer_key
        , count(*) as deal_count
        , sum(ordered.net_amount) as deal_amount
        , min(ordered.ordered_at) as first_won_at
        , count(distinct coalesce(ordered.currency, '')) as currency_count
        , min(ordered.currency) as currency
    from {{ ref('cx_order') }} as ordered
    where ordered.order_type = 'deal' and ordered.status in ('paid', 'partially_refunded')
        and not ordered.is_deleted and not ordered.is_test and ordered.customer_key is not null
    group by ordered.customer_key
)

select
    {{ row_key(['leads.source_account', 'leads.acquisition_channel']) }} as acquisition_key
    , leads.source_account
    , leads.acquisition_channel
    , count(*) as lead_count
    , count(deals.customer_key) as won_count
    , cast(coalesce(sum(deals.deal_count), 0) as bigint) as deal_count
    , {{ share('count(deals.customer_key)', 'count(*)') }} as win_rate
    , {{ wilson_low('count(deals.customer_key)', 'count(*)') }} as win_rate_low
    , {{ wilson_high('count(deals.customer_key)', 'count(*)') }} as win_rate_high
    , cast(case when count(distinct deals.currency) <= 1 and coalesce(max(deals.currency_count), 1) = 1 then sum(deals.deal_amount) end as decimal(18, 4))
        as deal_amount
    , case when count(distinct deals.currency) <= 1 and coalesce(max(deals.currency_count), 1) = 1 then max(deals.currency) end as currency
    , {{ quantile(
        'case when deals.first_won_at >= leads.first_seen_at then '
        ~ seconds_between('leads.first_seen_at', 'deals.first_won_at') ~ ' / 86400 end', 0.5
    ) }}
        as median_days_to_win
from leads
left join deals on leads.customer_key = deals.customer_key
group by leads.source_account, leads.acquisition_channel
