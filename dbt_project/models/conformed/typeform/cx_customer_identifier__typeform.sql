with named as (
    select source_account, {{ typeform_respondent_id('responses') }} as respondent_id, 'user_id' as id_type, user_id as id_value
        , coalesce(submitted_at, landed_at) as answered_at, is_deleted, deleted_at, version_at, extracted_at, _dlt_load_id
    from {{ ref('stg_typeform__responses') }} as responses

    union all

    select source_account, {{ typeform_respondent_id('responses') }} as respondent_id, 'email' as id_type, email_normalised as id_value
        , coalesce(submitted_at, landed_at) as answered_at, is_deleted, deleted_at, version_at, extracted_at, _dlt_load_id
    from {{ ref('stg_typeform__responses') }} as responses

    union all

    select source_account, {{ typeform_respondent_id('responses') }} as respondent_id, 'phone' as id_type, phone_e164 as id_value
        , coalesce(submitted_at, landed_at) as answered_at, is_deleted, deleted_at, version_at, extracted_at, _dlt_load_id
    from {{ ref('stg_typeform__responses') }} as responses
)

, identifiers as (
    select
        source_account
        , respondent_id
        , id_type
        , id_value
        , min(answered_at) as first_seen_at
        , max(version_at) as updated_at
        , bool_and(is_deleted) as is_deleted
        , max(deleted_at) as deleted_at
        , max(extracted_at) as extracted_at
        , {{ last_by('_dlt_load_id', load_order()) }} as _dlt_load_id
    from named
    where id_value is not null
    group by 1, 2, 3, 4
)

select
    {{ source_columns('customer_identifier', 'typeform', 'respondents', "respondent_id || '|' || id_type || '|' || id_value") }}
    , {{ source_key('typeform', 'respondents', 'respondent_id') }} as customer_key
    , id_type
    , id_value
    , split_part(respondent_id, ':', 1) = id_type as is_primary
    , first_seen_at as valid_from
    , first_seen_at as source_created_at
    , updated_at as source_updated_at
    , is_deleted
    , case when is_deleted then deleted_at end as deleted_at
from identifiers
