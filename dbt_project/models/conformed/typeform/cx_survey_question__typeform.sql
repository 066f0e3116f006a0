select
    {{ source_columns('survey_question', 'typeform', 'form_fields', "fields.typeform_form_id || '|' || fields.typeform_field_id", 'fields') }}
    , {{ source_key('typeform', 'forms', 'fields.typeform_form_id', 'fields') }} as survey_key
    , fields.field_ref as question_ref
    , fields.position
    , fields.title as text
    , coalesce(types.question_type, 'other') as type
    , fields.scale_min
    , fields.scale_max
    , fields.choices as options
    , cast(fields.form_updated_at as string) as definition_version
    , fields.form_updated_at as source_updated_at
from {{ ref('stg_typeform__form_fields') }} as fields
left join {{ ref('map_question_types') }} as types
    on types.source_system = 'typeform'
    and fields.field_type = types.source_value
