-- Only logged-in users are persons; a browser that never logged in is an anonymous_id of cx_web_event.
with users as (
    select
        source_account
        , user_id
        , min(first_seen_at) as first_seen_at
        , max(last_seen_at) as last_seen_at
        , max(extracted_at) as extracted_at
        , {{ last_by('_dlt_load_id', load_order()) }} as _dlt_load_id
    from {{ ref('stg_ga4_export__identified_users') }}
    group by 1, 2
)

select
    {{ source_columns('customer', 'ga4_export', 'users', 'user_id') }}
    , 'person' as customer_type
    , first_seen_at
    , last_seen_at
    , first_seen_at as source_created_at
    , last_seen_at as source_updated_at
from users
