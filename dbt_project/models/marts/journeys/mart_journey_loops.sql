with loops as (
    select
        {{ journey_audience() }} as audience
        , journey_key
        , person_id
        , touchpoint_id
        , previous_touchpoint_id as via_touchpoint_id
        , loop_seconds
    from {{ ref('int_journey__steps') }}
    where is_loop
)

, counted as (
    select
        loops.audience
        , loops.touchpoint_id
        , loops.via_touchpoint_id
        , count(*) as loop_count
        , count(distinct loops.journey_key) as journey_count
        , count(distinct loops.person_id) as person_count
        , count(distinct case when journey.outcome = 'open' then loops.journey_key end) as open_journey_count
        , count(distinct case when journey.outcome = 'goal' then loops.journey_key end) as goal_journey_count
        , count(distinct case when journey.outcome = 'dead_end' then loops.journey_key end) as dead_end_journey_count
        , {{ quantile('loops.loop_seconds', 0.5) }} as median_loop_seconds
    from loops
    inner join {{ ref('fct_journeys') }} as journey on loops.journey_key = journey.journey_key
    group by loops.audience, loops.touchpoint_id, loops.via_touchpoint_id
)

select
    {{ row_key(['counted.audience', 'counted.touchpoint_id', 'counted.via_touchpoint_id']) }} as journey_loop_key
    , counted.audience
    , counted.touchpoint_id
    , counted.via_touchpoint_id
    , counted.loop_count
    , counted.journey_count
    , counted.person_count
    , transition.journey_count as transition_journey_count
    , {{ share('counted.journey_count', 'transition.journey_count') }} as loop_rate
    , counted.open_journey_count
    , counted.goal_journey_count
    , counted.dead_end_journey_count
    , counted.median_loop_seconds
from counted
inner join {{ ref('mart_journey_transitions') }} as transition
    on counted.audience = transition.audience
    and counted.touchpoint_id = transition.from_touchpoint_id
    and counted.via_touchpoint_id = transition.to_touchpoint_id
