{%- set parts = [] -%}
{%- for funnel in var('funnels') -%}
    {%- for unit in funnel.units if last_step(funnel, unit) > 0 -%}
        {%- do parts.append({'p': 'f_' ~ funnel.id ~ '_' ~ unit, 'funnel': funnel, 'unit': unit}) -%}
    {%- endfor -%}
{%- endfor -%}
-- Read also when no funnel is configured, so that the graph does not depend on the configuration.
-- depends_on: {{ ref('int_web__events') }}
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

, latest as (
    select max(last_event_at) as last_event_at from {{ ref('int_web__horizon') }}
)

-- Segments are those of the session in which the unit entered.
select
    cast(s.funnel_id as string) as funnel_id
    , cast(s.unit as string) as unit
    , cast(s.order_mode as string) as order_mode
    , cast(s.unit_id as string) as unit_id
    , cast(s.entry_at as timestamp) as entry_at
    , cast(s.entry_date as date) as entry_date
    , cast(s.step_order as bigint) as step_order
    , cast(s.step_at as timestamp) as step_at
    , cast(s.seconds_to_step as double) as seconds_to_step
    , s.is_advanced
    , s.has_previous_step
    , s.is_from_start
    , s.is_excluded
    , case
        when s.unit = 'session' then coalesce(v.is_closed, true)
        {%- if funnels_use_unit('cart') %}
        when s.unit = 'cart' then k.is_mature
        {%- endif %}
        when s.window_hours is null then true
        else s.entry_at + s.window_hours * interval '1' hour <= coalesce(h.last_event_at, latest.last_event_at)
    end as is_mature
    , cast(coalesce(v.device_type, 'unknown') as string) as device_type
    , cast(coalesce(v.channel_group, 'unknown') as string) as channel
    , cast({% if funnels_use_segment('customer_segment') %}coalesce(c.customer_segment, 'unknown'){% else %}'unknown'{% endif %} as string) as customer_segment
from steps as s
cross join latest
left join {{ ref('fct_sessions') }} as v on s.session_key = v.session_key
left join {{ ref('int_web__horizon') }} as h on v.source_account = h.source_account
{%- if funnels_use_unit('cart') %}
left join {{ ref('int_funnel__carts') }} as k on s.unit = 'cart' and s.unit_id = k.cart_key
{%- endif %}
{%- if funnels_use_segment('customer_segment') %}
left join {{ ref('dim_customers') }} as c on coalesce(v.customer_id, s.unit_id) = c.customer_id
{%- endif %}
