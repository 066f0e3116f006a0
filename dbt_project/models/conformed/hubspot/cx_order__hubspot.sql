-- A won deal is an order of the CRM. A deal with several contacts or companies takes the primary one, else the oldest
-- (HubSpot ids grow with time).
with linked as (
    select
        source_account
        , from_id as hubspot_deal_id
        , to_type
        , to_id
        , row_number() over (
            partition by source_account, from_id, to_type
            order by case when lower(label) = 'primary' then 0 else 1 end, length(to_id), to_id, association_type_id
        ) as link_rank
    from {{ ref('stg_hubspot__associations') }}
    where from_type = 'deals' and to_type in ('contacts', 'companies')
)

select
    {{ source_columns('order', 'hubspot', 'deals', 'deals.hubspot_deal_id', 'deals') }}
    , 'deal' as order_type
    , deals.hubspot_deal_id as order_number
    , {{ source_key('hubspot', 'contacts', 'contacts.to_id', 'deals') }} as customer_key
    , {{ source_key('hubspot', 'companies', 'companies.to_id', 'deals') }} as account_key
    , coalesce(deals.closed_at, deals.created_at, deals.updated_at) as ordered_at
    , 'paid' as status
    , 'crm' as channel
    , deals.amount as net_amount
    , coalesce(deals.currency, '{{ var("company_currency") }}') as currency
    , deals.created_at as source_created_at
    , deals.updated_at as source_updated_at
    , deals.is_deleted
    , deals.deleted_at
from {{ ref('stg_hubspot__deals') }} as deals
left join linked as contacts
    on deals.source_account = contacts.source_account
    and deals.hubspot_deal_id = contacts.hubspot_deal_id
    and contacts.to_type = 'contacts'
    and contacts.link_rank = 1
left join linked as companies
    on deals.source_account = companies.source_account
    and deals.hubspot_deal_id = companies.hubspot_deal_id
    and companies.to_type = 'companies'
    and companies.link_rank = 1
where deals.is_won
