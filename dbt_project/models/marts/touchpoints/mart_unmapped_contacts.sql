-- What still needs a rule, in the words a rule would match.
with unmapped as (
    select
        contact.interaction_type
        , contact.channel
        , contact.source_account
        , case contact.interaction_type
            when 'order' then 'order_type ' || contact.order_type
            when 'ticket' then 'category ' || coalesce(contact.category, '(none)')
            when 'message' then 'ticket_channel ' || coalesce(contact.ticket_channel, '(none)')
            when 'call' then 'queue ' || coalesce(contact.queue, '(none)')
            when 'survey_response'
                then 'survey ' || coalesce(contact.survey_name, '(none)')
                    || ', metric ' || coalesce(contact.survey_metric, '(none)')
                    || ', stated touchpoint ' || coalesce(contact.stated_touchpoint_id, '(none)')
            when 'store_visit' then 'visit_type ' || coalesce(contact.visit_type, '(none)')
        end as pattern
        , contact.interaction_key
        , contact.source_id
        , contact.interaction_at
        , contact.customer_id
        , cast(1 as bigint) as event_count
    from {{ ref('int_journey__contacts') }} as contact
    inner join {{ ref('int_journey__contact_touchpoints') }} as touchpoint
        on contact.interaction_key = touchpoint.interaction_key
    where touchpoint.touchpoint_id = 'unmapped'

    union all

    -- Web events by name and first part of the path; a whole path would give one row per product.
    select
        'web_touch'
        , 'web'
        , event.source_account
        , 'event_name ' || event.event_name || ', page_path /' || coalesce(split_part(event.page_path, '/', 2), '')
        , event.session_key
        , event.web_event_key
        , event.event_at
        , event.customer_id
        , cast(1 as bigint)
    from {{ ref('int_web__events') }} as event
    where event.touchpoint_id = 'unmapped'
)

select
    {{ row_key(['interaction_type', 'channel', 'source_account', 'pattern']) }} as unmapped_key
    , interaction_type
    , channel
    , source_account
    , pattern
    -- A web touch is a session and a touchpoint, so its events are counted beside it.
    , count(distinct interaction_key) as contact_count
    , cast(sum(event_count) as bigint) as record_count
    , count(distinct customer_id) as customer_count
    , min(interaction_at) as first_seen_at
    , max(interaction_at) as last_seen_at
    , min(source_id) as example_source_id
    , max(source_id) as other_example_source_id
from unmapped
group by interaction_type, channel, source_account, pattern
