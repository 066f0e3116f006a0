{# A session lies in the look-back of a conversion, or in exactly one path without; unless settings leave some out. #}
with touches as (
    select
        sum(touch_count) filter (where conversion_key is null) as touches_without
    from {{ ref('int_attribution__steps') }}
)

, converting as (
    select count(distinct s.session_key) as touches_with
    from {{ ref('fct_sessions') }} as s
    join {{ ref('int_attribution__conversions') }} as c
        on s.person_id = c.person_id and s.started_at <= c.converted_at
        and s.started_at >= c.converted_at - {{ attribution_setting('attribution_lookback_days') }} * interval '1' day
)

, sessions as (
    select count(*) as session_count
    from {{ ref('fct_sessions') }}
)

select *
from touches
cross join converting
cross join sessions
where not {{ attribution_setting('attribution_drop_direct') | lower }}
    and {{ attribution_setting('attribution_keep_idle_visits_of_buyers') | lower }}
    and coalesce(touches_without, 0) + touches_with <> session_count
