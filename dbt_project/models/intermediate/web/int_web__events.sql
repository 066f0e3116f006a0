{{ config(
    materialized='incremental'
    , pre_hook=["{{ reach_sessions_and_persons() }}", "{{ forget_devices() }}"]
    , post_hook="{{ reach_sessions_and_persons() }}"
) }}
-- depends_on: {{ ref('int_web__scope') }}
{#- Each branch reads the events by itself: a shared sub-query would be kept in memory as a whole. -#}
{%- set columns = [
    'web_event_key', 'source_system', 'source_account', 'event_name', 'raw_event_name', 'event_at', 'event_date_local',
    'anonymous_id', 'user_id', 'page_path', 'referrer_host', 'source', 'medium', 'campaign', 'device_type', 'os',
    'browser', 'country', 'value', 'currency', 'transaction_id',
] -%}
-- A session id of the source needs no window: its key is computed in passing.
with keyed as (
    select
        {% for column in columns %}{% if not loop.first %}, {% endif %}e.{{ column }}{% endfor %}
        , case
            when l.session_key is null and coalesce(e.anonymous_id, e.user_id) is not null
                then {{ source_session_key('e.source_account', 'coalesce(e.anonymous_id, e.user_id)', 'e.source_session_id') }}
        end as session_key
        , case
            when coalesce(e.anonymous_id, e.user_id) is null then 'no_stream'
            when l.session_key is not null then 'too_long'
        end as session_issue
    from {{ ref('cx_web_event') }} as e
    left join {{ ref('int_web__long_sessions') }} as l
        on e.source_session_id = l.source_session_id and e.source_account = l.source_account
        and coalesce(e.anonymous_id, e.user_id) = l.device_id
    where e.source_session_id is not null and {{ is_counted_event('e') }} and {{ in_web_scope('e') }}
    union all
    select
        {% for column in columns %}{% if not loop.first %}, {% endif %}e.{{ column }}{% endfor %}
        , case when not t.is_too_long then t.session_key end
        , case when t.is_too_long then 'too_long' when t.session_key is null then 'no_stream' end
    from {{ ref('cx_web_event') }} as e
    left join {{ ref('int_web__timed_sessions') }} as t on e.web_event_key = t.web_event_key
    where e.source_session_id is null and {{ is_counted_event('e') }} and {{ in_web_scope('e') }}
)

select
    cast(k.web_event_key as string) as web_event_key
    , cast(k.source_system as string) as source_system
    , cast(k.source_account as string) as source_account
    , cast(k.session_key as string) as session_key
    , cast(k.session_issue as string) as session_issue
    , cast(coalesce(u.customer_id, case when u.user_id is null then d.customer_id end) as string) as customer_id
    , cast(coalesce(
        u.person_id, d.person_id, md5('device|' || k.source_account || '|' || k.anonymous_id)
    ) as string) as person_id
    , cast({{ web_device('k') }} as string) as device_id
    , cast(k.anonymous_id as string) as anonymous_id
    , u.user_id is not null as is_logged_in
    , cast(k.event_name as string) as event_name
    , cast(k.raw_event_name as string) as raw_event_name
    , cast(k.event_at as timestamp) as event_at
    , cast(k.event_date_local as date) as event_date_local
    , cast(k.page_path as string) as page_path
    , cast(p.touchpoint_id as string) as touchpoint_id
    , cast(k.referrer_host as string) as referrer_host
    , cast(lower(k.source) as string) as source
    , cast(lower(k.medium) as string) as medium
    , cast(k.campaign as string) as campaign
    , cast(k.device_type as string) as device_type
    , cast(k.os as string) as os
    , cast(k.browser as string) as browser
    , cast(k.country as string) as country
    , cast(k.value as decimal(18, 4)) as value
    , cast(k.currency as string) as currency
    , cast(k.transaction_id as string) as transaction_id
from keyed as k
left join {{ ref('int_identity__user_map') }} as u on k.user_id = u.user_id
left join {{ ref('int_identity__web_user_map') }} as d
    on k.anonymous_id = d.anonymous_id and k.source_account = d.source_account
    and k.event_at >= d.valid_from and k.event_at < d.valid_to
left join {{ ref('int_web__touch_patterns') }} as p
    on k.event_name = p.event_name and k.source_account = p.source_account
    and k.page_path is not distinct from p.page_path
