{%- set gap = journey_setting('journey_gap_days') ~ " * interval '1' day" -%}
with aged as (
    select
        journeys.*
        , journeys.ended_at + {{ gap }} as closes_at
        , coalesce(journeys.ended_at + {{ gap }} >= horizon.observed_until_at, true) as is_open
    from {{ ref('int_journey__journeys') }} as journeys
    cross join {{ ref('int_journey__horizon') }} as horizon
)

select
    aged.journey_key
    , aged.person_id
    , aged.customer_id
    , {{ journey_audience('aged.customer_id') }} as audience
    , aged.started_at
    , cast({{ to_local('aged.started_at', "'" ~ var('company_time_zone') ~ "'") }} as date) as started_date
    , aged.ended_at
    , cast({{ seconds_between('aged.started_at', 'aged.ended_at') }} as double) as duration_seconds
    , cast(aged.closes_at as timestamp) as closes_at
    , aged.is_open
    , case
        when aged.is_open then 'open'
        when aged.goal_at is not null then 'goal'
        when intended.touchpoint_id is not null then 'dead_end'
        when aged.last_touchpoint_id = 'unmapped' then 'unmapped'
        else 'rest'
    end as outcome
    , aged.goal_at
    , aged.first_touchpoint_id
    , aged.last_touchpoint_id
    , aged.path
    , aged.contact_count
    , aged.step_count
    , aged.loop_count
from aged
left join (select distinct touchpoint_id from {{ ref('touchpoint_next_steps') }}) as intended
    on aged.last_touchpoint_id = intended.touchpoint_id
