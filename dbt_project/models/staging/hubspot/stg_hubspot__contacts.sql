with latest as (
    select * from {{ latest_version(source('hubspot', 'contacts'), ['source_account', 'id'], 'updated_at') }} as versions
)

, deleted as (
    {{ deletions('latest', "latest_rows.id", source('hubspot', 'contacts__deletes')) }}
)

, merged as (
    select * from {{ latest_version(source('hubspot', 'contacts__merges'), ['source_account', 'losing_id'], 'detected_at') }} as versions
)

select
    latest.source_account
    , latest.id as hubspot_contact_id
    , latest.email_normalised
    , {{ blank_to_null('latest.hs_additional_emails') }} as additional_emails
    , {{ blank_to_null('latest.firstname') }} as first_name
    , {{ blank_to_null('latest.lastname') }} as last_name
    , latest.phone_e164
    , latest.mobilephone_e164
    , latest.user_id
    , latest.loyalty_card
    , lower({{ blank_to_null('latest.lifecyclestage') }}) as lifecycle_stage
    , lower({{ blank_to_null('latest.hs_language') }}) as language
    , {{ blank_to_null('latest.country') }} as country
    , {{ blank_to_null('latest.city') }} as city
    , latest.associatedcompanyid as hubspot_company_id
    , latest.hubspot_owner_id
    , lower({{ blank_to_null('latest.hs_analytics_source') }}) as acquisition_channel
    , latest.hs_email_optout as is_email_optout
    , {{ known_instant('coalesce(latest.createdate, latest.created_at)') }} as created_at
    , latest.updated_at
    , merged.winning_id as merged_into_id
    , merged.merged_at
    , coalesce(latest.archived, false) or deleted.source_id is not null or merged.losing_id is not null as is_deleted
    , coalesce(deleted.deleted_at, merged.merged_at, merged.detected_at) as deleted_at
    , latest.extracted_at
    , latest._dlt_load_id
from latest
left join deleted
    on latest.source_account = deleted.source_account
    and latest.id = deleted.source_id
left join merged
    on latest.source_account = merged.source_account
    and latest.id = merged.losing_id
