-- A person as Typeform knows him: what the hidden fields and contact answers of his responses say.
with responses as (
    select
        responses.*
        , {{ typeform_respondent_id('responses') }} as respondent_id
        , coalesce(responses.submitted_at, responses.landed_at) as answered_at
    from {{ ref('stg_typeform__responses') }} as responses
    where {{ typeform_respondent_id('responses') }} is not null
)

, respondents as (
    select
        source_account
        , respondent_id
        -- The newest one given, of those that were given.
        , {{ last_by('email_normalised', struct_of({
            'has': 'email_normalised is not null', 'v': 'version_at', 'f': 'typeform_form_id', 'r': 'typeform_response_id'
        })) }} as email
        , {{ last_by('phone_e164', struct_of({
            'has': 'phone_e164 is not null', 'v': 'version_at', 'f': 'typeform_form_id', 'r': 'typeform_response_id'
        })) }} as phone_e164
        , min(answered_at) as first_seen_at
        , max(answered_at) as last_seen_at
        , max(version_at) as updated_at
        , bool_and(is_deleted) as is_deleted
        , max(deleted_at) as deleted_at
        , max(extracted_at) as extracted_at
        , {{ last_by('_dlt_load_id', load_order()) }} as _dlt_load_id
    from responses
    group by 1, 2
)

select
    {{ source_columns('customer', 'typeform', 'respondents', 'respondent_id') }}
    , email
    , phone_e164
    , 'person' as customer_type
    , first_seen_at
    , last_seen_at
    , first_seen_at as source_created_at
    , updated_at as source_updated_at
    , is_deleted
    , case when is_deleted then deleted_at end as deleted_at
from respondents
