with totals as (
    select
        funnel_id
        , unit
        , order_mode
        , entry_date
        , step_order
        , segment_type
        , sum(reached_count) as reached_count
        , sum(entered_count) as entered_count
    from {{ ref('mart_funnel') }}
    group by funnel_id, unit, order_mode, entry_date, step_order, segment_type
)

select a.*
from totals as a
join totals as s
    on a.funnel_id = s.funnel_id and a.unit = s.unit and a.order_mode = s.order_mode and a.entry_date = s.entry_date
    and a.step_order = s.step_order
where a.segment_type = 'all' and (a.reached_count <> s.reached_count or a.entered_count <> s.entered_count)
