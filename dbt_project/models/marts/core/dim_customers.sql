with records as (
    select
        customer_map.customer_id
        , customer.customer_key
        , customer.language
        , customer.country
        , customer.lifecycle_stage
        , customer.customer_type
        , customer.acquisition_channel
        , customer.consent_email
        , customer.first_seen_at
        , customer.last_seen_at
        , customer.source_system
        , customer.source_account
        , coalesce(primary_account.segment, own_account.segment) as account_segment
        , row_number() over (
            partition by customer_map.customer_id
            order by
                customer.is_deleted
                , coalesce(customer.first_seen_at, customer.source_created_at) asc nulls last
                , customer.customer_key
        ) as record_number
    from {{ ref('int_identity__customer_map') }} as customer_map
    inner join {{ ref('cx_customer') }} as customer on customer_map.customer_key = customer.customer_key
    left join {{ ref('cx_account') }} as own_account on customer.account_key = own_account.account_key
    left join (
        select customer_key, min(account_key) as account_key
        from {{ ref('cx_account_customer') }}
        where is_primary and not is_deleted
        group by customer_key
    ) as membership on customer.customer_key = membership.customer_key
    left join {{ ref('cx_account') }} as primary_account on membership.account_key = primary_account.account_key
    where not customer.is_test
)

-- Each attribute from the oldest record that knows it.
, persons as (
    select
        customer_id
        , {{ first_by('language', "case when language is not null then record_number end") }} as language
        , {{ first_by('country', "case when country is not null then record_number end") }} as country
        , {{ first_by('lifecycle_stage', "case when lifecycle_stage is not null then record_number end") }} as lifecycle_stage
        , {{ first_by('acquisition_channel', "case when acquisition_channel is not null then record_number end") }} as acquisition_channel
        , {{ first_by('account_segment', "case when account_segment is not null then record_number end") }} as account_segment
        -- A person beats a lead, a lead beats a visitor.
        , case
            when bool_or(customer_type = 'person') then 'person'
            when bool_or(customer_type = 'lead') then 'lead'
            else 'visitor'
        end as customer_type
        -- One refusal counts.
        , bool_and(consent_email) as has_email_consent
        , min(first_seen_at) as first_seen_at
        , max(last_seen_at) as last_seen_at
        , count(*) as source_record_count
        , count(distinct source_account) as source_account_count
    from records
    group by customer_id
)

, order_counts as (
    select customer_id, count(*) as order_count
    from {{ ref('fct_orders') }}
    where is_completed and order_type = 'order' and customer_id is not null
    group by customer_id
)

select
    persons.customer_id
    , persons.customer_type
    , segment.customer_segment
    , persons.account_segment
    , persons.lifecycle_stage
    , persons.acquisition_channel
    , persons.language
    , persons.country
    , persons.has_email_consent
    , persons.first_seen_at
    , persons.last_seen_at
    , persons.source_record_count
    , persons.source_account_count
from persons
left join order_counts on persons.customer_id = order_counts.customer_id
inner join {{ ref('customer_segments') }} as segment
    on coalesce(order_counts.order_count, 0) >= segment.order_count_from
    and (segment.order_count_to is null or coalesce(order_counts.order_count, 0) <= segment.order_count_to)
