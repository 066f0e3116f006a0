with known_users as (
    select distinct identifier_key, id_value as user_id
    from {{ ref('int_identity__identifiers') }}
    where id_type = 'user_id' and reject_reason is null
)

, clusters as (
    select distinct cluster_key, customer_id
    from {{ ref('int_identity__customer_map') }}
)

, customers as (
    select u.user_id, c.customer_id
    from known_users as u
    join {{ ref('int_identity__clusters') }} as n on u.identifier_key = n.node_key
    join clusters as c on n.cluster_key = c.cluster_key
)

-- Logins that no source of customers knows are persons all the same, only without a customer record.
, web_users as (
    select distinct w.user_id
    from {{ ref('cx_web_event') }} as w
    left join {{ ref('identity_refused_values') }} as r
        on r.match_kind = 'exact' and r.id_type in ('*', 'user_id') and r.match_value = lower(w.user_id)
    where w.user_id is not null and r.match_value is null
        and {{ is_counted_event('w') }}
)

, users as (
    select user_id, customer_id from customers
    union all
    select w.user_id, cast(null as string)
    from web_users as w
    left join customers as c on w.user_id = c.user_id
    where c.user_id is null
)

select
    cast(user_id as string) as user_id
    , cast(customer_id as string) as customer_id
    , cast(coalesce(customer_id, md5('user|' || user_id)) as string) as person_id
from users
