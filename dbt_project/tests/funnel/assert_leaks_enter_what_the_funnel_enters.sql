with weeks as (
    select funnel_id, unit, cast(date_trunc('week', entry_date) as date) as week_start, segment_type, segment_value, step_order
        , sum(entered_count) as entered_count, sum(advanced_count) as advanced_count
    from {{ ref('mart_funnel') }}
    where order_mode = 'ordered'
    group by funnel_id, unit, cast(date_trunc('week', entry_date) as date), segment_type, segment_value, step_order
)

select l.funnel_leak_key
from {{ ref('mart_funnel_leaks') }} as l
left join weeks as w
    on l.funnel_id = w.funnel_id and l.unit = w.unit and l.week_start = w.week_start
    and l.segment_type = w.segment_type and l.segment_value = w.segment_value and l.step_order = w.step_order
where l.entered_count is distinct from w.entered_count or l.advanced_count is distinct from w.advanced_count
    or l.lost_count <> l.entered_count - l.advanced_count
