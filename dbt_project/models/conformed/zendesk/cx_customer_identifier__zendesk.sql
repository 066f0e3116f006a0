-- Ids of an account are unique only inside it, so the external id carries the connection.
with identifiers as (
    select source_account, zendesk_user_id, 'email' as id_type, email_normalised as id_value, is_verified
    from {{ ref('stg_zendesk__users') }}

    union all

    select source_account, zendesk_user_id, 'phone' as id_type, phone_e164 as id_value, cast(null as boolean) as is_verified
    from {{ ref('stg_zendesk__users') }}

    union all

    select source_account, zendesk_user_id, 'user_id' as id_type, user_id as id_value, true as is_verified
    from {{ ref('stg_zendesk__users') }}

    union all

    select source_account, zendesk_user_id, 'external_id:zendesk' as id_type, source_account || ':' || zendesk_user_id as id_value, true as is_verified
    from {{ ref('stg_zendesk__users') }}
)

select
    {{ source_columns(
        'customer_identifier', 'zendesk', 'users'
        , "users.zendesk_user_id || '|' || identifiers.id_type || '|' || identifiers.id_value", 'users'
    ) }}
    , {{ source_key('zendesk', 'users', 'users.zendesk_user_id', 'users') }} as customer_key
    , identifiers.id_type
    , identifiers.id_value
    , true as is_primary
    , identifiers.is_verified
    , users.created_at as source_created_at
    , users.updated_at as source_updated_at
    , users.is_deleted
    , users.deleted_at
from identifiers
inner join {{ ref('stg_zendesk__users') }} as users
    on identifiers.source_account = users.source_account
    and identifiers.zendesk_user_id = users.zendesk_user_id
where identifiers.id_value is not null and not users.is_agent
