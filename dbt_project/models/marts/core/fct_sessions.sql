{%- set currency = "'" ~ var('company_currency') ~ "'" -%}
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
    where session_key is not null
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
    where e.event_at = s.started_at or e.event_at = s.ended_at or e.event_at = s.landing_at
        or e.event_at = s.traffic_at or e.event_at = s.identified_at
    group by e.session_key
)

-- A purchase counts once, in the session where it is first seen: pages that are loaded again send it again.
, purchases as (
    select
        session_key
        , count(*) as purchase_count
        , sum(case when coalesce(currency, {{ currency }}) = {{ currency }} then value end) as purchase_value
        , count(case when coalesce(currency, {{ currency }}) = {{ currency }} then value end) as valued_purchase_count
    from (
        select
            session_key
            , value
            , currency
            , row_number() over (
                partition by source_account, coalesce(transaction_id, web_event_key) order by event_at, web_event_key
            ) as place
        from {{ ref('int_web__events') }}
        where event_name = 'purchase' and session_key is not null
    ) as ranked
    where place = 1
    group by session_key
)

, sessions as (
    select
        s.session_key
        , a.customer_id
        , coalesce(a.customer_id, a.last_person_id) as person_id
        , s.has_login
        , a.session_date
        , s.started_at
        , s.ended_at
        , {{ seconds_between('s.started_at', 's.ended_at') }} as duration_seconds
        , s.event_count
        , s.page_view_count
        , s.conversion_count
        , s.ended_at + {{ web_setting('session_timeout_minutes') }} * interval '1' minute < h.last_event_at as is_closed
        , p.purchase_count
        , p.valued_purchase_count
        , p.purchase_value
        , a.landing_page_path
        , a.referrer_host
        , coalesce(a.source, '(direct)') as source
        , coalesce(a.medium, '(none)') as medium
        , a.campaign
        , g.channel_group
        , a.device_type
        , a.os
        , a.browser
        , a.country
        , a.anonymous_id
        , a.source_system
        , a.source_account
    from spans as s
    join attributes as a on s.session_key = a.session_key
    join {{ ref('int_web__horizon') }} as h on a.source_account = h.source_account
    left join purchases as p on s.session_key = p.session_key
    left join {{ ref('int_web__channel_groups') }} as g
        on coalesce(a.source, '(direct)') = g.source and coalesce(a.medium, '(none)') = g.medium
        and lower(coalesce(a.campaign, '')) = g.campaign
)

-- A direct visit says nothing about what brought the person: the latest visit that does, up to this one, is kept.
, numbered as (
    select
        sessions.*
        , row_number() over (partition by person_id order by started_at, session_key) as session_number
        , {{ last_non_null(
            "case when channel_group <> 'Direct' then " ~ struct_of({
                'started_at': 'started_at', 'source': 'source', 'medium': 'medium', 'campaign': 'campaign',
                'channel_group': 'channel_group',
            }) ~ ' end',
            'partition by person_id order by started_at, session_key rows between unbounded preceding and current row',
        ) }} as known
    from sessions
)

, attributed as (
    select
        numbered.*
        , coalesce(
            known.started_at >= started_at - {{ web_setting('session_attribution_days') }} * interval '1' day, false
        ) as is_known
    from numbered
)

select
    cast(session_key as string) as session_key
    , cast(customer_id as string) as customer_id
    , cast(person_id as string) as person_id
    , cast(session_number as bigint) as session_number
    , has_login
    , cast(session_date as date) as session_date
    , cast(started_at as timestamp) as started_at
    , cast(ended_at as timestamp) as ended_at
    , cast(duration_seconds as double) as duration_seconds
    , cast(event_count as bigint) as event_count
    , cast(page_view_count as bigint) as page_view_count
    , cast(conversion_count as bigint) as conversion_count
    , duration_seconds >= {{ web_setting('session_engaged_seconds') }} or page_view_count >= 2 or conversion_count > 0
        as is_engaged
    , is_closed
    , cast(coalesce(purchase_count, 0) as bigint) as purchase_count
    , cast(coalesce(valued_purchase_count, 0) as bigint) as valued_purchase_count
    , cast(purchase_value as decimal(18, 4)) as purchase_value
    , cast({{ currency }} as string) as currency
    , cast(landing_page_path as string) as landing_page_path
    , cast(referrer_host as string) as referrer_host
    , cast(source as string) as source
    , cast(medium as string) as medium
    , cast(campaign as string) as campaign
    , cast(channel_group as string) as channel_group
    , cast(case when is_known then known.source else source end as string) as attributed_source
    , cast(case when is_known then known.medium else medium end as string) as attributed_medium
    , cast(case when is_known then known.campaign else campaign end as string) as attributed_campaign
    , cast(case when is_known then known.channel_group else channel_group end as string) as attributed_channel_group
    , cast(device_type as string) as device_type
    , cast(os as string) as os
    , cast(browser as string) as browser
    , cast(country as string) as country
    , cast(anonymous_id as string) as anonymous_id
    , cast(source_system as string) as source_system
    , cast(source_account as string) as source_account
from attributed
