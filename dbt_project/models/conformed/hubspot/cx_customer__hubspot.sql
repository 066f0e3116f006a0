select
    {{ source_columns('customer', 'hubspot', 'contacts', 'contacts.hubspot_contact_id', 'contacts') }}
    , nullif(concat_ws(' ', contacts.first_name, contacts.last_name), '') as display_name
    , contacts.first_name
    , contacts.last_name
    , contacts.email_normalised as email
    , coalesce(contacts.phone_e164, contacts.mobilephone_e164) as phone_e164
    , contacts.language
    , contacts.country
    , contacts.city
    , contacts.lifecycle_stage
    , coalesce(stages.customer_type, 'person') as customer_type
    , {{ source_key('hubspot', 'companies', 'contacts.hubspot_company_id', 'contacts') }} as account_key
    , {{ source_key('hubspot', 'owners', 'contacts.hubspot_owner_id', 'contacts') }} as owner_agent_key
    , not contacts.is_email_optout as consent_email
    , contacts.acquisition_channel
    , contacts.created_at as first_seen_at
    , {{ source_key('hubspot', 'contacts', 'contacts.merged_into_id', 'contacts') }} as master_customer_key
    , contacts.created_at as source_created_at
    , contacts.updated_at as source_updated_at
    , contacts.is_deleted
    , contacts.deleted_at
from {{ ref('stg_hubspot__contacts') }} as contacts
left join {{ ref('map_lifecycle_stages') }} as stages
    on stages.source_system = 'hubspot'
    and contacts.lifecycle_stage = stages.lifecycle_stage
