with latest as (
    select * from {{ latest_version(source('typeform', 'forms'), ['source_account', 'id'], 'updated_at') }} as versions
)

, deleted as (
    {{ deletions('latest', "latest_rows.id", source('typeform', 'forms__deletes')) }}
)

select
    latest.source_account
    , latest.id as typeform_form_id
    , {{ blank_to_null('latest.title') }} as form_title
    , lower({{ blank_to_null('latest.language') }}) as language
    , latest.is_public
    , lower(latest.metric_type) as metric_type
    , latest.score_field_ref
    , cast(latest.scale_min as decimal(18, 4)) as scale_min
    , cast(latest.scale_max as decimal(18, 4)) as scale_max
    , {{ known_instant('latest.created_at') }} as created_at
    , latest.updated_at
    , deleted.source_id is not null as is_deleted
    , deleted.deleted_at
    , latest.extracted_at
    , latest._dlt_load_id
from latest
left join deleted
    on latest.source_account = deleted.source_account
    and latest.id = deleted.source_id
