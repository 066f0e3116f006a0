-- Business time of a ticket: overlap of [start, end) with the open intervals of the calendar in force at each moment.
-- Every instant is looked up once ("open seconds so far"); an interval is the difference of two look-ups.
with instants as (
    select ticket_key, opened_at as instant_at from {{ ref('int_support__ticket_times') }}
    union
    select ticket_key, first_response_at from {{ ref('int_support__ticket_times') }} where first_response_at is not null
    union
    select ticket_key, first_solved_at from {{ ref('int_support__ticket_times') }} where first_solved_at is not null
    union
    select ticket_key, last_solved_at from {{ ref('int_support__ticket_times') }} where last_solved_at is not null
    union
    select ticket_key, started_at from {{ ref('int_support__status_spans') }}
)

, dated as (
    select
        instants.ticket_key
        , instants.instant_at
        , cast({{ to_local('instants.instant_at', 'calendar.time_zone') }} as date) as local_date
    from instants
    cross join (
        select distinct time_zone
        from {{ ref('int_support__business_days') }}
        where calendar_id = '{{ var("business_calendar", "default") }}'
    ) as calendar
)

, clock as (
    select
        dated.ticket_key
        , dated.instant_at
        , business_day.open_seconds_before + coalesce(
            sum(
                cast(
                    greatest({{ seconds_between('opening.opened_at', 'least(dated.instant_at, opening.closed_at)') }}, 0e0)
                    as decimal(18, 6)
                )
            )
            , 0
        ) as open_seconds_so_far
    from dated
    inner join {{ ref('int_support__business_days') }} as business_day
        on dated.local_date = business_day.local_date
        and business_day.calendar_id = '{{ var("business_calendar", "default") }}'
    left join {{ ref('int_support__business_intervals') }} as opening
        on business_day.calendar_id = opening.calendar_id and business_day.local_date = opening.local_date
    group by dated.ticket_key, dated.instant_at, business_day.open_seconds_before
)

, spans as (
    select
        span.ticket_key
        , sum(case when span.status in ('new', 'open', 'hold') then ending.open_seconds_so_far - starting.open_seconds_so_far else 0 end)
            as requester_wait_seconds
        , sum(case when span.status = 'pending' then ending.open_seconds_so_far - starting.open_seconds_so_far else 0 end)
            as agent_wait_seconds
        , sum(case when span.status = 'hold' then ending.open_seconds_so_far - starting.open_seconds_so_far else 0 end)
            as on_hold_seconds
    from {{ ref('int_support__status_spans') }} as span
    inner join clock as starting on span.ticket_key = starting.ticket_key and span.started_at = starting.instant_at
    left join clock as ending on span.ticket_key = ending.ticket_key and span.ended_at = ending.instant_at
    group by span.ticket_key
)

select
    times.ticket_key
    , (responded.open_seconds_so_far - opened.open_seconds_so_far) / 60e0 as first_response_business_minutes
    , (solved.open_seconds_so_far - opened.open_seconds_so_far) / 60e0 as first_resolution_business_minutes
    , (last_solved.open_seconds_so_far - opened.open_seconds_so_far) / 60e0 as full_resolution_business_minutes
    , spans.requester_wait_seconds / 60e0 as requester_wait_business_minutes
    , spans.agent_wait_seconds / 60e0 as agent_wait_business_minutes
    , spans.on_hold_seconds / 60e0 as on_hold_business_minutes
from {{ ref('int_support__ticket_times') }} as times
left join clock as opened on times.ticket_key = opened.ticket_key and times.opened_at = opened.instant_at
left join clock as responded on times.ticket_key = responded.ticket_key and times.first_response_at = responded.instant_at
left join clock as solved on times.ticket_key = solved.ticket_key and times.first_solved_at = solved.instant_at
left join clock as last_solved on times.ticket_key = last_solved.ticket_key and times.last_solved_at = last_solved.instant_at
left join spans on times.ticket_key = spans.ticket_key
