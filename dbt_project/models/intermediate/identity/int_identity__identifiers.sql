{{ config(materialized='incremental', pre_hook="{{ forget_scope('customer_key') }}") }}
-- depends_on: {{ ref('int_identity__scope') }}
with refused as (
    select *
    from {{ ref('int_identity__held') }}
    where {{ in_scope('customer_key') }}
)

-- Only identifiers on two records or more can join anything: the counts below are taken on these few.
, shared as (
    select id_type, id_value, count(*) as record_count
    from refused
    where refused_reason is null
    group by id_type, id_value
    having count(*) > 1
)

, users as (
    select r.customer_key, r.id_value as user_value
    from refused as r
    where r.refused_reason is null and r.id_type = 'user_id'
)

, user_counts as (
    select r.id_type, r.id_value, count(distinct u.user_value) as user_count
    from refused as r
    join shared as s on r.id_type = s.id_type and r.id_value = s.id_value
    join users as u on r.customer_key = u.customer_key
    where r.id_type <> 'user_id'
    group by r.id_type, r.id_value
)

, email_counts as (
    select r.id_type, r.id_value, count(distinct e.id_value) as email_count
    from refused as r
    join shared as s on r.id_type = s.id_type and r.id_value = s.id_value
    join refused as e on r.customer_key = e.customer_key and e.id_type = 'email' and e.refused_reason is null
    where r.id_kind = 'phone'
    group by r.id_type, r.id_value
)

, judged as (
    select
        r.*
        , coalesce(s.record_count, 1) as record_count
        , coalesce(u.user_count, 0) as user_count
        , coalesce(e.email_count, 0) as email_count
        , r.id_kind in ('anonymous_id', 'session_id') as is_time_bound
        , case
            when r.refused_reason is not null then r.refused_reason
            when coalesce(s.record_count, 1) > {{ identity_setting('identity_max_records_per_identifier') }} then 'too_many_records'
            when r.id_kind = 'phone' and coalesce(e.email_count, 0) > {{ identity_setting('identity_max_emails_per_phone') }} then 'too_many_emails'
            when
                r.id_kind <> 'phone' and r.trust >= {{ identity_setting('identity_cluster_min_trust') }}
                and coalesce(u.user_count, 0) > {{ identity_setting('identity_max_users_per_identifier') }}
                then 'too_many_users'
        end as reject_reason
    from refused as r
    left join shared as s on r.id_type = s.id_type and r.id_value = s.id_value
    left join user_counts as u on r.id_type = u.id_type and r.id_value = u.id_value
    left join email_counts as e on r.id_type = e.id_type and r.id_value = e.id_value
)

select
    cast(identifier_edge_key as string) as identifier_edge_key
    , cast(customer_key as string) as customer_key
    , cast(identifier_key as string) as identifier_key
    , cast(id_type as string) as id_type
    , cast(id_kind as string) as id_kind
    , cast(id_value as string) as id_value
    , cast(trust as decimal(5, 4)) as trust
    , cast(observed_at as timestamp) as observed_at
    , cast(valid_to as timestamp) as valid_to
    , cast(source_system as string) as source_system
    , cast(source_account as string) as source_account
    , cast(record_count as bigint) as record_count
    , cast(user_count as bigint) as user_count
    , cast(email_count as bigint) as email_count
    , is_time_bound
    , cast(reject_reason as string) as reject_reason
from judged
