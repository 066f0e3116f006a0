with latest as (
    select * from {{ latest_version(source('hubspot', 'deals'), ['source_account', 'id'], 'updated_at') }} as versions
)

, deleted as (
    {{ deletions('latest', "latest_rows.id", source('hubspot', 'deals__deletes')) }}
)

, merged as (
    select * from {{ latest_version(source('hubspot', 'deals__merges'), ['source_account', 'losing_id'], 'detected_at') }} as versions
)

select
    latest.source_account
    , latest.id as hubspot_deal_id
    , {{ blank_to_null('latest.dealname') }} as deal_name
    , latest.amount
    , upper({{ blank_to_null('latest.deal_currency_code') }}) as currency
    , {{ known_instant('latest.closedate') }} as closed_at
    , latest.dealstage as deal_stage
    , latest.pipeline
    , latest.dealtype as deal_type
    , coalesce(latest.hs_is_closed, false) as is_closed
    , coalesce(latest.hs_is_closed_won, false) as is_won
    , lower({{ blank_to_null('latest.hs_analytics_source') }}) as acquisition_channel
    , latest.hubspot_owner_id
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
