with latest as (
    select * from {{ latest_version(source('hubspot', 'companies'), ['source_account', 'id'], 'updated_at') }} as versions
)

, deleted as (
    {{ deletions('latest', "latest_rows.id", source('hubspot', 'companies__deletes')) }}
)

, merged as (
    select * from {{ latest_version(source('hubspot', 'companies__merges'), ['source_account', 'losing_id'], 'detected_at') }} as versions
)

select
    latest.source_account
    , latest.id as hubspot_company_id
    , {{ blank_to_null('latest.name') }} as company_name
    , lower({{ blank_to_null('latest.domain') }}) as domain
    , {{ blank_to_null('latest.industry') }} as industry
    , latest.numberofemployees as employee_count
    , latest.annualrevenue as annual_revenue
    , {{ blank_to_null('latest.country') }} as country
    , latest.hs_parent_company_id as hubspot_parent_company_id
    , latest.hubspot_owner_id
    , lower({{ blank_to_null('latest.lifecyclestage') }}) as lifecycle_stage
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
