{{ config(materialized='incremental', pre_hook="{{ forget_reached('person', 'person_id') }}") }}
-- What came after a touchpoint was first met in a journey. Each touchpoint counts once per journey, so the join of a
-- journey's touchpoints with its later steps grows with its length, not with the square of it.
with steps as (
    select
        step.journey_key
        , step.step_number
        , step.person_id
        , step.customer_id
        , step.touchpoint_id
        , step.first_contact_at
        , step.contact_count
        , stage.stage_order
    from {{ ref('int_journey__steps') }} as step
    left join {{ ref('touchpoints') }} as touchpoint on step.touchpoint_id = touchpoint.touchpoint_id
    left join {{ ref('journey_stages') }} as stage on touchpoint.journey_stage = stage.journey_stage
    where {{ is_reached('person', 'step.person_id') }}
)

, visits as (
    select
        journey_key
        , touchpoint_id
        , min(person_id) as person_id
        , min(customer_id) as customer_id
        , min(stage_order) as stage_order
        , min(step_number) as step_number
        , min(first_contact_at) as first_contact_at
        , count(*) as visit_count
        , sum(contact_count) as contact_count
    from steps
    group by journey_key, touchpoint_id
)

, followed as (
    select
        visits.journey_key
        , visits.touchpoint_id
        , min(case when later.stage_order > visits.stage_order then later.first_contact_at end) as next_stage_at
        , min(case when intended.touchpoint_id is not null then later.first_contact_at end) as intended_next_at
    from visits
    inner join steps as later on visits.journey_key = later.journey_key and visits.step_number < later.step_number
    left join {{ ref('touchpoint_next_steps') }} as intended
        on visits.touchpoint_id = intended.touchpoint_id and later.touchpoint_id = intended.next_touchpoint_id
    group by visits.journey_key, visits.touchpoint_id
)

select
    visits.journey_key
    , visits.touchpoint_id
    , visits.person_id
    , visits.customer_id
    , cast(visits.first_contact_at as timestamp) as first_contact_at
    , cast(visits.visit_count as bigint) as visit_count
    , cast(visits.contact_count as bigint) as contact_count
    , cast(followed.next_stage_at as timestamp) as next_stage_at
    , cast(followed.intended_next_at as timestamp) as intended_next_at
from visits
left join followed on visits.journey_key = followed.journey_key and visits.touchpoint_id = followed.touchpoint_id
