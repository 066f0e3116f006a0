{%- set in_order = [] -%}
{%- for funnel in var('funnels') if 'ordered' in funnel.order_modes -%}
    {%- do in_order.append(funnel.id) -%}
{%- endfor -%}
{%- set is_in_order = 'funnel_id in (' ~ sql_texts(in_order) ~ ')' if in_order else 'false' -%}
with walked as (
    select distinct funnel_id, unit, unit_id, step_order
    from {{ ref('int_funnel__walks') }}
    where order_mode = 'ordered'
)

, steps_at_all as (
    select
        a.funnel_id
        , a.unit
        , a.entry_date
        , a.device_type
        , a.step_order
        , count(*) as unit_count
        , count(*) filter (where not a.has_previous_step) as skipped_count
        , count(*) filter (where not a.is_from_start) as startless_count
        , count(*) filter (where a.has_previous_step and w.unit_id is null) as unordered_count
    from {{ ref('int_funnel__entry_steps') }} as a
    left join walked as w
        on a.funnel_id = w.funnel_id and a.unit = w.unit and a.unit_id = w.unit_id and a.step_order = w.step_order
    where a.order_mode = 'any' and a.is_mature and a.step_order > 1
    group by a.funnel_id, a.unit, a.entry_date, a.device_type, a.step_order
)

-- Both modes with an order have the same entries; one of them is enough.
, entries as (
    select
        funnel_id
        , unit
        , entry_date
        , device_type
        , step_order
        , count(*) as unit_count
        , count(*) filter (where is_excluded) as excluded_count
    from {{ ref('int_funnel__entry_steps') }}
    where step_order = 1 and is_mature and order_mode = case when {{ is_in_order }} then 'ordered' else 'strict' end
    group by funnel_id, unit, entry_date, device_type, step_order
)

, issues as (
    select funnel_id, unit, entry_date, device_type, step_order, 'step_before_missing' as issue_type, unit_count, skipped_count as issue_count
    from steps_at_all
    union all
    select funnel_id, unit, entry_date, device_type, step_order, 'first_step_missing', unit_count, startless_count
    from steps_at_all
    union all
    select funnel_id, unit, entry_date, device_type, step_order, 'not_in_order', unit_count, unordered_count
    from steps_at_all
    where {{ is_in_order }}
    union all
    select funnel_id, unit, entry_date, device_type, step_order, 'excluded', unit_count, excluded_count
    from entries
)

, figures as (
    select
        funnel_id
        , unit
        , entry_date
        , {{ segment_columns(['device_type']) }}
        , step_order
        , issue_type
        , sum(unit_count) as unit_count
        , sum(issue_count) as issue_count
    from issues
    group by grouping sets (
        (funnel_id, unit, entry_date, step_order, issue_type)
        , (funnel_id, unit, entry_date, step_order, issue_type, device_type)
    )
)

select
    cast({{ row_key(['f.funnel_id', 'f.unit', 'f.entry_date', 'f.segment_type', 'f.segment_value', 'f.step_order', 'f.issue_type']) }} as string) as funnel_quality_key
    , cast(f.funnel_id as string) as funnel_id
    , cast(s.funnel_name as string) as funnel_name
    , cast(f.unit as string) as unit
    , cast(f.entry_date as date) as entry_date
    , cast(f.segment_type as string) as segment_type
    , cast(f.segment_value as string) as segment_value
    , cast(f.step_order as bigint) as step_order
    , cast(s.step_name as string) as step_name
    , cast(p.step_name as string) as previous_step_name
    , cast(f.issue_type as string) as issue_type
    , cast(f.unit_count as bigint) as unit_count
    , cast(f.issue_count as bigint) as issue_count
    , {{ share('f.issue_count', 'f.unit_count') }} as issue_rate
    , {{ wilson_low('f.issue_count', 'f.unit_count') }} as issue_rate_low
    , {{ wilson_high('f.issue_count', 'f.unit_count') }} as issue_rate_high
from figures as f
join {{ ref('int_funnel__steps') }} as s on f.funnel_id = s.funnel_id and f.unit = s.unit and f.step_order = s.step_order
left join {{ ref('int_funnel__steps') }} as p on f.funnel_id = p.funnel_id and f.unit = p.unit and f.step_order = p.step_order + 1
