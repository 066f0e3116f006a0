{#- A view: the events are written once, as cx_web_event. Everything but the last select reads few and narrow columns,
    so that no sort or join carries the whole event. -#}
{{ config(materialized='view') }}

-- A daily file is restated by loading it again whole: only its newest load counts.
with newest_load as (
    {{ newest_ga4_loads() }}
)

-- event_key is unique within a file, so an event can stand twice only on a day that more than one file holds.
, shared_days as (
    select
        events.source_account
        , events.event_date
    from {{ source('ga4_export', 'events') }} as events
    inner join newest_load
        on events.source_account = newest_load.source_account
        and events._cx_file = newest_load._cx_file
        and events._dlt_load_id = newest_load._dlt_load_id
    group by 1, 2
    having min(events._cx_file) <> max(events._cx_file)
)

, repeated as (
    select
        ranked.source_account
        , ranked._dlt_load_id
        , ranked._cx_row
    from (
        select
            events.source_account
            , events._dlt_load_id
            , events._cx_row
            , row_number() over (
                partition by events.source_account, events.event_key
                order by events._cx_file desc, events._cx_file_row desc, events._cx_row desc
            ) as version_rank
        from {{ source('ga4_export', 'events') }} as events
        inner join newest_load
            on events.source_account = newest_load.source_account
            and events._cx_file = newest_load._cx_file
            and events._dlt_load_id = newest_load._dlt_load_id
        inner join shared_days
            on events.source_account = shared_days.source_account
            and events.event_date = shared_days.event_date
    ) as ranked
    where ranked.version_rank > 1
)

select
    events.source_account
    , events.event_key as ga4_event_id
    , events.event_date as event_date_local
    , events.event_at
    , events.event_name
    , events.user_id
    , events.user_pseudo_id
    , events.stream_id
    , events.platform
    , events.ga_session_id
    , events.ga_session_number
    , events.is_engaged_session
    , events.engagement_time_msec
    , events.page_location
    , events.page_path
    , events.page_title
    , events.referrer_host
    , events.source
    , events.medium
    , events.campaign
    , events.term
    , events.content
    , events.gclid
    , events.value
    , events.currency
    , events.device_category
    , events.operating_system
    , events.browser
    , events.language
    , events.country
    , events.analytics_storage
    , events.transaction_id
    , events.purchase_revenue
    , events.product_ids
    , events.params
    , events.extracted_at
    , events._dlt_load_id
from {{ source('ga4_export', 'events') }} as events
inner join newest_load
    on events.source_account = newest_load.source_account
    and events._cx_file = newest_load._cx_file
    and events._dlt_load_id = newest_load._dlt_load_id
left join repeated
    on events.source_account = repeated.source_account
    and events._dlt_load_id = repeated._dlt_load_id
    and events._cx_row = repeated._cx_row
where repeated._cx_row is null
