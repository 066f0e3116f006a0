with everything as (
    select source_account, event_date_local, count(*) as event_count
    from {{ ref('cx_web_event') }}
    group by source_account, event_date_local
)

, accounted as (
    select source_account, event_date_local, count(*) as event_count
    from {{ ref('int_web__events') }}
    where session_key is not null
    group by source_account, event_date_local
    union all
    select source_account, event_date_local, event_count
    from {{ ref('int_web__excluded') }}
)

, summed as (
    select source_account, event_date_local, sum(event_count) as event_count
    from accounted
    group by source_account, event_date_local
)

select e.source_account, e.event_date_local, e.event_count, s.event_count as accounted_count
from everything as e
full outer join summed as s on e.source_account = s.source_account and e.event_date_local = s.event_date_local
where e.event_count is distinct from s.event_count
