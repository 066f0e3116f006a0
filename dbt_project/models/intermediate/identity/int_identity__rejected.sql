with identifiers as (
    select
        'identifier' as subject_type
        , i.customer_key
        , i.identifier_key
        , i.id_type
        , i.reject_reason as reason
        , case
            when i.reject_reason = 'too_many_users' then i.user_count
            when i.reject_reason = 'too_many_emails' then i.email_count
            else i.record_count
        end as subject_count
        , i.source_system
        , i.source_account
        , i.observed_at
    from {{ ref('int_identity__identifiers') }} as i
    where i.reject_reason is not null
)

, weak_records as (
    select
        'record' as subject_type
        , n.node_key as customer_key
        , cast(null as string) as identifier_key
        , cast(null as string) as id_type
        , case when n.touched_cluster_count = 1 then 'never_merge' else 'touches_several_clusters' end as reason
        , n.touched_cluster_count as subject_count
        , c.source_system
        , c.source_account
        , c.source_created_at as observed_at
    from {{ ref('int_identity__clusters') }} as n
    join {{ ref('cx_customer') }} as c on n.node_key = c.customer_key
    where n.node_type = 'record' and n.attached_by = 'alone' and n.touched_cluster_count > 0
)

, cut_edges as (
    select
        'edge' as subject_type
        , e.node_a as customer_key
        , case when e.edge_type = 'identifier' then e.node_b end as identifier_key
        , coalesce(e.id_type, e.edge_type) as id_type
        , 'never_merge' as reason
        , cast(null as bigint) as subject_count
        , e.source_system
        , e.source_account
        , e.observed_at
    from {{ ref('int_identity__edges') }} as e
    join {{ ref('int_identity__components') }} as a on e.node_a = a.node_key
    join {{ ref('int_identity__components') }} as b on e.node_b = b.node_key
    where e.is_strong and a.cluster_key <> b.cluster_key
)

, manual_rules as (
    select
        'manual_rule' as subject_type
        , cast(null as string) as customer_key
        , cast(null as string) as identifier_key
        , rule.rule_type as id_type
        , 'unknown_record' as reason
        , cast(null as bigint) as subject_count
        , 'seed' as source_system
        , rule.customer_ref as source_account
        , cast(rule.decided_date as timestamp) as observed_at
    from (
        select 'always_merge' as rule_type, left_customer_ref as customer_ref, decided_date from {{ ref('identity_always_merge') }}
        union all
        select 'always_merge', right_customer_ref, decided_date from {{ ref('identity_always_merge') }}
        union all
        select 'never_merge', left_customer_ref, decided_date from {{ ref('identity_never_merge') }}
        union all
        select 'never_merge', right_customer_ref, decided_date from {{ ref('identity_never_merge') }}
    ) as rule
    left join {{ ref('cx_customer') }} as c on md5(rule.customer_ref) = c.customer_key
    where c.customer_key is null
)

, crowded_devices as (
    select
        'web_device' as subject_type
        , cast(null as string) as customer_key
        , md5('anonymous_id|' || source_account || '|' || anonymous_id) as identifier_key
        , 'anonymous_id' as id_type
        , 'too_many_users' as reason
        , count(distinct person_id) as subject_count
        , 'web' as source_system
        , source_account
        , min(first_login_at) as observed_at
    from {{ ref('int_identity__web_days') }}
    where not is_crowded
    group by source_account, anonymous_id
    having count(distinct person_id) > {{ identity_setting('identity_max_users_per_anonymous_id') }}
)

, crowded_users as (
    select
        'web_user_day' as subject_type
        , cast(null as string) as customer_key
        , md5('user_id|' || user_id) as identifier_key
        , 'user_id' as id_type
        , 'too_many_devices' as reason
        , max(device_count) as subject_count
        , 'web' as source_system
        , source_account
        , min(first_login_at) as observed_at
    from {{ ref('int_identity__web_days') }}
    where is_crowded
    group by source_account, user_id, login_date
)

, rejected as (
    select * from identifiers
    union all
    select * from weak_records
    union all
    select * from cut_edges
    union all
    select * from manual_rules
    union all
    select * from crowded_devices
    union all
    select * from crowded_users
)

select
    cast({{ row_key(['subject_type', 'customer_key', 'identifier_key', 'id_type', 'reason', 'source_account', 'observed_at']) }} as string) as rejection_key
    , cast(subject_type as string) as subject_type
    , cast(customer_key as string) as customer_key
    , cast(identifier_key as string) as identifier_key
    , cast(id_type as string) as id_type
    , cast(reason as string) as reason
    , cast(subject_count as bigint) as subject_count
    , cast(source_system as string) as source_system
    , cast(source_account as string) as source_account
    , cast(observed_at as timestamp) as observed_at
from rejected
