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

, contacts as (
    select channel, count(*) as contact_count, count(customer_id) as identified_count
    from {{ ref('fct_interactions') }}
    group by channel
)

, counts as (
    select
        'cluster_size' as measure
        , cast(record_count as string) as measure_value
        , record_count as sort_order
        , count(*) as row_count
        , cast(null as bigint) as total_count
    from clusters
    group by record_count
    union all
    select 'attached_by', attached_by, 0, count(*), null from {{ ref('int_identity__customer_map') }} group by attached_by
    union all
    select 'web_events', case when customer_id is not null then 'identified' else 'anonymous' end, 0, count(*), null
    from {{ ref('int_web__events') }}
    group by case when customer_id is not null then 'identified' else 'anonymous' end
    union all
    select 'sessions', case when customer_id is not null then 'identified' else 'anonymous' end, 0, count(*), null
    from {{ ref('fct_sessions') }}
    group by case when customer_id is not null then 'identified' else 'anonymous' end
    union all
    select 'large_cluster', 'above identity_large_cluster_size', {{ large }}, count(case when record_count > {{ large }} then 1 end), count(*)
    from clusters
    union all
    select 'several_users', 'more than one login', 2, count(case when user_count > 1 then 1 end), count(*) from users
    union all
    select 'identified_contacts', channel, 0, identified_count, contact_count from contacts
    union all
    select 'rejected', subject_type || ': ' || reason, 0, count(*), null from {{ ref('int_identity__rejected') }} group by subject_type, reason
    union all
    select 'web_events_excluded', reason, 0, sum(event_count), null from {{ ref('int_web__excluded') }} group by reason
    union all
    -- Ids that were a customer's until then; a record that was known from its first moment on never gave one up.
    select 'ids_merged', {{ month_label('merged_at') }}, extract(year from merged_at) * 100 + extract(month from merged_at), count(*), null
    from {{ ref('int_identity__aliases') }}
    where merged_at > known_from
    group by {{ month_label('merged_at') }}, extract(year from merged_at) * 100 + extract(month from merged_at)
)

-- Measures that divide a whole have their sum as the total.
, measures as (
    select
        measure
        , measure_value
        , sort_order
        , row_count
        , case
            when measure in ('cluster_size', 'attached_by', 'web_events', 'sessions')
                then sum(row_count) over (partition by measure)
            else total_count
        end as total_count
    from counts
)

select
    cast(m.measure as string) as measure
    , cast(m.measure_value as string) as measure_value
    , cast(m.sort_order as bigint) as sort_order
    , cast(m.row_count as bigint) as row_count
    , cast(m.total_count as bigint) as total_count
    , cast(m.row_count / nullif(m.total_count, 0) as double) as share
    , t.min_share
    , t.max_share
    , m.row_count / nullif(m.total_count, 0) >= coalesce(t.min_share, 0)
        and m.row_count / nullif(m.total_count, 0) <= coalesce(t.max_share, 1) as is_within
from measures as m
left join {{ ref('identity_thresholds') }} as t on m.measure = t.measure and m.measure_value = t.measure_value
