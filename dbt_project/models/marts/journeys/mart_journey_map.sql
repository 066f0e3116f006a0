{%- set metrics = ['csat', 'ces', 'nps'] -%}
{%- set leads_on = 'intended.touchpoint_id is not null' -%}
{%- set zone = "'" ~ var('company_time_zone') ~ "'" -%}
with contacts as (
    select
        interaction.touchpoint_id
        , period.period_type
        , {{ period_start('interaction.interaction_date') }} as period_start
        , count(*) as interaction_count
        , count(distinct interaction.person_id) as person_count
        , count(distinct interaction.customer_id) as customer_count
        , count(interaction.sentiment) as sentiment_count
        , avg(interaction.sentiment) as sentiment_mean
        , count(interaction.cost_amount) as costed_interaction_count
        , case when count(distinct interaction.cost_currency) = 1 then sum(interaction.cost_amount) end as cost_amount
        , case when count(distinct interaction.cost_currency) = 1 then min(interaction.cost_currency) end as cost_currency
    from {{ ref('fct_interactions') }} as interaction
    cross join {{ period_types(['all', 'month']) }} as period
    group by 1, 2, 3
)

, visits as (
    select
        visit.touchpoint_id
        , period.period_type
        , {{ period_start(to_local('visit.first_contact_at', zone)) }} as period_start
        , count(*) filter (where journey.is_open) as open_journey_count
        , count(*) filter (where not journey.is_open) as journey_count
        , count(*) filter (where not journey.is_open and visit.visit_count > 1) as return_count
        , count(*) filter (where journey.outcome = 'dead_end' and journey.last_touchpoint_id = visit.touchpoint_id) as dead_end_count
        , count(*) filter (where not journey.is_open and visit.intended_next_at is not null) as intended_next_count
        , count(*) filter (where not journey.is_open and visit.next_stage_at is not null) as next_stage_count
        , {{ quantile(
            'case when not journey.is_open then ' ~ seconds_between('visit.first_contact_at', 'visit.intended_next_at') ~ ' end', 0.5
        ) }} as intended_next_seconds_median
        , {{ quantile(
            'case when not journey.is_open then ' ~ seconds_between('visit.first_contact_at', 'visit.next_stage_at') ~ ' end', 0.5
        ) }} as next_stage_seconds_median
        , {{ quantile(
            'case when not journey.is_open then ' ~ seconds_between('visit.first_contact_at', 'visit.next_stage_at') ~ ' end', 0.9
        ) }} as next_stage_seconds_p90
    from {{ ref('int_journey__visits') }} as visit
    inner join {{ ref('fct_journeys') }} as journey on visit.journey_key = journey.journey_key
    cross join {{ period_types(['all', 'month']) }} as period
    group by 1, 2, 3
)

, scores as (
    select
        touchpoint_id
        , period_type
        , period_start
        {%- for metric in metrics %}
        , max(case when metric_name = '{{ metric }}' then metric_value end) as {{ metric }}_value
        , max(case when metric_name = '{{ metric }}' then response_count end) as {{ metric }}_count
        {%- endfor %}
    from {{ ref('mart_cx_metrics') }}
    where channel = 'all' and segment_type = 'all'
    group by touchpoint_id, period_type, period_start
)

-- For all time every touchpoint of the registry has a row, also without a contact.
, places as (
    select touchpoint_id, 'all' as period_type, cast(null as date) as period_start from {{ ref('dim_touchpoints') }}

    union

    select touchpoint_id, period_type, period_start from contacts
)

select
    {{ row_key(['places.touchpoint_id', 'places.period_type', 'places.period_start']) }} as journey_map_key
    , places.period_type
    , places.period_start
    , touchpoint.journey_stage
    , touchpoint.stage_name
    , touchpoint.stage_order
    , places.touchpoint_id
    , touchpoint.touchpoint_name
    , touchpoint.owner_id
    , coalesce(contacts.interaction_count, 0) as interaction_count
    , coalesce(contacts.person_count, 0) as person_count
    , coalesce(contacts.customer_count, 0) as customer_count
    {%- for metric in metrics %}
    , scores.{{ metric }}_value
    , scores.{{ metric }}_count
    {%- endfor %}
    , contacts.sentiment_mean
    , coalesce(contacts.sentiment_count, 0) as sentiment_count
    , cast(contacts.cost_amount as decimal(18, 4)) as cost_amount
    , contacts.cost_currency
    , coalesce(contacts.costed_interaction_count, 0) as costed_interaction_count
    , coalesce(visits.journey_count, 0) as journey_count
    , coalesce(visits.open_journey_count, 0) as open_journey_count
    , coalesce(visits.dead_end_count, 0) as dead_end_count
    -- Where the registry names no next touchpoint, nobody can fail to go there: no rate, which is not a rate of 0.
    , case when {{ leads_on }} then {{ share('visits.dead_end_count', 'visits.journey_count') }} end as drop_off_rate
    , case when {{ leads_on }} then {{ wilson_low('visits.dead_end_count', 'visits.journey_count') }} end as drop_off_rate_low
    , case when {{ leads_on }} then {{ wilson_high('visits.dead_end_count', 'visits.journey_count') }} end as drop_off_rate_high
    , coalesce(visits.return_count, 0) as return_count
    , case when {{ leads_on }} then coalesce(visits.intended_next_count, 0) end as intended_next_count
    , case when {{ leads_on }} then {{ share('visits.intended_next_count', 'visits.journey_count') }} end as intended_next_rate
    , visits.intended_next_seconds_median
    , coalesce(visits.next_stage_count, 0) as next_stage_count
    , {{ share('visits.next_stage_count', 'visits.journey_count') }} as next_stage_rate
    , visits.next_stage_seconds_median
    , visits.next_stage_seconds_p90
from places
inner join {{ ref('dim_touchpoints') }} as touchpoint on places.touchpoint_id = touchpoint.touchpoint_id
left join contacts
    on places.touchpoint_id = contacts.touchpoint_id
    and places.period_type = contacts.period_type
    and places.period_start is not distinct from contacts.period_start
left join visits
    on places.touchpoint_id = visits.touchpoint_id
    and places.period_type = visits.period_type
    and places.period_start is not distinct from visits.period_start
left join scores
    on places.touchpoint_id = scores.touchpoint_id
    and places.period_type = scores.period_type
    and places.period_start is not distinct from scores.period_start
left join (select distinct touchpoint_id from {{ ref('touchpoint_next_steps') }}) as intended
    on places.touchpoint_id = intended.touchpoint_id
