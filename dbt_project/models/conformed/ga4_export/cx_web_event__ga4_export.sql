-- Browsers are few: the patterns are looked for once per browser, not once per event.
with bots as (
    select browsers.browser
    from {{ ref('stg_ga4_export__browsers') }} as browsers
    join {{ ref('map_bots') }} as marks
        on marks.source_system = 'ga4_export'
        and marks.source_field = 'browser'
        and contains(lower(browsers.browser), marks.pattern)
    group by browsers.browser
)

select
    {{ source_columns('web_event', 'ga4_export', 'events', 'events.ga4_event_id', 'events') }}
    , coalesce(names.event_name, 'other') as event_name
    , events.event_name as raw_event_name
    , events.event_at
    , events.event_date_local
    , events.ga_session_id as source_session_id
    , events.user_pseudo_id as anonymous_id
    , events.user_id
    , events.page_location as page_url
    , events.page_path
    , events.page_title
    , events.referrer_host
    , events.source
    , events.medium
    , events.campaign
    , events.content
    , events.term
    , events.gclid as click_id
    , coalesce(devices.device_type, case when events.device_category is not null then 'other' end) as device_type
    , events.operating_system as os
    , events.browser
    , events.country
    , coalesce(events.purchase_revenue, events.value) as value
    , events.currency
    , events.transaction_id
    , events.product_ids
    , events.params
    , consents.consent_state
    , bots.browser is not null as is_bot
    , events.event_at as source_created_at
    , events.event_at as source_updated_at
from {{ ref('stg_ga4_export__events') }} as events
left join {{ ref('map_web_events') }} as names
    on names.source_system = 'ga4_export'
    and events.event_name = names.raw_event_name
left join {{ ref('map_devices') }} as devices
    on devices.source_system = 'ga4_export'
    and lower(events.device_category) = devices.source_value
left join {{ ref('map_consent') }} as consents
    on consents.source_system = 'ga4_export'
    and lower(events.analytics_storage) = consents.source_value
left join bots on events.browser = bots.browser
