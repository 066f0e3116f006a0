with latest as (
    select * from {{ latest_version(source('zendesk', 'satisfaction_ratings'), ['source_account', 'id'], 'updated_at') }} as versions
)

select
    latest.source_account
    , latest.id as zendesk_rating_id
    , latest.ticket_id as zendesk_ticket_id
    , latest.requester_id as zendesk_requester_id
    , lower({{ blank_to_null('latest.score') }}) as score
    , {{ blank_to_null('latest.comment') }} as comment_text
    , latest.created_at
    , latest.updated_at
    , latest.extracted_at
    , latest._dlt_load_id
from latest
