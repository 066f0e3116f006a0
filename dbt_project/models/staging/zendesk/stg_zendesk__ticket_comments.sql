with latest as (
    select * from {{ latest_version(source('zendesk', 'ticket_comments'), ['source_account', 'ticket_id', 'id'], 'created_at') }} as versions
)

select
    latest.source_account
    , latest.ticket_id as zendesk_ticket_id
    , latest.id as zendesk_comment_id
    , latest.author_id as zendesk_author_id
    , {{ blank_to_null('latest.body') }} as body_text
    , coalesce(latest.is_public, true) as is_public
    , lower({{ blank_to_null('latest.via') }}) as via
    , latest.attachment_count
    , latest.created_at
    , latest.extracted_at
    , latest._dlt_load_id
from latest
