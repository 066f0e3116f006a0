select
    {{ source_columns('customer', 'zendesk', 'users', 'zendesk_user_id') }}
    , user_name as display_name
    , email_normalised as email
    , phone_e164
    , language
    , 'person' as customer_type
    , {{ source_key('zendesk', 'organizations', 'zendesk_organization_id') }} as account_key
    , created_at as first_seen_at
    , last_login_at as last_seen_at
    , created_at as source_created_at
    , updated_at as source_updated_at
    , is_deleted
    , deleted_at
from {{ ref('stg_zendesk__users') }}
where not is_agent
