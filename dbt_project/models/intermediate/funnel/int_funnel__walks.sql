{{ config(
    materialized='incremental'
    , pre_hook=[
        "{{ forget_reached('session', \"case when unit = 'session' then unit_id end\") }}"
        , "{{ forget_reached('person', \"case unit when 'person' then unit_id when 'cart' then cart_person_id end\") }}"
    ]
) }}
{%- set parts = [] -%}
{%- for funnel in var('funnels') -%}
    {%- for unit in funnel.units if last_step(funnel, unit) > 0 -%}
        {%- do parts.append({'p': 'f_' ~ funnel.id ~ '_' ~ unit, 'funnel': funnel, 'unit': unit}) -%}
    {%- endfor -%}
{%- endfor -%}
with nothing as (
    select
        cast(null as string) as funnel_id
        , cast(null as string) as unit
        , cast(null as string) as order_mode
        , cast(null as string) as unit_id
        , cast(null as timestamp) as entry_at
        , cast(null as date) as entry_date
        , cast(null as string) as session_key
        , cast(null as bigint) as step_order
        , cast(null as timestamp) as step_at
        , cast(null as double) as seconds_to_step
        , false as is_advanced
        , false as has_previous_step
        , false as is_from_start
        , false as is_excluded
        , cast(null as bigint) as window_hours
    where false
)
{{- funnel_event_ctes() }}
{%- for part in parts %}
{%- set modes = part.funnel.order_modes %}
{{ funnel_ordered_ctes(part.p, part.funnel, part.unit) if 'ordered' in modes or 'strict' in modes }}
{{- funnel_strict_ctes(part.p, part.funnel, part.unit) if 'strict' in modes }}
{{- funnel_any_ctes(part.p, part.funnel, part.unit) if 'any' in modes }}
{%- endfor %}

, steps as (
    select * from nothing
    {%- for part in parts %}
    {%- for mode in part.funnel.order_modes %}
    union all
    {{ funnel_any_rows(part.p, part.funnel, part.unit) if mode == 'any' else funnel_walked_rows(part.p, part.funnel, part.unit, mode) }}
    {%- endfor %}
    {%- endfor %}
)

select
    cast(s.funnel_id as string) as funnel_id
    , cast(s.unit as string) as unit
    , cast(s.order_mode as string) as order_mode
    , cast(s.unit_id as string) as unit_id
    , cast({{ 'k.person_id' if funnels_use_unit('cart') else 'null' }} as string) as cart_person_id
    , cast(s.entry_at as timestamp) as entry_at
    , cast(s.entry_date as date) as entry_date
    , cast(s.session_key as string) as session_key
    , cast(s.step_order as bigint) as step_order
    , cast(s.step_at as timestamp) as step_at
    , cast(s.seconds_to_step as double) as seconds_to_step
    , s.is_advanced
    , s.has_previous_step
    , s.is_from_start
    , s.is_excluded
    , cast(s.window_hours as bigint) as window_hours
from steps as s
{%- if funnels_use_unit('cart') %}
left join {{ ref('int_funnel__carts') }} as k on s.unit = 'cart' and s.unit_id = k.cart_key
{%- endif %}
