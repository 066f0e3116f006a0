-- Every step of the strict way is the same step of the way in order, at the same instant.
select s.funnel_id, s.unit, s.unit_id, s.entry_at, s.step_order
from {{ ref('int_funnel__entry_steps') }} as s
left join {{ ref('int_funnel__entry_steps') }} as o
    on s.funnel_id = o.funnel_id and s.unit = o.unit and s.unit_id = o.unit_id and s.entry_at = o.entry_at
    and s.step_order = o.step_order and o.order_mode = 'ordered'
where s.order_mode = 'strict' and s.step_at is distinct from o.step_at
    and s.funnel_id in (
        select funnel_id from {{ ref('int_funnel__entry_steps') }} where order_mode = 'ordered'
    )
