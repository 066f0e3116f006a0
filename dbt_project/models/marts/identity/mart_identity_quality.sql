{%- set large = identity_setting('identity_large_cluster_size') -%}
with clusters as (
    select customer_id, count(*) as record_count
    from {{ ref('int_identity__customer_map') }}
    group by customer_id
)

, users as (
    select customer_id, count(*) as user_count
    from {{ ref('int_identity__user_map') }}
    where customer_id is not null
    group by customer_id
)

, measures as (
    select 'cluster_size' as measure, cast(record_count as string) as measure_value, record_count as sort_order, count(*) as row_count
    from clusters
    group by record_count
    union all
    select 'large_cluster', 'more than {{ large }} records', {{ large }}, count(*) from clusters where record_count > {{ large }}
    union all
    select 'several_users', 'more than one login', 2, count(*) from users where user_count > 1
    union all
    select 'attached_by', attached_by, 0, count(*) from {{ ref('int_identity__customer_map') }} group by attached_by
    union all
    select 'rejected', subject_type || ': ' || reason, 0, count(*) from {{ ref('int_identity__rejected') }} group by subject_type, reason
    union all
    select 'web_events', case when customer_id is not null then 'identified' else 'anonymous' end, 0, count(*)
    from {{ ref('int_web__events') }}
    group by case when customer_id is not null then 'identified' else 'anonymous' end
    union all
    select 'web_events_excluded', reason, 0, sum(event_count) from {{ ref('int_web__excluded') }} group by reason
    union all
    select 'sessions', case when customer_id is not null then 'identified' else 'anonymous' end, 0, count(*)
    from {{ ref('fct_sessions') }}
    group by case when customer_id is not null then 'identified' else 'anonymous' end
)

select
    cast(measure as string) as measure
    , cast(measure_value as string) as measure_value
    , cast(sort_order as bigint) as sort_order
    , cast(row_count as bigint) as row_count
from measures
