with latest as (
    select * from {{ latest_version(
        source('typeform', 'response_answers')
        , ['source_account', 'form_id', 'response_id', 'field_id']
        , 'version_at'
    ) }} as versions
)

-- An answer that a later version of its response no longer holds is gone.
, newest_response as (
    select * from {{ latest_version(source('typeform', 'responses'), ['source_account', 'form_id', 'response_id'], 'version_at') }} as versions
)

select
    latest.source_account
    , latest.form_id as typeform_form_id
    , latest.response_id as typeform_response_id
    , latest.field_id as typeform_field_id
    , latest.position
    , {{ blank_to_null('latest.value_text') }} as value_text
    , cast(latest.value_number as decimal(18, 4)) as value_number
    , latest.value_boolean
    , latest.value_date
    , latest.option_refs
    , latest.version_at
    , latest.extracted_at
    , latest._dlt_load_id
from latest
inner join newest_response
    on latest.source_account = newest_response.source_account
    and latest.form_id = newest_response.form_id
    and latest.response_id = newest_response.response_id
    and latest.version_at = newest_response.version_at
