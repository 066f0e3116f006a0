-- Zendesk has one satisfaction survey per account, and no record of it: it exists where there are ratings.
select
    {{ source_key('zendesk', 'satisfaction_ratings', "'satisfaction'", 'ratings') }} as survey_key
    , 'zendesk' as source_system
    , ratings.source_account
    , 'satisfaction_ratings' as source_object
    , 'satisfaction' as source_id
    , max(ratings.extracted_at) as extracted_at
    , {{ last_by('ratings._dlt_load_id', load_order('ratings._dlt_load_id')) }} as dlt_load_id
    , 'Zendesk satisfaction rating' as name
    , 'csat' as metric_type
    , true as active
    , min(ratings.created_at) as source_created_at
from {{ ref('stg_zendesk__satisfaction_ratings') }} as ratings
group by ratings.source_account
