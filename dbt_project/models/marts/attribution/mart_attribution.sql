with credits as (
    select
        c.method
        , c.channel_group
        , c.conversion_key
        , c.conversion_credit
        , c.revenue_credit
        , period.period_type
        , {{ period_start('c.conversion_date') }} as period_start
    from {{ ref('mart_attribution_credit') }} as c
    cross join {{ period_types() }} as period
)

, sums as (
    select
        method
        , channel_group
        , period_type
        , period_start
        , count(distinct conversion_key) as touched_conversion_count
        , sum(conversion_credit) as conversion_credit
        , sum(revenue_credit) as revenue_credit
    from credits
    group by method, channel_group, period_type, period_start
)

select
    cast({{ row_key(['method', 'channel_group', 'period_type', 'period_start']) }} as string) as attribution_key
    , cast(method as string) as method
    , cast(channel_group as string) as channel_group
    , cast(period_type as string) as period_type
    , cast(period_start as date) as period_start
    , cast(touched_conversion_count as bigint) as touched_conversion_count
    , cast(conversion_credit as decimal(18, 6)) as conversion_credit
    , {{ share('conversion_credit', 'sum(conversion_credit) over (partition by method, period_type, period_start)') }} as conversion_share
    , cast(revenue_credit as decimal(18, 4)) as revenue_credit
    , {{ share('revenue_credit', 'sum(revenue_credit) over (partition by method, period_type, period_start)') }} as revenue_share
    , cast('{{ var("company_currency") }}' as string) as currency
    , cast(row_number() over (
        partition by method, period_type, period_start order by conversion_credit desc, channel_group
    ) as bigint) as channel_rank
from sums
