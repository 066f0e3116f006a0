{{ config(materialized='incremental', pre_hook="{{ forget_reached('session', 'session_key') }}") }}
with touches as (
    select
        session_key
        , touchpoint_id
        , min(event_at) as first_event_at
        , max(event_at) as last_event_at
        , count(*) as event_count
        , case when min(transaction_id) = max(transaction_id) then min(transaction_id) end as transaction_id
    from {{ ref('int_web__events') }}
    where session_key is not null and {{ is_reached('session', 'session_key') }}
    group by session_key, touchpoint_id
)

select
    cast({{ row_key(['t.session_key', 't.touchpoint_id']) }} as string) as touch_key
    , cast(t.session_key as string) as session_key
    , cast(s.customer_id as string) as customer_id
    , cast(s.person_id as string) as person_id
    , cast(t.touchpoint_id as string) as touchpoint_id
    , cast(t.first_event_at as timestamp) as first_event_at
    , cast(t.last_event_at as timestamp) as last_event_at
    , cast(t.event_count as bigint) as event_count
    , cast(t.transaction_id as string) as transaction_id
    , cast(s.device_type as string) as device_type
    , cast(s.source_system as string) as source_system
    , cast(s.source_account as string) as source_account
from touches as t
join {{ ref('int_web__sessions') }} as s on t.session_key = s.session_key
