-- Sessions that have a step at all, counted from the conformed events by another way: distinct session ids of the
-- source. Only where every event has one.
with counted as (
    select cast(null as string) as funnel_id, cast(null as bigint) as step_order, cast(null as bigint) as session_count
    where false
    {%- for funnel in var('funnels') if 'session' in funnel.units and 'any' in funnel.order_modes %}
    {%- for step in funnel.steps if (step.event_names or step.raw_event_names) and not step.touchpoint_ids %}
    {%- set condition = step_web_condition(step) %}
    union all
    select {{ sql_texts([funnel.id]) }}, {{ loop.index }}, count(*)
    from (
        select distinct source_account, coalesce(anonymous_id, user_id) as device, source_session_id
        from {{ ref('cx_web_event') }}
        where {{ condition }} and {{ is_counted_event() }} and coalesce(anonymous_id, user_id) is not null
            {%- if funnel.connections %} and source_account in ({{ sql_texts(funnel.connections) }}){% endif %}
    ) as sessions
    {%- endfor %}
    {%- endfor %}
)

select c.*, m.reached_count
from counted as c
left join {{ ref('mart_funnel_summary') }} as m
    on c.funnel_id = m.funnel_id and c.step_order = m.step_order
    and m.unit = 'session' and m.order_mode = 'any' and m.segment_type = 'all'
where c.session_count <> coalesce(m.reached_count, 0)
    and not exists (
        select 1 from {{ ref('cx_web_event') }} where source_session_id is null and {{ is_counted_event() }}
    )
    and not exists (select 1 from {{ ref('int_web__long_sessions') }})
