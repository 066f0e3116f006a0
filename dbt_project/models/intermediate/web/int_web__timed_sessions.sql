{{ config(materialized='incremental', pre_hook="{{ forget_devices() }}") }}
-- depends_on: {{ ref('int_web__scope') }}
-- Only events without a session id of their source pass the window: key, stream and instant, nothing wide.
with streams as (
    select
        web_event_key
        , source_account
        , {{ web_device() }} as device_id
        , coalesce('device|' || anonymous_id, 'user|' || user_id) as stream_id
        , event_at
    from {{ ref('cx_web_event') }}
    where source_session_id is null and coalesce(anonymous_id, user_id) is not null and {{ is_counted_event() }}
        and {{ in_web_scope() }}
)

, gaps as (
    select
        web_event_key
        , source_account
        , device_id
        , stream_id
        , event_at
        , lag(event_at) over (partition by source_account, stream_id order by event_at, web_event_key) as previous_at
    from streams
)

, numbered as (
    select
        web_event_key
        , source_account
        , device_id
        , stream_id
        , event_at
        , sum(case
            when event_at <= previous_at + {{ web_setting('session_timeout_minutes') }} * interval '1' minute then 0
            else 1
        end) over (
            partition by source_account, stream_id order by event_at, web_event_key
            rows between unbounded preceding and current row
        ) as session_no
    from gaps
)

-- A stream starts one session at an instant, so the instant names it, whatever arrives late in other sessions.
, spans as (
    select
        source_account
        , stream_id
        , session_no
        , md5(source_account || '|' || stream_id || '|' || cast({{ to_epoch_us('min(event_at)') }} as string)) as session_key
        , max(event_at) > min(event_at) + {{ web_setting('session_max_hours') }} * interval '1' hour as is_too_long
    from numbered
    group by source_account, stream_id, session_no
)

select
    cast(n.web_event_key as string) as web_event_key
    , cast(n.source_account as string) as source_account
    , cast(n.device_id as string) as device_id
    , cast(s.session_key as string) as session_key
    , s.is_too_long
from numbered as n
join spans as s
    on n.source_account = s.source_account and n.stream_id = s.stream_id and n.session_no = s.session_no
