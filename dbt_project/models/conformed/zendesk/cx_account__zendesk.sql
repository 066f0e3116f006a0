select
    {{ source_columns('account', 'zendesk', 'organizations', 'zendesk_organization_id') }}
    , organization_name as name
    , domain
    , created_at as source_created_at
    , updated_at as source_updated_at
    , is_deleted
    , deleted_at
from {{ ref('stg_zendesk__organizations') }}
