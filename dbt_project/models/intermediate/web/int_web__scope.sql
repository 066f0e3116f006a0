-- depends_on: {{ ref('int_identity__user_map') }} {{ ref('int_identity__web_user_map') }} {{ ref('cx_web_event') }}
{%- set resumed = is_web_resumed() -%}
{%- if resumed -%}{%- do note_changed_owners() -%}{%- endif %}
with devices as (
    {%- if resumed %}
    select distinct source_account, device_id from {{ changed_web_events() }}
    {%- else %}
    select cast(null as string) as source_account, cast(null as string) as device_id where false
    {%- endif %}
)

select
    cast(source_account as string) as source_account
    , cast(device_id as string) as device_id
from devices
