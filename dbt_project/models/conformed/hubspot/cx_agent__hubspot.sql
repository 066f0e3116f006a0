select
    {{ source_columns('agent', 'hubspot', 'owners', 'hubspot_owner_id') }}
    , nullif(concat_ws(' ', first_name, last_name), '') as name
    , team_name as team
    , false as is_bot
    , not is_deleted as active
    , created_at as source_created_at
    , updated_at as source_updated_at
    , is_deleted
    , deleted_at
from {{ ref('stg_hubspot__owners') }}
