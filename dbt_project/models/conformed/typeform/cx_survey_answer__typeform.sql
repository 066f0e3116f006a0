-- One row per chosen option; one row where there is none to choose.
with chosen as (
    select
        answers.source_account
        , answers.typeform_form_id
        , answers.typeform_response_id
        , answers.typeform_field_id
        , options.option_ref
    from {{ ref('stg_typeform__response_answers') }} as answers
    {{ unnest_json_array('answers.option_refs', 'options', 'option_ref') }}
    group by 1, 2, 3, 4, 5
)

select
    {{ source_columns(
        'survey_answer', 'typeform', 'response_answers'
        , "answers.typeform_form_id || '|' || answers.typeform_response_id || '|' || answers.typeform_field_id"
        ~ " || '|' || coalesce(chosen.option_ref, '')", 'answers'
    ) }}
    , {{ source_key('typeform', 'responses', "answers.typeform_form_id || '|' || answers.typeform_response_id", 'answers') }} as response_key
    , {{ source_key('typeform', 'form_fields', "answers.typeform_form_id || '|' || answers.typeform_field_id", 'answers') }} as question_key
    , chosen.option_ref
    , coalesce(answers.value_text, case when answers.value_boolean is not null then cast(answers.value_boolean as string) end) as value_text
    , answers.value_number
    , answers.value_date
    , answers.position
    , true as was_shown
    , answers.version_at as source_updated_at
from {{ ref('stg_typeform__response_answers') }} as answers
left join chosen
    on answers.source_account = chosen.source_account
    and answers.typeform_form_id = chosen.typeform_form_id
    and answers.typeform_response_id = chosen.typeform_response_id
    and answers.typeform_field_id = chosen.typeform_field_id
