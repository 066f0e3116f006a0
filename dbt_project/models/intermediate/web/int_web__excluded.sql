with left_out as (
    select
        source_account
        , event_date_local
        , case when is_deleted then 'deleted' when is_test then 'test' else 'bot' end as reason
    from {{ ref('cx_web_event') }}
    where not {{ is_counted_event() }}
    union all
    select source_account, event_date_local, session_issue
    from {{ ref('int_web__events') }}
    where session_issue is not null
)

select
    cast({{ row_key(['source_account', 'event_date_local', 'reason']) }} as string) as excluded_key
    , cast(source_account as string) as source_account
    , cast(event_date_local as date) as event_date_local
    , cast(reason as string) as reason
    , cast(count(*) as bigint) as event_count
from left_out
group by source_account, event_date_local, reason
