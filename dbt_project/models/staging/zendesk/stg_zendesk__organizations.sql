with latest as (
    select * from {{ latest_version(source('zendesk', 'organizations'), ['source_account', 'id'], 'updated_at') }} as versions
)

, deleted as (
    {{ deletions('latest', "latest_rows.id", source('zendesk', 'organizations__deletes')) }}
)

select
    latest.source_account
    , latest.id as zendesk_organization_id
    , {{ blank_to_null('latest.name') }} as organization_name
    , lower({{ json_text('latest.domain_names', '[0]') }}) as domain
    , {{ known_instant('latest.created_at') }} as created_at
    , latest.updated_at
    , deleted.source_id is not null as is_deleted
    , deleted.deleted_at
    , latest.extracted_at
    , latest._dlt_load_id
from latest
left join deleted
    on latest.source_account = deleted.source_account
    and latest.id = deleted.source_id
