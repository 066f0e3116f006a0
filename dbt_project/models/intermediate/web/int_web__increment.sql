{{ config(post_hook="{{ close_web_scope() }}") }}
-- depends_on: {{ ref('int_identity__user_map') }} {{ ref('int_identity__web_user_map') }}
-- Built after every model that adds to an earlier build.
-- depends_on: {{ ref('int_web__touches') }} {{ ref('int_web__long_sessions') }} {{ ref('int_web__timed_sessions') }}
-- depends_on: {{ ref('int_journey__timeline') }} {{ ref('int_journey__journeys') }} {{ ref('int_journey__visits') }}
-- depends_on: {{ ref('int_attribution__paths') }}
-- depends_on: {{ ref('int_funnel__cart_events') }} {{ ref('int_funnel__walks') }}
{%- set resumed = is_web_resumed() %}
select
    {{ 'true' if resumed else 'false' }} as is_increment
    , cast(device_count as bigint) as device_count
    , cast(session_count as bigint) as session_count
    , cast(person_count as bigint) as person_count
from (
    select
        count(*) as device_count
        {%- for kind in ['session', 'person'] %}
        , {% if resumed %}(select count(*) from {{ reached_by_web() }} where kind = '{{ kind }}'){% else %}0{% endif %} as {{ kind }}_count
        {%- endfor %}
    from {{ ref('int_web__scope') }}
) as counted
