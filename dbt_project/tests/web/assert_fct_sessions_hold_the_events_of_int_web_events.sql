select s.session_key, s.event_count, e.event_count as events_found
from {{ ref('fct_sessions') }} as s
full outer join (
    select session_key, count(*) as event_count
    from {{ ref('int_web__events') }}
    where session_key is not null
    group by session_key
) as e on s.session_key = e.session_key
where s.event_count is distinct from e.event_count
