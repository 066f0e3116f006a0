with identifiers as (
    select
        source_account
        , user_id
        , 'user_id' as id_type
        , user_id as id_value
        , cast(null as timestamp) as valid_from
        , cast(null as timestamp) as valid_to
        , max(extracted_at) as extracted_at
        , {{ last_by('_dlt_load_id', load_order()) }} as _dlt_load_id
    from {{ ref('stg_ga4_export__identified_users') }}
    group by 1, 2

    union all

    select
        source_account
        , user_id
        , 'anonymous_id:ga4' as id_type
        , user_pseudo_id as id_value
        , first_seen_at as valid_from
        , last_seen_at as valid_to
        , extracted_at
        , _dlt_load_id
    from {{ ref('stg_ga4_export__identified_users') }}
    where user_pseudo_id is not null
)

select
    {{ source_columns('customer_identifier', 'ga4_export', 'users', "user_id || '|' || id_type || '|' || id_value") }}
    , {{ source_key('ga4_export', 'users', 'user_id') }} as customer_key
    , id_type
    , id_value
    , id_type = 'user_id' as is_primary
    , valid_from
    , valid_to
    , valid_from as source_created_at
    , valid_to as source_updated_at
from identifiers
