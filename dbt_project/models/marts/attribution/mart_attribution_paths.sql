-- Mature: the data reaches a look-back past the first touch.
with paths as (
    select
        p.path
        , p.step_count
        , p.conversion_key
        , p.revenue
        , p.started_at
        , p.converted_at
        , p.started_at + {{ attribution_setting('attribution_lookback_days') }} * interval '1' day <= h.last_event_at as is_mature
    from {{ ref('int_attribution__paths') }} as p
    cross join (select max(last_event_at) as last_event_at from {{ ref('int_web__horizon') }}) as h
)

select
    cast(md5(path) as string) as attribution_path_key
    , cast(path as string) as path
    , cast(min(step_count) as bigint) as step_count
    , cast(count(conversion_key) as bigint) as conversion_count
    , cast(sum(revenue) as decimal(18, 4)) as revenue
    , cast('{{ var("company_currency") }}' as string) as currency
    , cast(count(*) filter (where not is_mature and conversion_key is null) as bigint) as open_path_count
    , cast(count(*) filter (where is_mature) as bigint) as mature_path_count
    , cast(count(conversion_key) filter (where is_mature) as bigint) as mature_conversion_count
    , cast(sum(case when is_mature then revenue end) as decimal(18, 4)) as mature_revenue
    , {{ share('count(conversion_key) filter (where is_mature)', 'count(*) filter (where is_mature)') }} as conversion_rate
    , {{ wilson_low('count(conversion_key) filter (where is_mature)', 'count(*) filter (where is_mature)') }} as conversion_rate_low
    , {{ wilson_high('count(conversion_key) filter (where is_mature)', 'count(*) filter (where is_mature)') }} as conversion_rate_high
    , {{ quantile(seconds_between('started_at', 'converted_at') ~ ' / 86400', 0.5) }} as median_days_to_convert
    , cast(row_number() over (order by count(conversion_key) desc, count(*) desc, path) as bigint) as path_rank
from paths
group by path
