with transitions as (
    select
        {{ journey_audience() }} as audience
        , journey_key
        , touchpoint_id as from_touchpoint_id
        , next_touchpoint_id as to_touchpoint_id
        , seconds_to_next
    from {{ ref('int_journey__steps') }}
    where next_touchpoint_id is not null

    union all

    select audience, journey_key, '(start)', first_touchpoint_id, cast(null as double)
    from {{ ref('fct_journeys') }}

    union all

    select audience, journey_key, last_touchpoint_id, case when is_open then '(open)' else '(end)' end, cast(null as double)
    from {{ ref('fct_journeys') }}
)

, counted as (
    select
        audience
        , from_touchpoint_id
        , to_touchpoint_id
        , count(*) as transition_count
        , count(distinct journey_key) as journey_count
        , {{ quantile('seconds_to_next', 0.5) }} as median_seconds
        , {{ quantile('seconds_to_next', 0.9) }} as p90_seconds
    from transitions
    group by audience, from_touchpoint_id, to_touchpoint_id
)

select
    {{ row_key(['counted.audience', 'counted.from_touchpoint_id', 'counted.to_touchpoint_id']) }} as journey_transition_key
    , counted.audience
    , counted.from_touchpoint_id
    , counted.to_touchpoint_id
    , from_touchpoint.journey_stage as from_journey_stage
    , to_touchpoint.journey_stage as to_journey_stage
    , intended.touchpoint_id is not null as is_intended
    , counted.transition_count
    , counted.journey_count
    , {{ share(
        'counted.transition_count',
        'sum(counted.transition_count) over (partition by counted.audience, counted.from_touchpoint_id)',
    ) }} as transition_share
    , counted.median_seconds
    , counted.p90_seconds
from counted
left join {{ ref('touchpoints') }} as from_touchpoint on counted.from_touchpoint_id = from_touchpoint.touchpoint_id
left join {{ ref('touchpoints') }} as to_touchpoint on counted.to_touchpoint_id = to_touchpoint.touchpoint_id
left join {{ ref('touchpoint_next_steps') }} as intended
    on counted.from_touchpoint_id = intended.touchpoint_id and counted.to_touchpoint_id = intended.next_touchpoint_id
