{%- set path_steps = journey_setting('journey_path_steps') -%}
{%- set gap = journey_setting('journey_gap_days') ~ " * interval '1' day" -%}
with journeys as (
    select
        step.journey_key
        , min(step.person_id) as person_id
        , min(step.customer_id) as customer_id
        , min(step.first_contact_at) as started_at
        , max(step.last_contact_at) as ended_at
        , sum(step.contact_count) as contact_count
        , count(*) as step_count
        , count(*) filter (where step.is_loop) as loop_count
        , min(case when step.previous_touchpoint_id is null then step.touchpoint_id end) as first_touchpoint_id
        , min(case when step.next_touchpoint_id is null then step.touchpoint_id end) as last_touchpoint_id
        , min(case when touchpoint.is_journey_goal then step.first_contact_at end) as goal_at
        , concat_ws(
            ' > '
            {%- for number in range(1, path_steps + 1) %}
            , min(case when step.step_number = {{ number }} then step.touchpoint_id end)
            {%- endfor %}
            , case when count(*) > {{ path_steps }} then '...' end
        ) as path
    from {{ ref('int_journey__steps') }} as step
    left join {{ ref('touchpoints') }} as touchpoint on step.touchpoint_id = touchpoint.touchpoint_id
    group by step.journey_key
)

, aged as (
    select
        journeys.*
        , journeys.ended_at + {{ gap }} as closes_at
        , coalesce(journeys.ended_at + {{ gap }} >= horizon.observed_until_at, true) as is_open
    from journeys
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
    , cast(aged.contact_count as bigint) as contact_count
    , cast(aged.step_count as bigint) as step_count
    , cast(aged.loop_count as bigint) as loop_count
from aged
left join (select distinct touchpoint_id from {{ ref('touchpoint_next_steps') }}) as intended
    on aged.last_touchpoint_id = intended.touchpoint_id
