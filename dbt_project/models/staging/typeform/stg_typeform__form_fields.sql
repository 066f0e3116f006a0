with latest as (
    select * from {{ latest_version(source('typeform', 'form_fields'), ['source_account', 'form_id', 'field_id'], 'form_updated_at') }} as versions
)

select
    latest.source_account
    , latest.form_id as typeform_form_id
    , latest.field_id as typeform_field_id
    , coalesce({{ blank_to_null('latest.field_ref') }}, latest.field_id) as field_ref
    , latest.position
    , lower(latest.type) as field_type
    , {{ blank_to_null('latest.title') }} as title
    , cast(latest.scale_min as decimal(18, 4)) as scale_min
    , cast(latest.scale_max as decimal(18, 4)) as scale_max
    , latest.choices
    , latest.form_updated_at
    , latest.extracted_at
    , latest._dlt_load_id
from latest
