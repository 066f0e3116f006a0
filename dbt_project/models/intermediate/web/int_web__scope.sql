{#- The SQL of an increment alone reads data: a build from scratch has no scope. -#}
-- depends_on: {{ ref('int_identity__user_map') }} {{ ref('int_identity__web_user_map') }} {{ ref('cx_web_event') }}
{%- set resumed = is_web_resumed() %}
with devices as (
    {%- if resumed %}
    select source_account, device_id from {{ changed_web_events() }}
    union
    select source_account, anonymous_id
    from (
        {{ changed_rows(ref('int_identity__web_user_map'), owners_before('devices'), ['source_account', 'anonymous_id', 'valid_from', 'valid_to', 'customer_id', 'person_id']) }}
    ) as owned
    union
    select source_account, {{ web_device() }}
    from {{ ref('cx_web_event') }}
    where user_id in (
        select user_id
        from (
            {{ changed_rows(ref('int_identity__user_map'), owners_before('users'), ['user_id', 'customer_id', 'person_id']) }}
        ) as known
    )
    {%- else %}
    select cast(null as string) as source_account, cast(null as string) as device_id where false
    {%- endif %}
)

select
    cast(source_account as string) as source_account
    , cast(device_id as string) as device_id
from devices
