select
    {{ source_columns('account', 'hubspot', 'companies', 'companies.hubspot_company_id', 'companies') }}
    , companies.company_name as name
    , companies.domain
    , companies.industry
    , bands.size_band
    , companies.country
    , {{ source_key('hubspot', 'companies', 'companies.hubspot_parent_company_id', 'companies') }} as parent_account_key
    , companies.lifecycle_stage as segment
    , {{ source_key('hubspot', 'owners', 'companies.hubspot_owner_id', 'companies') }} as owner_agent_key
    , companies.created_at as source_created_at
    , companies.updated_at as source_updated_at
    , companies.is_deleted
    , companies.deleted_at
from {{ ref('stg_hubspot__companies') }} as companies
left join {{ ref('map_size_bands') }} as bands
    on companies.employee_count >= bands.employees_from
    and companies.employee_count <= coalesce(bands.employees_to, companies.employee_count)
