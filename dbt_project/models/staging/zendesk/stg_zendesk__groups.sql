with latest as (
    select * from {{ latest_version(source('zendesk', 'groups'), ['source_account', 'id'], 'updated_at') }} as versions
)

, deleted as (
    {{ deletions('latest', "latest_rows.id", source('zendesk', 'groups__deletes')) }}
)

select
    latest.source_account
    , latest.id as zendesk_group_id
    , {{ blank_to_null('latest.name') }} as group_name
    , {{ known_instant('latest.created_at') }} as created_at
    , latest.updated_at
    , coalesce(latest.deleted, false) or deleted.source_id is not null as is_deleted
    , deleted.deleted_at
    , latest.extracted_at
    , latest._dlt_load_id
from latest
left join deleted
    on latest.source_account = deleted.source_account
    and latest.id = deleted.source_id
