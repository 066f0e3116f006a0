-- Ids of a portal are unique only inside it, so the external id carries the connection.
with held as (
    select source_account, hubspot_contact_id, 'email' as id_type, email_normalised as id_value, true as is_primary
    from {{ ref('stg_hubspot__contacts') }}

    union all

    select contacts.source_account, contacts.hubspot_contact_id, 'email' as id_type, lower(trim(extra.email)) as id_value, false as is_primary
    from {{ ref('stg_hubspot__contacts') }} as contacts
    {{ unnest_split('contacts.additional_emails', ';', 'extra', 'email') }}

    union all

    select source_account, hubspot_contact_id, 'phone' as id_type, phone_e164 as id_value, true as is_primary
    from {{ ref('stg_hubspot__contacts') }}

    union all

    select source_account, hubspot_contact_id, 'phone' as id_type, mobilephone_e164 as id_value, phone_e164 is null as is_primary
    from {{ ref('stg_hubspot__contacts') }}

    union all

    select source_account, hubspot_contact_id, 'user_id' as id_type, user_id as id_value, true as is_primary
    from {{ ref('stg_hubspot__contacts') }}

    union all

    select source_account, hubspot_contact_id, 'loyalty_card' as id_type, loyalty_card as id_value, true as is_primary
    from {{ ref('stg_hubspot__contacts') }}

    union all

    select
        source_account
        , hubspot_contact_id
        , 'external_id:hubspot' as id_type
        , source_account || ':' || hubspot_contact_id as id_value
        , true as is_primary
    from {{ ref('stg_hubspot__contacts') }}

    union all

    -- The winner of a merge also answers to the loser's id.
    select
        source_account
        , winning_id as hubspot_contact_id
        , 'external_id:hubspot' as id_type
        , source_account || ':' || losing_id as id_value
        , false as is_primary
    from {{ ref('stg_hubspot__contact_merges') }}
)

-- The same value can stand in two fields of one record.
, identifiers as (
    select
        source_account
        , hubspot_contact_id
        , id_type
        , id_value
        , bool_or(is_primary) as is_primary
    from held
    where id_value <> ''
    group by 1, 2, 3, 4
)

select
    {{ source_columns(
        'customer_identifier', 'hubspot', 'contacts'
        , "contacts.hubspot_contact_id || '|' || identifiers.id_type || '|' || identifiers.id_value", 'contacts'
    ) }}
    , {{ source_key('hubspot', 'contacts', 'contacts.hubspot_contact_id', 'contacts') }} as customer_key
    , identifiers.id_type
    , identifiers.id_value
    , identifiers.is_primary
    -- The id of a merged contact is the winner's from the merge on, not from the winner's creation on.
    , contact_merge.merged_at as valid_from
    , contacts.created_at as source_created_at
    , contacts.updated_at as source_updated_at
    , contacts.is_deleted
    , contacts.deleted_at
from identifiers
inner join {{ ref('stg_hubspot__contacts') }} as contacts
    on identifiers.source_account = contacts.source_account
    and identifiers.hubspot_contact_id = contacts.hubspot_contact_id
left join {{ ref('stg_hubspot__contact_merges') }} as contact_merge
    on identifiers.source_account = contact_merge.source_account
    and identifiers.hubspot_contact_id = contact_merge.winning_id
    and identifiers.id_type = 'external_id:hubspot'
    and identifiers.id_value = contact_merge.source_account || ':' || contact_merge.losing_id
