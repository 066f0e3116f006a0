{{ config(materialized='incremental', pre_hook="{{ forget_reached('session', 'session_key') }}") }}
{%- set conversions = web_setting('session_conversion_events') -%}
{#- Each part reads the events by itself: a shared sub-query would be kept in memory as a whole. -#}
with spans as (
    select
        session_key
        , min(event_at) as started_at
        , max(event_at) as ended_at
        , count(*) as event_count
        , count(*) filter (where event_name = 'page_view') as page_view_count
        , count(*) filter (
            where event_name in ({{ sql_texts(conversions) }})
        ) as conversion_count
        , min(event_at) filter (where source is not null or medium is not null) as traffic_at
        , min(event_at) filter (where page_path is not null) as landing_at
        , max(event_at) filter (where customer_id is not null) as identified_at
        , bool_or(is_logged_in) as has_login
    from {{ ref('int_web__events') }}
    where session_key is not null and {{ is_reached('session', 'session_key') }}
    group by session_key
)

-- The few events that give a session its attributes; ties of an instant go to the smaller event key.
, attributes as (
    select
        e.session_key
        , min(e.source_system) as source_system
        , min(e.source_account) as source_account
        , min(e.anonymous_id) as anonymous_id
        , {{ first_by('e.event_date_local', 'e.web_event_key') }} filter (where e.event_at = s.started_at) as session_date
        , {{ first_by('e.device_type', 'e.web_event_key') }} filter (where e.event_at = s.started_at) as device_type
        , {{ first_by('e.os', 'e.web_event_key') }} filter (where e.event_at = s.started_at) as os
        , {{ first_by('e.browser', 'e.web_event_key') }} filter (where e.event_at = s.started_at) as browser
        , {{ first_by('e.country', 'e.web_event_key') }} filter (where e.event_at = s.started_at) as country
        , {{ first_by('e.referrer_host', 'e.web_event_key') }} filter (where e.event_at = s.started_at) as referrer_host
        , {{ first_by('e.page_path', 'e.web_event_key') }} filter (where e.event_at = s.landing_at and e.page_path is not null) as landing_page_path
        , {{ first_by('e.source', 'e.web_event_key') }} filter (where e.event_at = s.traffic_at and (e.source is not null or e.medium is not null)) as source
        , {{ first_by('e.medium', 'e.web_event_key') }} filter (where e.event_at = s.traffic_at and (e.source is not null or e.medium is not null)) as medium
        , {{ first_by('e.campaign', 'e.web_event_key') }} filter (
            where e.event_at = s.traffic_at and (e.source is not null or e.medium is not null)
        ) as campaign
        , {{ last_by('e.customer_id', 'e.web_event_key') }} filter (where e.event_at = s.identified_at and e.customer_id is not null) as customer_id
        , {{ last_by('e.person_id', 'e.web_event_key') }} filter (where e.event_at = s.ended_at) as last_person_id
    from {{ ref('int_web__events') }} as e
    join spans as s on e.session_key = s.session_key
    where (
        e.event_at = s.started_at or e.event_at = s.ended_at or e.event_at = s.landing_at
        or e.event_at = s.traffic_at or e.event_at = s.identified_at
    )
    and {{ is_reached('session', 'e.session_key') }}
    group by e.session_key
)

select
    cast(s.session_key as string) as session_key
    , cast(a.customer_id as string) as customer_id
    , cast(coalesce(a.customer_id, a.last_person_id) as string) as person_id
    , s.has_login
    , cast(a.session_date as date) as session_date
    , cast(s.started_at as timestamp) as started_at
    , cast(s.ended_at as timestamp) as ended_at
    , cast({{ seconds_between('s.started_at', 's.ended_at') }} as double) as duration_seconds
    , cast(s.event_count as bigint) as event_count
    , cast(s.page_view_count as bigint) as page_view_count
    , cast(s.conversion_count as bigint) as conversion_count
    , cast(a.landing_page_path as string) as landing_page_path
    , cast(a.referrer_host as string) as referrer_host
    , cast(coalesce(a.source, '(direct)') as string) as source
    , cast(coalesce(a.medium, '(none)') as string) as medium
    , cast(a.campaign as string) as campaign
    , cast(a.device_type as string) as device_type
    , cast(a.os as string) as os
    , cast(a.browser as string) as browser
    , cast(a.country as string) as country
    , cast(a.anonymous_id as string) as anonymous_id
    , cast(a.source_system as string) as source_system
    , cast(a.source_account as string) as source_account
from spans as s
join attributes as a on s.session_key = a.session_key
