select
    {{ source_columns('survey_response', 'typeform', 'responses', "responses.typeform_form_id || '|' || responses.typeform_response_id", 'responses') }}
    , {{ source_key('typeform', 'forms', 'responses.typeform_form_id', 'responses') }} as survey_key
    , {{ source_key('typeform', 'respondents', typeform_respondent_id('responses'), 'responses') }} as customer_key
    , {{ typeform_respondent_id('responses') }} as respondent_ref
    , responses.submitted_at
    , responses.landed_at as started_at
    , coalesce(completions.completion, case when responses.submitted_at is not null then 'complete' else 'partial' end) as completion
    , coalesce(channels.channel, case when responses.channel is not null then 'other' end) as channel
    , forms.language
    , responses.score
    , responses.score_metric
    , responses.scale_min
    , responses.scale_max
    , responses.comment_text
    , responses.order_ref
    , responses.ticket_ref
    , responses.touchpoint as touchpoint_key
    , responses.page_url
    , coalesce(devices.device_type, case when responses.platform is not null then 'other' end) as device_type
    , responses.hidden
    , responses.landed_at as source_created_at
    , responses.version_at as source_updated_at
    , responses.is_deleted
    , responses.deleted_at
from {{ ref('stg_typeform__responses') }} as responses
left join {{ ref('stg_typeform__forms') }} as forms
    on responses.source_account = forms.source_account
    and responses.typeform_form_id = forms.typeform_form_id
left join {{ ref('map_response_completion') }} as completions
    on completions.source_system = 'typeform'
    and responses.response_type = completions.source_value
left join {{ ref('map_channels') }} as channels
    on channels.source_system = 'typeform'
    and responses.channel = channels.source_value
left join {{ ref('map_devices') }} as devices
    on devices.source_system = 'typeform'
    and responses.platform = devices.source_value
