{#
  Figures of each step: all units, and each segment type on its own. Totals are counted from the entries.
  Args: by_date: one set of figures per entry date; otherwise over all dates.
  Steps nobody reached are rows with zeros.
#}
{% macro funnel_figures(by_date) -%}
    {%- set date = ['entry_date'] if by_date else [] -%}
    {%- set base = ['funnel_id', 'unit', 'order_mode'] + date -%}
    {%- set segment_types = ['device_type', 'channel', 'customer_segment'] -%}
with entry_steps as (
    select
        e.*
        , case when is_mature then seconds_to_step end as mature_seconds
    from {{ ref('int_funnel__entry_steps') }} as e
    where not is_excluded
)

, figures as (
    select
        {{ base | join('\n        , ') }}
        , step_order
        , {{ segment_columns(segment_types) }}
        , count(*) as reached_count
        , count(*) filter (where not is_mature) as in_progress_count
        , count(*) filter (where is_mature) as entered_count
        , count(*) filter (where is_mature and is_advanced) as advanced_count
        , count(*) filter (where is_mature and is_from_start) as from_start_count
        , median(mature_seconds) as median_seconds_to_step
        , {{ quantile('mature_seconds', 0.9) }} as p90_seconds_to_step
    from entry_steps
    group by grouping sets (
        ({{ base | join(', ') }}, step_order)
        {%- for s in segment_types %}
        , ({{ base | join(', ') }}, step_order, {{ s }})
        {%- endfor %}
    )
)

, cells as (
    select distinct {{ base | join(', ') }}, segment_type, segment_value
    from figures
)

, filled as (
    select
        {%- for b in base %}
        {% if not loop.first %}, {% endif %}c.{{ b }}
        {%- endfor %}
        , s.funnel_name
        , c.segment_type
        , c.segment_value
        , s.step_order
        , s.step_name
        , s.step_order = s.step_count as is_last_step
        , coalesce(f.reached_count, 0) as reached_count
        , coalesce(f.in_progress_count, 0) as in_progress_count
        , coalesce(f.entered_count, 0) as entered_count
        , coalesce(f.advanced_count, 0) as advanced_count
        , coalesce(f.from_start_count, 0) as from_start_count
        , f.median_seconds_to_step
        , f.p90_seconds_to_step
    from cells as c
    join {{ ref('int_funnel__steps') }} as s on c.funnel_id = s.funnel_id and c.unit = s.unit
    join {{ ref('int_funnel__segments') }} as t on c.funnel_id = t.funnel_id and c.segment_type = t.segment_type
    left join figures as f
        on s.step_order = f.step_order and c.segment_type = f.segment_type and c.segment_value = f.segment_value
        {%- for b in base %}
        and c.{{ b }} = f.{{ b }}
        {%- endfor %}
)

, started as (
    select
        filled.*
        , first_value(from_start_count) over (
            partition by {{ base | join(', ') }}, segment_type, segment_value order by step_order
        ) as start_count
    from filled
)

select
    cast({{ row_key(base + ['segment_type', 'segment_value', 'step_order']) }} as string) as {{ 'funnel_step_key' if by_date else 'funnel_summary_key' }}
    , cast(funnel_id as string) as funnel_id
    , cast(funnel_name as string) as funnel_name
    , cast(unit as string) as unit
    , cast(order_mode as string) as order_mode
    {%- if by_date %}
    , cast(entry_date as date) as entry_date
    {%- endif %}
    , cast(segment_type as string) as segment_type
    , cast(segment_value as string) as segment_value
    , cast(step_order as bigint) as step_order
    , cast(step_name as string) as step_name
    , is_last_step
    , cast(reached_count as bigint) as reached_count
    , cast(in_progress_count as bigint) as in_progress_count
    , cast(entered_count as bigint) as entered_count
    , cast(case when not is_last_step then advanced_count end as bigint) as advanced_count
    , cast(from_start_count as bigint) as from_start_count
    , case when not is_last_step then {{ share('advanced_count', 'entered_count') }} end as step_conversion_rate
    , case when not is_last_step then {{ wilson_low('advanced_count', 'entered_count') }} end as step_conversion_low
    , case when not is_last_step then {{ wilson_high('advanced_count', 'entered_count') }} end as step_conversion_high
    , {{ share('from_start_count', 'start_count') }} as cumulative_conversion_rate
    , {{ wilson_low('from_start_count', 'start_count') }} as cumulative_conversion_low
    , {{ wilson_high('from_start_count', 'start_count') }} as cumulative_conversion_high
    , cast(median_seconds_to_step as double) as median_seconds_to_step
    , cast(p90_seconds_to_step as double) as p90_seconds_to_step
    , entered_count >= {{ funnel_setting('funnel_min_entries') }} as is_reportable
from started
{%- endmacro %}
