{{ config(materialized='incremental', pre_hook="{{ forget_reached('person', 'person_id') }}") }}
{%- set path_steps = journey_setting('journey_path_steps') -%}
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
    where {{ is_reached('person', 'step.person_id') }}
    group by step.journey_key
)

select
    journey_key
    , person_id
    , customer_id
    , cast(started_at as timestamp) as started_at
    , cast(ended_at as timestamp) as ended_at
    , cast(contact_count as bigint) as contact_count
    , cast(step_count as bigint) as step_count
    , cast(loop_count as bigint) as loop_count
    , first_touchpoint_id
    , last_touchpoint_id
    , cast(goal_at as timestamp) as goal_at
    , path
from journeys
