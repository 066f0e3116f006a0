{{ config(materialized='incremental', pre_hook="{{ forget_devices() }}") }}
-- depends_on: {{ ref('int_web__scope') }}
select
    cast({{ source_session_key('source_account', 'coalesce(anonymous_id, user_id)', 'source_session_id') }} as string) as session_key
    , cast(source_account as string) as source_account
    , cast(coalesce(anonymous_id, user_id) as string) as device_id
    , cast(source_session_id as string) as source_session_id
    , cast(min(event_at) as timestamp) as started_at
    , cast(max(event_at) as timestamp) as ended_at
    , cast(count(*) as bigint) as event_count
from {{ ref('cx_web_event') }}
where source_session_id is not null and coalesce(anonymous_id, user_id) is not null and {{ is_counted_event() }}
    and {{ in_web_scope() }}
group by source_account, coalesce(anonymous_id, user_id), source_session_id
having max(event_at) > min(event_at) + {{ web_setting('session_max_hours') }} * interval '1' hour
