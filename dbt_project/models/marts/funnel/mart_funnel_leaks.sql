{%- set weeks = funnel_setting('leak_reference_weeks') -%}
{%- set z = funnel_setting('leak_significant_z') -%}
{%- set default_value = funnel_setting('leak_default_order_value') -%}
{%- set cell = ['funnel_id', 'unit', 'segment_type', 'segment_value', 'step_order'] -%}
-- Funnels in order only: a step without an order before it has nothing to leak from.
with daily as (
    select
        m.funnel_id
        , m.funnel_name
        , m.unit
        , m.order_mode
        , cast(date_trunc('week', m.entry_date) as date) as week_start
        , m.entry_date
        , m.segment_type
        , m.segment_value
        , m.step_order
        , m.step_name
        , s.step_count
        , s.conversion_step_order
        , m.entered_count
        , m.advanced_count
        , m.in_progress_count
    from {{ ref('mart_funnel') }} as m
    join {{ ref('int_funnel__steps') }} as s
        on m.funnel_id = s.funnel_id and m.unit = s.unit and m.step_order = s.step_order
    where m.order_mode = 'ordered'
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

, weekly_steps as (
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
        , d.step_count
        , d.conversion_step_order
        , sum(d.entered_count) as entered_count
        , sum(d.advanced_count) as advanced_count
    from daily as d
    join full_weeks as w on d.funnel_id = w.funnel_id and d.unit = w.unit and d.week_start = w.week_start
    group by
        d.funnel_id, d.funnel_name, d.unit, d.order_mode, d.week_start, d.segment_type, d.segment_value, d.step_order
        , d.step_name, d.step_count, d.conversion_step_order
)

-- Beside each step: who came to the next one, and who of them bought in the end; nobody buys after the purchase.
, weekly as (
    select
        weekly_steps.*
        , case when step_order < conversion_step_order then lead(entered_count) over (
            partition by funnel_id, unit, week_start, segment_type, segment_value order by step_order
        ) end as next_entered_count
        , case when step_order < conversion_step_order then max(
            case when step_order = conversion_step_order then entered_count end
        ) over (partition by funnel_id, unit, week_start, segment_type, segment_value) end as bought_count
    from weekly_steps
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
        e.week_start
        , {{ columns_of('r', cell) }}
        , sum(r.entered_count) as entered_count
        , sum(r.advanced_count) as advanced_count
        , sum(r.next_entered_count) as next_entered_count
        , sum(r.bought_count) as bought_count
    from earlier_weeks as e
    join weekly as r on e.funnel_id = r.funnel_id and e.unit = r.unit and e.earlier_week_start = r.week_start
    group by e.week_start, {{ columns_of('r', cell) }}
)

-- Sums of values, counts and their squares by session: decimals, so that the order of rows changes no digit.
, orders as (
    select
        cast(date_trunc('week', session_date) as date) as week_start
        , coalesce(device_type, 'unknown') as device_type
        , coalesce(channel_group, 'unknown') as channel
        , sum(purchase_value) as v
        , sum(valued_purchase_count) as c
        , sum(cast(purchase_value * purchase_value as decimal(38, 8))) as vv
        , sum(purchase_value * valued_purchase_count) as vc
        , sum(valued_purchase_count * valued_purchase_count) as cc
    from {{ ref('fct_sessions') }}
    where valued_purchase_count > 0
    group by 1, 2, 3
)

, segment_orders as (
    select 'all' as segment_type, 'all' as segment_value, week_start, v, c, vv, vc, cc from orders
    union all
    select 'device_type', device_type, week_start, v, c, vv, vc, cc from orders
    union all
    select 'channel', channel, week_start, v, c, vv, vc, cc from orders
)

, recent_orders as (
    select
        w.week_start
        , o.segment_type
        , o.segment_value
        , cast(sum(o.v) as double) as v
        , cast(sum(o.c) as double) as c
        , cast(sum(o.vv) as double) as vv
        , cast(sum(o.vc) as double) as vc
        , cast(sum(o.cc) as double) as cc
    from (select distinct week_start from compared_weeks) as w
    join segment_orders as o on {{ days_between('o.week_start', 'w.week_start') }} between 0 and {{ 7 * weeks }}
    group by w.week_start, o.segment_type, o.segment_value
)

, all_orders as (
    select cast(sum(v) as double) / cast(sum(c) as double) as order_value
    from orders
)

, compared as (
    select
        w.*
        , r.entered_count as reference_entered_count
        , r.advanced_count as reference_advanced_count
        , cast(w.entered_count as double) as n
        , cast(w.advanced_count as double) as x
        , cast(coalesce(r.entered_count, 0) as double) as reference_n
        , cast(coalesce(r.advanced_count, 0) as double) as reference_x
        , cast(w.next_entered_count + coalesce(r.next_entered_count, 0) as double) as next_n
        , cast(w.bought_count + coalesce(r.bought_count, 0) as double) as bought
        , case when w.segment_type = 'all' then 0e0 else {{ funnel_setting('leak_prior_entries') }}e0 end as parent_weight
        , coalesce(o.v, 0e0) as order_sum
        , coalesce(o.c, 0e0) as order_count
        , o.vv - 2 * o.v / o.c * o.vc + o.v / o.c * (o.v / o.c) * o.cc as order_residuals
        , coalesce(
            a.v / a.c, h.order_value{% if default_value is not none %}, cast({{ default_value }} as double){% endif %}
        ) as parent_order_value
    from weekly as w
    join compared_weeks as k on w.funnel_id = k.funnel_id and w.unit = k.unit and w.week_start = k.week_start
    left join reference_figures as r
        on w.week_start = r.week_start and {{ same_columns('w', 'r', cell) }}
    left join recent_orders as o
        on w.week_start = o.week_start and w.segment_type = o.segment_type and w.segment_value = o.segment_value
    left join recent_orders as a on w.week_start = a.week_start and a.segment_type = 'all'
    cross join all_orders as h
    where w.step_order < w.step_count
)

, parented as (
    select
        compared.*
        , x / nullif(n, 0) as rate
        , reference_x / nullif(reference_n, 0) as reference_rate
        , (x + reference_x) / nullif(n + reference_n, 0) as pooled_rate
        , max(case when segment_type = 'all' then x / nullif(n, 0) end) over step as parent_rate
        , max(case when segment_type = 'all' then reference_x / nullif(reference_n, 0) end) over step as parent_reference_rate
        , max(case when segment_type = 'all' then bought / nullif(next_n, 0) end) over step as parent_purchase_rate
    from compared
    window step as (partition by funnel_id, unit, week_start, step_order)
)

-- Rates and order values of a segment are drawn towards those of everybody, so that a few entries top no list.
, drawn as (
    select
        parented.*
        , {{ shrunken('x', 'n', 'parent_rate', 'parent_weight') }} as shrunken_rate
        , {{ shrunken('reference_x', 'reference_n', 'parent_reference_rate', 'parent_weight') }} as shrunken_reference_rate
        , {{ shrunken('bought', 'next_n', 'parent_purchase_rate', 'parent_weight') }} as purchase_rate_after
        , case
            when parent_weight = 0 or parent_order_value is null then coalesce(order_sum / nullif(order_count, 0), parent_order_value)
            else {{ shrunken('order_sum', 'order_count', 'parent_order_value', 'parent_weight') }}
        end as order_value
    from parented
)

, valued as (
    select
        drawn.*
        , case
            when pooled_rate > 0 and pooled_rate < 1 and n > 0 and reference_n > 0
                then (rate - reference_rate) / sqrt(pooled_rate * (1 - pooled_rate) * (1 / n + 1 / reference_n))
        end as z_score
        , n * (shrunken_reference_rate - shrunken_rate) as excess
        , n * sqrt(
            shrunken_rate * (1 - shrunken_rate) / nullif(n + parent_weight, 0)
            + shrunken_reference_rate * (1 - shrunken_reference_rate) / nullif(reference_n + parent_weight, 0)
        ) as excess_error
        , purchase_rate_after * order_value as value_per_loss
        -- Variances of both factors; the one of the order value is that of a ratio of sums over sessions.
        , purchase_rate_after * (1 - purchase_rate_after) / nullif(next_n + parent_weight, 0) as purchase_rate_variance
        , coalesce(greatest(order_residuals, 0e0) / nullif((order_count + parent_weight) * (order_count + parent_weight), 0), 0e0) as order_value_variance
        , {{ funnel_setting('leak_margin') }}e0 * 30e0 / 7e0 as scale
    from drawn
)

, risks as (
    select
        valued.*
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
        , scale * excess * value_per_loss as risk
        , scale * sqrt(
            value_per_loss * value_per_loss * excess_error * excess_error
            + excess * order_value * (excess * order_value) * purchase_rate_variance
            + excess * purchase_rate_after * (excess * purchase_rate_after) * order_value_variance
        ) as risk_error
    from valued
)

, marked as (
    select
        r.*
        , case when r.excess is not null then greatest(0e0, r.excess) end as excess_lost
        , case when r.excess_error is not null then greatest(0e0, r.excess - {{ z }}e0 * r.excess_error) end as excess_lost_low
        , case when r.excess_error is not null then greatest(0e0, r.excess + {{ z }}e0 * r.excess_error) end as excess_lost_high
        , case when r.risk is not null then greatest(0e0, r.risk) end as risk_30d
        , case when r.risk_error is not null then greatest(0e0, r.risk - {{ z }}e0 * r.risk_error) end as risk_30d_low
        , case when r.risk_error is not null then greatest(0e0, r.risk + {{ z }}e0 * r.risk_error) end as risk_30d_high
        , {{ normal_below('-r.z_score') }} as confidence
        , coalesce(e.effort, {{ funnel_setting('leak_default_effort') }}) as effort
        , e.owner_id
        , e.experiment_id
        , case when b.is_break and {{ days_between('r.week_start', 'b.break_date') }} <= 6 then b.break_date end as break_date
    from risks as r
    left join {{ ref('funnel_step_efforts') }} as e on r.funnel_id = e.funnel_id and r.step_name = e.step_name
    left join {{ ref('int_funnel__breaks') }} as b on {{ same_columns('r', 'b', cell) }}
)

, middles as (
    select funnel_id, unit, week_start, median(risk_30d) as middle_risk, median(cast(effort as double)) as middle_effort
    from marked
    where risk_30d > 0
    group by funnel_id, unit, week_start
)

select
    cast({{ row_key(['m.funnel_id', 'm.unit', 'm.order_mode', 'm.week_start', 'm.segment_type', 'm.segment_value', 'm.step_order']) }} as string) as funnel_leak_key
    , cast(m.funnel_id as string) as funnel_id
    , cast(m.funnel_name as string) as funnel_name
    , cast(m.unit as string) as unit
    , cast(m.order_mode as string) as order_mode
    , cast(m.week_start as date) as week_start
    , cast(m.segment_type as string) as segment_type
    , cast(m.segment_value as string) as segment_value
    , cast(m.step_order as bigint) as step_order
    , cast(m.step_name as string) as step_name
    , cast(m.entered_count as bigint) as entered_count
    , cast(m.advanced_count as bigint) as advanced_count
    , cast(m.entered_count - m.advanced_count as bigint) as lost_count
    , m.rate as step_conversion_rate
    , m.shrunken_rate as shrunken_conversion_rate
    , cast(m.reference_entered_count as bigint) as reference_entered_count
    , cast(m.reference_advanced_count as bigint) as reference_advanced_count
    , m.reference_rate as reference_conversion_rate
    , m.shrunken_reference_rate as shrunken_reference_rate
    , m.z_score
    , m.is_significant
    , m.is_clearest_segment
    , cast(m.break_date as date) as break_date
    , m.excess_lost as excess_lost_count
    , m.excess_lost_low as excess_lost_count_low
    , m.excess_lost_high as excess_lost_count_high
    , m.purchase_rate_after as purchase_rate_after_step
    , cast(m.order_value as decimal(18, 4)) as average_order_value
    , cast(m.risk_30d as decimal(18, 4)) as revenue_at_risk_30d
    , cast(m.risk_30d_low as decimal(18, 4)) as revenue_at_risk_30d_low
    , cast(m.risk_30d_high as decimal(18, 4)) as revenue_at_risk_30d_high
    , cast('{{ var("company_currency") }}' as string) as currency
    , m.confidence as drop_confidence
    , cast(m.effort as bigint) as effort
    , cast(m.risk_30d * m.confidence / m.effort as double) as priority_score
    , cast(case
        when m.risk_30d is null or m.risk_30d = 0 then null
        when m.risk_30d >= k.middle_risk and m.effort <= k.middle_effort then 'quick_win'
        when m.risk_30d >= k.middle_risk then 'big_bet'
        when m.effort <= k.middle_effort then 'fill_in'
        else 'leave'
    end as string) as priority_quadrant
    , cast(m.owner_id as string) as owner_id
    , cast(m.experiment_id as string) as experiment_id
    , cast(row_number() over (
        partition by m.funnel_id, m.unit, m.order_mode, m.week_start
        order by
            m.is_significant desc, m.is_clearest_segment desc, m.risk_30d_low desc nulls last, m.risk_30d desc nulls last
            , m.excess_lost_low desc nulls last
            , m.step_order, m.segment_type, m.segment_value
    ) as bigint) as leak_rank
    , cast(row_number() over (
        partition by m.funnel_id, m.unit, m.order_mode
        order by
            m.is_significant desc, m.is_clearest_segment desc, m.risk_30d_low desc nulls last, m.risk_30d desc nulls last
            , m.excess_lost_low desc nulls last
            , m.week_start, m.step_order, m.segment_type, m.segment_value
    ) as bigint) as overall_leak_rank
from marked as m
left join middles as k on m.funnel_id = k.funnel_id and m.unit = k.unit and m.week_start = k.week_start
