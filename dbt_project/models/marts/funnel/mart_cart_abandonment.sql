{%- set segment_types = ['device_type', 'channel'] -%}
{%- set periods = {'day': 'start_date', 'week': "date_trunc('week', start_date)", 'month': "date_trunc('month', start_date)", 'all': 'null'} -%}
-- A cart with something in it, and a checkout with or without one, are counted each by its own date.
with staged as (
    select 'cart' as stage, cart_key, start_date
    from {{ ref('int_funnel__carts') }}
    where add_count > 0
    union all
    select 'checkout', cart_key, checkout_date
    from {{ ref('int_funnel__carts') }}
    where checkout_count > 0
)

-- Days first: months and weeks add up few rows.
, daily as (
    select
        c.window_hours
        , s.stage
        , s.start_date
        , coalesce(v.device_type, 'unknown') as device_type
        , coalesce(v.channel_group, 'unknown') as channel
        , count(*) as started_count
        , count(*) filter (where c.is_mature) as mature_count
        , count(*) filter (where c.is_mature and not c.is_purchased) as abandoned_count
        , count(c.cart_value) filter (where c.is_mature) as valued_count
        , sum(case when c.is_mature then c.cart_value end) as mature_value
        , sum(case when c.is_mature and not c.is_purchased then c.cart_value end) as abandoned_value
        , sum(case when c.is_mature then cast(c.cart_value * c.cart_value as decimal(38, 8)) end) as squares
        , sum(case when c.is_mature and not c.is_purchased then cast(c.cart_value * c.cart_value as decimal(38, 8)) end) as abandoned_squares
    from staged as s
    join {{ ref('int_funnel__carts') }} as c on s.cart_key = c.cart_key
    left join {{ ref('fct_sessions') }} as v on c.session_key = v.session_key
    group by c.window_hours, s.stage, s.start_date, coalesce(v.device_type, 'unknown'), coalesce(v.channel_group, 'unknown')
)

, dated as (
    {%- for period, start in periods.items() %}
    {% if not loop.first %}union all{% endif %}
    select daily.*, '{{ period }}' as period_type, cast({{ start }} as date) as period_start
    from daily
    {%- endfor %}
)

, figures as (
    select
        window_hours
        , stage
        , period_type
        , period_start
        , {{ segment_columns(segment_types) }}
        , sum(started_count) as started_count
        , sum(mature_count) as mature_count
        , sum(abandoned_count) as abandoned_count
        , sum(valued_count) as valued_count
        , sum(mature_value) as mature_value
        , coalesce(sum(abandoned_value), case when sum(valued_count) > 0 then 0 end) as abandoned_value
        , cast(sum(mature_value) as double) as total
        , cast(sum(squares) as double) as squares
        , coalesce(cast(sum(abandoned_squares) as double), 0e0) as abandoned_squares
    from dated
    group by grouping sets (
        (window_hours, stage, period_type, period_start)
        {%- for s in segment_types %}
        , (window_hours, stage, period_type, period_start, {{ s }})
        {%- endfor %}
    )
)

-- Share of the value: a ratio of two sums over carts. Its variance is that of the residuals (Cochran, Sampling
-- Techniques, 6.4): an abandoned cart of value v leaves v (1 - share), a bought one v share.
, measured as (
    select
        figures.*
        , cast(abandoned_value as double) / nullif(total, 0) as value_rate
        , sqrt(
            valued_count / nullif(cast(valued_count - 1 as double), 0) * (
                abandoned_squares * (1 - 2 * cast(abandoned_value as double) / nullif(total, 0))
                + squares * (cast(abandoned_value as double) / nullif(total, 0)) * (cast(abandoned_value as double) / nullif(total, 0))
            )
        ) / nullif(total, 0) as value_error
    from figures
)

select
    cast({{ row_key(['window_hours', 'stage', 'period_type', 'period_start', 'segment_type', 'segment_value']) }} as string) as cart_abandonment_key
    , cast(stage as string) as stage
    , cast(window_hours as bigint) as window_hours
    , cast(period_type as string) as period_type
    , cast(period_start as date) as period_start
    , cast(segment_type as string) as segment_type
    , cast(segment_value as string) as segment_value
    , cast(started_count as bigint) as started_count
    , cast(started_count - mature_count as bigint) as in_progress_count
    , cast(mature_count as bigint) as mature_count
    , cast(abandoned_count as bigint) as abandoned_count
    , {{ share('abandoned_count', 'mature_count') }} as abandonment_rate
    , {{ wilson_low('abandoned_count', 'mature_count') }} as abandonment_low
    , {{ wilson_high('abandoned_count', 'mature_count') }} as abandonment_high
    , cast(valued_count as bigint) as valued_count
    , cast(mature_value as decimal(18, 4)) as mature_value
    , cast(abandoned_value as decimal(18, 4)) as abandoned_value
    , value_rate as value_abandonment_rate
    , case when value_error is not null then greatest(0e0, value_rate - {{ z_95() }} * value_error) end as value_abandonment_low
    , case when value_error is not null then least(1e0, value_rate + {{ z_95() }} * value_error) end as value_abandonment_high
    , cast('{{ var("company_currency") }}' as string) as currency
    , mature_count >= {{ funnel_setting('funnel_min_entries') }} as is_reportable
from measured
