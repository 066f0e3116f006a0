{%- set funnels = var('funnels') -%}
with steps as (
    select
        cast(null as string) as funnel_id
        , cast(null as string) as funnel_name
        , cast(null as string) as unit
        , cast(null as bigint) as step_order
        , cast(null as string) as step_name
        , cast(null as bigint) as step_count
        , cast(null as bigint) as conversion_step_order
        , cast(null as bigint) as window_hours
    where false
    {%- for funnel in funnels -%}
    {%- for unit in funnel.units -%}
    {%- set last = last_step(funnel, unit) -%}
    {%- for step in funnel.steps[:last] %}
    union all
    select {{ sql_texts([funnel.id, funnel.name, unit]) }}, {{ loop.index }}, {{ sql_texts([step.name]) }}, {{ last }}
        , {{ conversion_step(funnel) }}, {{ funnel.window_hours or 'null' }}
    {%- endfor -%}
    {%- endfor -%}
    {%- endfor %}
)

select
    cast({{ row_key(['funnel_id', 'unit', 'step_order']) }} as string) as funnel_step_key
    , cast(funnel_id as string) as funnel_id
    , cast(funnel_name as string) as funnel_name
    , cast(unit as string) as unit
    , cast(step_order as bigint) as step_order
    , cast(step_name as string) as step_name
    , cast(step_count as bigint) as step_count
    , cast(conversion_step_order as bigint) as conversion_step_order
    , cast(window_hours as bigint) as window_hours
from steps
