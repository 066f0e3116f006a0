with latest as (
    select * from {{ latest_version(source('zendesk', 'tickets'), ['source_account', 'id'], 'generated_at') }} as versions
)

, deleted as (
    {{ deletions('latest', "latest_rows.id", source('zendesk', 'tickets__deletes')) }}
)

-- A merge closes the loser, it does not delete it.
, merged_tickets as (
    select * from {{ latest_version(source('zendesk', 'tickets__merges'), ['source_account', 'losing_id'], 'detected_at') }} as versions
)

select
    latest.source_account
    , latest.id as zendesk_ticket_id
    , latest.requester_id as zendesk_requester_id
    , latest.assignee_id as zendesk_assignee_id
    , latest.group_id as zendesk_group_id
    , latest.organization_id as zendesk_organization_id
    , {{ blank_to_null('latest.subject') }} as subject_text
    , {{ blank_to_null('latest.description') }} as description_text
    , lower(latest.status) as status
    , lower({{ blank_to_null('latest.priority') }}) as priority
    , lower({{ blank_to_null('latest.type') }}) as ticket_type
    , lower({{ blank_to_null('latest.via_channel') }}) as via_channel
    , {{ blank_to_null('latest.order_number') }} as order_number
    , {{ blank_to_null('latest.satisfaction_score') }} as satisfaction_score
    , latest.tags
    , coalesce(latest.is_scrubbed, false) as is_scrubbed
    , coalesce(latest.is_merged_away, false) as is_merged_away
    , merged_tickets.winning_id as merged_into_ticket_id
    , latest.created_at
    , latest.updated_at
    , latest.generated_at
    , coalesce(latest.is_deleted, false) or deleted.source_id is not null as is_deleted
    , deleted.deleted_at
    , latest.extracted_at
    , latest._dlt_load_id
from latest
left join deleted
    on latest.source_account = deleted.source_account
    and latest.id = deleted.source_id
left join merged_tickets
    on latest.source_account = merged_tickets.source_account
    and latest.id = merged_tickets.losing_id
