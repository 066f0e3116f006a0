-- Several labels can join the same two records: one row per label.
select
    {{ source_columns('account_customer', 'hubspot', 'associations', "from_id || '|' || to_id || '|' || association_type_id") }}
    , {{ source_key('hubspot', 'companies', 'to_id') }} as account_key
    , {{ source_key('hubspot', 'contacts', 'from_id') }} as customer_key
    , lower(label) as role
    , lower(label) = 'primary' as is_primary
    , read_at as source_updated_at
from {{ ref('stg_hubspot__associations') }}
where from_type = 'contacts' and to_type = 'companies'
