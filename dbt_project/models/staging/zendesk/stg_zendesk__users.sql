with latest as (
    select * from {{ latest_version(source('zendesk', 'users'), ['source_account', 'id'], 'updated_at') }} as versions
)

, deleted as (
    {{ deletions('latest', "latest_rows.id", source('zendesk', 'users__deletes')) }}
)

select
    latest.source_account
    , latest.id as zendesk_user_id
    , {{ blank_to_null('latest.external_id') }} as user_id
    , {{ blank_to_null('latest.name') }} as user_name
    , latest.email_normalised
    , latest.phone_e164
    , lower(latest.role) as role
    , lower(latest.role) <> 'end-user' as is_agent
    , lower(latest.tags) as tags
    , latest.organization_id as zendesk_organization_id
    , latest.default_group_id as zendesk_group_id
    , coalesce(latest.active, true) as is_active
    , coalesce(latest.suspended, false) as is_suspended
    , latest.verified as is_verified
    , lower({{ blank_to_null('latest.locale') }}) as language
    , {{ known_instant('latest.last_login_at') }} as last_login_at
    , {{ known_instant('latest.created_at') }} as created_at
    , latest.updated_at
    , coalesce(not latest.active, false) or deleted.source_id is not null as is_deleted
    , deleted.deleted_at
    , latest.extracted_at
    , latest._dlt_load_id
from latest
left join deleted
    on latest.source_account = deleted.source_account
    and latest.id = deleted.source_id
