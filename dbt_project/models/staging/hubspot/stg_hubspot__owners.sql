with latest as (
    select * from {{ latest_version(source('hubspot', 'owners'), ['source_account', 'id'], 'updated_at') }} as versions
)

select
    latest.source_account
    , latest.id as hubspot_owner_id
    , latest.user_id as hubspot_user_id
    , latest.email_normalised
    , {{ blank_to_null('latest.first_name') }} as first_name
    , {{ blank_to_null('latest.last_name') }} as last_name
    , {{ json_text('latest.teams', '[0].name') }} as team_name
    , {{ known_instant('latest.created_at') }} as created_at
    , latest.updated_at
    , coalesce(latest.archived, false) as is_deleted
    , cast(null as timestamp) as deleted_at
    , latest.extracted_at
    , latest._dlt_load_id
from latest
