with latest as (
    select * from {{ latest_version(source('zendesk', 'ticket_events'), ['source_account', 'ticket_id', 'id', 'field'], 'occurred_at') }} as versions
)

select
    latest.source_account
    , latest.ticket_id as zendesk_ticket_id
    , latest.id as zendesk_child_event_id
    , latest.field
    , latest.event_id as zendesk_event_id
    , latest.event_type
    , {{ blank_to_null('latest.old_value') }} as old_value
    , {{ blank_to_null('latest.new_value') }} as new_value
    , latest.updater_id as zendesk_updater_id
    , latest.via
    , latest.occurred_at
    , latest.extracted_at
    , latest._dlt_load_id
from latest
