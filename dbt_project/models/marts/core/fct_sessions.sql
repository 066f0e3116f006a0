{%- set currency = "'" ~ var('company_currency') ~ "'" -%}
-- A purchase counts once, in the session where it is first seen: pages that are loaded again send it again.
with purchases as (
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
        s.*
        , s.ended_at + {{ web_setting('session_timeout_minutes') }} * interval '1' minute < h.last_event_at as is_closed
        , p.purchase_count
        , p.valued_purchase_count
        , p.purchase_value
        , g.channel_group
    from {{ ref('int_web__sessions') }} as s
    join {{ ref('int_web__horizon') }} as h on s.source_account = h.source_account
    left join purchases as p on s.session_key = p.session_key
    left join {{ ref('int_web__channel_groups') }} as g
        on s.source = g.source and s.medium = g.medium and lower(coalesce(s.campaign, '')) = g.campaign
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
