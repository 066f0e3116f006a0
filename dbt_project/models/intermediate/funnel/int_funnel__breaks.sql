{%- set series = ['funnel_id', 'unit', 'step_order', 'segment_type', 'segment_value'] -%}
{%- set segment_types = ['device_type', 'channel', 'customer_segment'] -%}
{%- set least = funnel_setting('funnel_min_entries') -%}
-- Dated by the day on which the step itself was reached: an entry of last week that comes to a broken checkout today
-- is lost today.
with reached as (
    select
        funnel_id
        , unit
        , step_order
        , cast({{ to_local('step_at', "'" ~ var('company_time_zone') ~ "'") }} as date) as step_date
        {%- for s in segment_types %}
        , {{ s }}
        {%- endfor %}
        , count(*) as entered_count
        , count(*) filter (where is_advanced) as advanced_count
    from {{ ref('int_funnel__entry_steps') }}
    where order_mode = 'ordered' and is_mature and not is_excluded
    group by 1, 2, 3, 4, 5, 6, 7
)

, latest as (
    select funnel_id, unit, max(step_date) as last_date
    from reached
    group by funnel_id, unit
)

, segmented as (
    select
        r.funnel_id
        , r.unit
        , r.step_order
        , {{ segment_columns(segment_types, 'r') }}
        , r.step_date
        , max(l.last_date) as last_date
        , cast(sum(r.entered_count) as double) as n
        , cast(sum(r.advanced_count) as double) as x
    from reached as r
    join latest as l on r.funnel_id = l.funnel_id and r.unit = l.unit
    where {{ days_between('r.step_date', 'l.last_date') }} < {{ funnel_setting('break_lookback_days') }}
    group by grouping sets (
        (r.funnel_id, r.unit, r.step_order, r.step_date)
        {%- for s in segment_types %}
        , (r.funnel_id, r.unit, r.step_order, r.step_date, r.{{ s }})
        {%- endfor %}
    )
)

, days as (
    select d.*
    from segmented as d
    join {{ ref('int_funnel__steps') }} as s
        on d.funnel_id = s.funnel_id and d.unit = s.unit and d.step_order = s.step_order and s.step_order < s.step_count
    join {{ ref('int_funnel__segments') }} as t on d.funnel_id = t.funnel_id and d.segment_type = t.segment_type
)

-- Each day as the first after a break, against all days before it.
, split as (
    select
        {{ series | join('\n        , ') }}
        , step_date
        , sum(n) over (partition by {{ series | join(', ') }} order by step_date rows between unbounded preceding and current row) - n as n_before
        , sum(x) over (partition by {{ series | join(', ') }} order by step_date rows between unbounded preceding and current row) - x as x_before
        , sum(n) over (partition by {{ series | join(', ') }} order by step_date rows between current row and unbounded following) as n_after
        , sum(x) over (partition by {{ series | join(', ') }} order by step_date rows between current row and unbounded following) as x_after
        , {{ days_between('step_date', 'last_date') }} + 1 as days_after
    from days
)

-- Twice this is the likelihood ratio of two rates against one; worked out for drops only.
, weighed as (
    select
        split.*
        , count(*) over (partition by funnel_id, unit) as look_count
        , case when x_after * n_before < x_before * n_after then round(
            {{ binomial_likelihood('x_before', 'n_before') }} + {{ binomial_likelihood('x_after', 'n_after') }}
            - {{ binomial_likelihood('(x_before + x_after)', '(n_before + n_after)') }}
        , 9) end as likelihood_gain
    from split
    where n_before >= {{ least }} and n_after >= {{ least }} and days_after >= {{ funnel_setting('break_min_days') }}
)

, best as (
    select *
    from (
        select
            weighed.*
            , row_number() over (
                partition by {{ series | join(', ') }} order by likelihood_gain desc nulls last, step_date
            ) as place
        from weighed
    ) as ranked
    where place = 1 and likelihood_gain is not null
)

-- Days differ by more than chance when campaigns and weekends mix other people in; the gain is divided by how much more
-- (Pearson's statistic per degree of freedom around the two rates).
, spread as (
    select
        {{ columns_of('d', series) }}
        -- Rounded: a sum of floating-point numbers depends on their order in the last digit.
        , greatest(1e0, round(sum(
            {{ pearson_part('d.x', 'd.n', 'case when d.step_date < b.step_date then b.x_before / b.n_before else b.x_after / b.n_after end') }}
        ) / nullif(count(*) - 2, 0), 9)) as dispersion
    from days as d
    join best as b on {{ same_columns('d', 'b', series) }}
    group by {{ columns_of('d', series) }}
)

-- Days that fit nearly as well: within 1.92, half the 95 % quantile of chi-square with one degree of freedom.
, near as (
    select
        {{ columns_of('w', series) }}
        , min(w.step_date) as earliest_date
        , max(w.step_date) as latest_date
    from weighed as w
    join best as b on {{ same_columns('w', 'b', series) }}
    join spread as s on {{ same_columns('w', 's', series) }}
    where w.likelihood_gain >= b.likelihood_gain - 1.92e0 * s.dispersion
    group by {{ columns_of('w', series) }}
)

, tested as (
    select
        b.*
        , n.earliest_date
        , n.latest_date
        , s.dispersion
        , sqrt(2 * b.likelihood_gain / s.dispersion) as break_z
        , {{ normal_quantile_upper(funnel_setting('break_false_alarm_rate') ~ 'e0 / b.look_count') }} as needed_z
    from best as b
    join spread as s on {{ same_columns('b', 's', series) }}
    join near as n on {{ same_columns('b', 'n', series) }}
)

select
    cast({{ row_key(series) }} as string) as funnel_break_key
    {%- for c in series %}
    , cast({{ c }} as {{ 'bigint' if c == 'step_order' else 'string' }}) as {{ c }}
    {%- endfor %}
    , cast(step_date as date) as break_date
    , cast(earliest_date as date) as earliest_break_date
    , cast(latest_date as date) as latest_break_date
    , cast(n_before as bigint) as entered_before_count
    , cast(x_before as bigint) as advanced_before_count
    , cast(n_after as bigint) as entered_after_count
    , cast(x_after as bigint) as advanced_after_count
    , cast(days_after as bigint) as days_since_break
    , dispersion
    , cast(look_count as bigint) as look_count
    , break_z
    , needed_z
    , break_z >= needed_z as is_break
    -- A break on one device shows in all devices and in every channel too: the clearest row names it.
    , break_z >= needed_z and row_number() over (
        partition by funnel_id, unit, step_order order by round(break_z, 9) desc, segment_type, segment_value
    ) = 1 as is_clearest_segment
from tested
