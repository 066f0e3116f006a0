with counted as (
    select
        journey.audience
        , visit.touchpoint_id
        , count(*) filter (where not journey.is_open) as journey_count
        , count(*) filter (where not journey.is_open and journey.last_touchpoint_id = visit.touchpoint_id) as ended_count
        , count(*) filter (where journey.outcome = 'dead_end' and journey.last_touchpoint_id = visit.touchpoint_id) as dead_end_count
        , count(*) filter (where journey.is_open and journey.last_touchpoint_id = visit.touchpoint_id) as open_count
    from {{ ref('int_journey__visits') }} as visit
    inner join {{ ref('fct_journeys') }} as journey on visit.journey_key = journey.journey_key
    where visit.touchpoint_id in (select touchpoint_id from {{ ref('touchpoint_next_steps') }})
    group by journey.audience, visit.touchpoint_id
)

select
    {{ row_key(['counted.audience', 'counted.touchpoint_id']) }} as journey_dead_end_key
    , counted.audience
    , counted.touchpoint_id
    , touchpoint.touchpoint_name
    , touchpoint.journey_stage
    , touchpoint.owner_id
    , touchpoint.next_action
    , counted.journey_count
    , counted.ended_count
    , counted.dead_end_count
    , counted.open_count
    , {{ share('counted.dead_end_count', 'counted.journey_count') }} as dead_end_rate
    , {{ wilson_low('counted.dead_end_count', 'counted.journey_count') }} as dead_end_rate_low
    , {{ wilson_high('counted.dead_end_count', 'counted.journey_count') }} as dead_end_rate_high
    , {{ share('counted.dead_end_count', 'sum(counted.dead_end_count) over (partition by counted.audience)') }} as dead_end_share
from counted
inner join {{ ref('dim_touchpoints') }} as touchpoint on counted.touchpoint_id = touchpoint.touchpoint_id
