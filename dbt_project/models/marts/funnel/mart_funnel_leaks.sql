{%- set weeks = funnel_setting('leak_reference_weeks') -%}
{%- set z = funnel_setting('leak_significant_z') -%}
{%- set default_value = funnel_setting('leak_default_order_value') -%}
-- Funnels in order only: a step without an order before it has nothing to leak from.
with daily as (
    select
        funnel_id
        , funnel_name
        , unit
        , order_mode
        , cast(date_trunc('week', entry_date) as date) as week_start
        , entry_date
        , segment_type
        , segment_value
        , step_order
        , step_name
        , entered_count
        , advanced_count
        , in_progress_count
    from {{ ref('mart_funnel') }}
    where order_mode = 'ordered'
)

, extent as (
    select funnel_id, unit, min(entry_date) as first_date, max(entry_date) as last_date
    from daily
    group by funnel_id, unit
)

-- Full weeks: all seven days lie within the data and no entry is still open.
, full_weeks as (
    select d.funnel_id, d.unit, d.week_start
    from daily as d
    join extent as x on d.funnel_id = x.funnel_id and d.unit = x.unit
    where d.segment_type = 'all'
    group by d.funnel_id, d.unit, d.week_start, x.first_date, x.last_date
    having d.week_start >= x.first_date and {{ days_between('d.week_start', 'x.last_date') }} >= 6
        and sum(d.in_progress_count) = 0
)

, weekly as (
    select
        d.funnel_id
        , d.funnel_name
        , d.unit
        , d.order_mode
        , d.week_start
        , d.segment_type
        , d.segment_value
        , d.step_order
        , d.step_name
        , sum(d.entered_count) as entered_count
        , sum(d.advanced_count) as advanced_count
    from daily as d
    join full_weeks as w on d.funnel_id = w.funnel_id and d.unit = w.unit and d.week_start = w.week_start
    group by
        d.funnel_id, d.funnel_name, d.unit, d.order_mode, d.week_start, d.segment_type, d.segment_value, d.step_order
        , d.step_name
)

-- Weeks before each week, and how many of the weeks asked for are full.
, earlier_weeks as (
    select w.funnel_id, w.unit, w.week_start, e.week_start as earlier_week_start
    from full_weeks as w
    join full_weeks as e
        on w.funnel_id = e.funnel_id and w.unit = e.unit
        and {{ days_between('e.week_start', 'w.week_start') }} between 7 and {{ 7 * weeks }}
)

, compared_weeks as (
    select funnel_id, unit, week_start
    from earlier_weeks
    group by funnel_id, unit, week_start
    having count(*) = {{ weeks }}
)

, reference_figures as (
    select
        e.funnel_id
        , e.unit
        , e.week_start
        , r.segment_type
        , r.segment_value
        , r.step_order
        , sum(r.entered_count) as reference_entered_count
        , sum(r.advanced_count) as reference_advanced_count
    from earlier_weeks as e
    join weekly as r on e.funnel_id = r.funnel_id and e.unit = r.unit and e.earlier_week_start = r.week_start
    group by e.funnel_id, e.unit, e.week_start, r.segment_type, r.segment_value, r.step_order
)

-- Value of an order in the segment over the same weeks, else over all history, else of all segments.
, orders as (
    select
        cast(date_trunc('week', session_date) as date) as week_start
        , coalesce(device_type, 'unknown') as device_type
        , coalesce(channel_group, 'unknown') as channel
        , sum(purchase_value) as purchase_value
        , sum(valued_purchase_count) as purchase_count
    from {{ ref('fct_sessions') }}
    where valued_purchase_count > 0
    group by 1, 2, 3
)

, segment_orders as (
    select 'all' as segment_type, 'all' as segment_value, week_start, purchase_value, purchase_count from orders
    union all
    select 'device_type', device_type, week_start, purchase_value, purchase_count from orders
    union all
    select 'channel', channel, week_start, purchase_value, purchase_count from orders
)

, recent_values as (
    select
        w.week_start
        , o.segment_type
        , o.segment_value
        , cast(sum(o.purchase_value) as double) / nullif(cast(sum(o.purchase_count) as double), 0) as order_value
    from (select distinct week_start from compared_weeks) as w
    join segment_orders as o on {{ days_between('o.week_start', 'w.week_start') }} between 0 and {{ 7 * weeks }}
    group by w.week_start, o.segment_type, o.segment_value
)

, overall_values as (
    select
        segment_type
        , segment_value
        , cast(sum(purchase_value) as double) / nullif(cast(sum(purchase_count) as double), 0) as order_value
    from segment_orders
    group by segment_type, segment_value
)

, figures as (
    select
        w.*
        , s.conversion_step_order
        , r.reference_entered_count
        , r.reference_advanced_count
        , {{ share('w.advanced_count', 'w.entered_count') }} as rate
        , {{ share('r.reference_advanced_count', 'r.reference_entered_count') }} as reference_rate
        , {{ share('w.advanced_count + r.reference_advanced_count', 'w.entered_count + r.reference_entered_count') }} as pooled_rate
        , cast(w.entered_count as double) as n
        , cast(r.reference_entered_count as double) as reference_n
        -- Orders per unit that reached the next step, over the week and its reference.
        , {{ share('c.entered_count + rc.reference_entered_count', 'x.entered_count + rx.reference_entered_count') }} as purchase_rate_after
        , coalesce(
            v.order_value, o.order_value, a.order_value
            {%- if default_value is not none %}, cast({{ default_value }} as double){% endif %}
        ) as order_value
    from weekly as w
    join compared_weeks as k on w.funnel_id = k.funnel_id and w.unit = k.unit and w.week_start = k.week_start
    join {{ ref('int_funnel__steps') }} as s
        on w.funnel_id = s.funnel_id and w.unit = s.unit and w.step_order = s.step_order and s.step_order < s.step_count
    left join reference_figures as r
        on w.funnel_id = r.funnel_id and w.unit = r.unit and w.week_start = r.week_start
        and w.segment_type = r.segment_type and w.segment_value = r.segment_value and w.step_order = r.step_order
    left join weekly as x
        on w.funnel_id = x.funnel_id and w.unit = x.unit and w.week_start = x.week_start
        and w.segment_type = x.segment_type and w.segment_value = x.segment_value and x.step_order = w.step_order + 1
    left join reference_figures as rx
        on w.funnel_id = rx.funnel_id and w.unit = rx.unit and w.week_start = rx.week_start
        and w.segment_type = rx.segment_type and w.segment_value = rx.segment_value and rx.step_order = w.step_order + 1
    left join weekly as c
        on w.funnel_id = c.funnel_id and w.unit = c.unit and w.week_start = c.week_start
        and w.segment_type = c.segment_type and w.segment_value = c.segment_value
        and c.step_order = s.conversion_step_order and w.step_order < s.conversion_step_order
    left join reference_figures as rc
        on w.funnel_id = rc.funnel_id and w.unit = rc.unit and w.week_start = rc.week_start
        and w.segment_type = rc.segment_type and w.segment_value = rc.segment_value
        and rc.step_order = s.conversion_step_order and w.step_order < s.conversion_step_order
    left join recent_values as v
        on w.week_start = v.week_start and w.segment_type = v.segment_type and w.segment_value = v.segment_value
    left join overall_values as o on w.segment_type = o.segment_type and w.segment_value = o.segment_value
    left join overall_values as a on a.segment_type = 'all'
)

, tested as (
    select
        figures.*
        , case
            when pooled_rate > 0 and pooled_rate < 1
                then (rate - reference_rate) / sqrt(pooled_rate * (1 - pooled_rate) * (1 / n + 1 / reference_n))
        end as z_score
        , greatest(0e0, n * (reference_rate - rate)) as excess_lost
        , greatest(0e0, n * (
            reference_rate - rate
            - {{ z }}e0 * sqrt(rate * (1 - rate) / n + reference_rate * (1 - reference_rate) / reference_n)
        )) as excess_lost_low
        , purchase_rate_after * order_value * {{ funnel_setting('leak_margin') }}e0 * 30e0 / 7e0 as value_per_loss
    from figures
)

, marked as (
    select
        tested.*
        , coalesce(
            z_score <= -{{ z }}e0
            and least(n, reference_n) * least(pooled_rate, 1 - pooled_rate) >= {{ funnel_setting('leak_min_expected') }}
            , false
        ) as is_significant
        -- One break shows in every segment that shares it: the row with the clearest drop names it.
        , row_number() over (
            partition by funnel_id, unit, order_mode, week_start, step_order
            order by z_score nulls last, segment_type, segment_value
        ) = 1 as is_clearest_segment
        , excess_lost * value_per_loss as risk
        , excess_lost_low * value_per_loss as risk_low
    from tested
)

select
    cast({{ row_key(['funnel_id', 'unit', 'order_mode', 'week_start', 'segment_type', 'segment_value', 'step_order']) }} as string) as funnel_leak_key
    , cast(funnel_id as string) as funnel_id
    , cast(funnel_name as string) as funnel_name
    , cast(unit as string) as unit
    , cast(order_mode as string) as order_mode
    , cast(week_start as date) as week_start
    , cast(segment_type as string) as segment_type
    , cast(segment_value as string) as segment_value
    , cast(step_order as bigint) as step_order
    , cast(step_name as string) as step_name
    , cast(entered_count as bigint) as entered_count
    , cast(advanced_count as bigint) as advanced_count
    , cast(entered_count - advanced_count as bigint) as lost_count
    , rate as step_conversion_rate
    , cast(reference_entered_count as bigint) as reference_entered_count
    , cast(reference_advanced_count as bigint) as reference_advanced_count
    , reference_rate as reference_conversion_rate
    , z_score
    , is_significant
    , is_clearest_segment
    , excess_lost as excess_lost_count
    , excess_lost_low as excess_lost_count_low
    , purchase_rate_after as purchase_rate_after_step
    , cast(order_value as decimal(18, 4)) as average_order_value
    , cast(risk as decimal(18, 4)) as revenue_at_risk_30d
    , cast(risk_low as decimal(18, 4)) as revenue_at_risk_30d_low
    , cast('{{ var("company_currency") }}' as string) as currency
    , cast(row_number() over (
        partition by funnel_id, unit, order_mode, week_start
        order by
            is_significant desc, is_clearest_segment desc, risk_low desc nulls last, risk desc nulls last
            , excess_lost_low desc nulls last
            , step_order, segment_type, segment_value
    ) as bigint) as leak_rank
    , cast(row_number() over (
        partition by funnel_id, unit, order_mode
        order by
            is_significant desc, is_clearest_segment desc, risk_low desc nulls last, risk desc nulls last
            , excess_lost_low desc nulls last
            , week_start, step_order, segment_type, segment_value
    ) as bigint) as overall_leak_rank
from marked
