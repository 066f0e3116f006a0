-- Neighbouring events of a stream are in one session if, and only if, they lie at most the timeout apart.
with events as (
    select
        t.session_key
        , e.source_account
        , coalesce('device|' || e.anonymous_id, 'user|' || e.user_id) as stream_id
        , e.event_at
        , e.web_event_key
    from {{ ref('int_web__timed_sessions') }} as t
    join {{ ref('cx_web_event') }} as e on t.web_event_key = e.web_event_key
)

, neighbours as (
    select
        events.*
        , lag(event_at) over (partition by source_account, stream_id order by event_at, web_event_key) as previous_at
        , lag(session_key) over (partition by source_account, stream_id order by event_at, web_event_key) as previous_session_key
    from events
)

select *
from neighbours
where previous_at is not null
    and (event_at <= previous_at + {{ web_setting('session_timeout_minutes') }} * interval '1' minute)
        <> (session_key = previous_session_key)
