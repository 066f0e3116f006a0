{{ config(materialized='incremental', pre_hook="{{ forget_reached('person', 'person_id') }}") }}
{%- set gap = journey_setting('journey_gap_days') ~ " * interval '1' day" -%}
-- Contacts of a person, cut into journeys by silence and into steps by change of touchpoint.
with marked as (
    select
        *
        , case when previous_interaction_at >= interaction_at - {{ gap }} then 0 else 1 end as begins_journey
        , case
            when previous_interaction_at >= interaction_at - {{ gap }} and previous_touchpoint_id = touchpoint_id then 0 else 1
        end as begins_step
    from {{ ref('fct_interactions') }}
    -- Internal notes are no contact with the customer.
    where person_id is not null and direction <> 'internal' and {{ is_reached('person', 'person_id') }}
)

, numbered as (
    select
        person_id
        , customer_id
        , touchpoint_id
        , interaction_at
        , sum(begins_journey) over (
            partition by person_id order by interaction_at, interaction_key rows between unbounded preceding and current row
        ) as journey_number
        , sum(begins_step) over (
            partition by person_id order by interaction_at, interaction_key rows between unbounded preceding and current row
        ) as person_step_number
    from marked
)

, steps as (
    select
        person_id
        , journey_number
        , person_step_number
        , min(customer_id) as customer_id
        , min(touchpoint_id) as touchpoint_id
        , min(interaction_at) as first_contact_at
        , max(interaction_at) as last_contact_at
        , count(*) as contact_count
    from numbered
    group by person_id, journey_number, person_step_number
)

, walked as (
    select
        steps.*
        , min(first_contact_at) over (partition by person_id, journey_number) as started_at
        , row_number() over (partition by person_id, journey_number order by person_step_number) as step_number
        , lag(touchpoint_id) over (partition by person_id, journey_number order by person_step_number) as previous_touchpoint_id
        , lag(touchpoint_id, 2) over (partition by person_id, journey_number order by person_step_number) as before_previous_touchpoint_id
        , lag(last_contact_at, 2) over (partition by person_id, journey_number order by person_step_number) as before_previous_contact_at
        , lead(touchpoint_id) over (partition by person_id, journey_number order by person_step_number) as next_touchpoint_id
        , lead(first_contact_at) over (partition by person_id, journey_number order by person_step_number) as next_contact_at
    from steps
)

select
    {{ row_key(['person_id', to_epoch_us('started_at')]) }} as journey_key
    , cast(step_number as bigint) as step_number
    , person_id
    , customer_id
    , touchpoint_id
    , cast(first_contact_at as timestamp) as first_contact_at
    , cast(last_contact_at as timestamp) as last_contact_at
    , cast(contact_count as bigint) as contact_count
    , previous_touchpoint_id
    , next_touchpoint_id
    , cast({{ seconds_between('last_contact_at', 'next_contact_at') }} as double) as seconds_to_next
    , coalesce(before_previous_touchpoint_id = touchpoint_id, false) as is_loop
    , case
        when before_previous_touchpoint_id = touchpoint_id
            then cast({{ seconds_between('before_previous_contact_at', 'first_contact_at') }} as double)
    end as loop_seconds
from walked
