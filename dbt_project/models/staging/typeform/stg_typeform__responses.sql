with latest as (
    select * from {{ latest_version(source('typeform', 'responses'), ['source_account', 'form_id', 'response_id'], 'version_at') }} as versions
)

, deleted as (
    {{ deletions('latest', "latest_rows.form_id || '|' || latest_rows.response_id", source('typeform', 'responses__deletes')) }}
)

select
    latest.source_account
    , latest.form_id as typeform_form_id
    , latest.response_id as typeform_response_id
    , lower(latest.response_type) as response_type
    , {{ known_instant('latest.landed_at') }} as landed_at
    , {{ known_instant('latest.submitted_at') }} as submitted_at
    , cast(latest.score as decimal(18, 4)) as score
    , lower(latest.score_metric) as score_metric
    , cast(latest.scale_min as decimal(18, 4)) as scale_min
    , cast(latest.scale_max as decimal(18, 4)) as scale_max
    , {{ blank_to_null('latest.comment') }} as comment_text
    , latest.email_normalised
    , latest.phone_e164
    , {{ blank_to_null('latest.user_id') }} as user_id
    , {{ blank_to_null('latest.order_id') }} as order_ref
    , {{ blank_to_null('latest.ticket_id') }} as ticket_ref
    , lower({{ blank_to_null('latest.channel') }}) as channel
    , {{ blank_to_null('latest.touchpoint') }} as touchpoint
    , {{ blank_to_null('latest.page_url') }} as page_url
    , lower({{ blank_to_null('latest.platform') }}) as platform
    , {{ blank_to_null('latest.hidden') }} as hidden
    , latest.version_at
    , deleted.source_id is not null as is_deleted
    , deleted.deleted_at
    , latest.extracted_at
    , latest._dlt_load_id
from latest
left join deleted
    on latest.source_account = deleted.source_account
    and latest.form_id || '|' || latest.response_id = deleted.source_id
