{#- A rate per minute of a contact whose length is not known gives no cost; nobody's time goes into a bot's message. -#}
{%- set has_cost -%}
    (not neighbours.is_automated and (rate.cost_per_contact is not null or rate.cost_per_minute is not null)
        and (rate.cost_per_minute is null or neighbours.handling_seconds is not null))
{%- endset -%}
with interactions as (
    select
        contact.interaction_key
        , contact.interaction_type
        , contact.interaction_at
        , contact.customer_id
        , contact.customer_id as person_id
        , contact.channel
        , touchpoint.touchpoint_id
        , contact.direction
        , contact.is_automated
        , contact.duration_seconds
        , contact.handling_seconds
        , coalesce(ordered.net_amount, contact.value_amount) as value_amount
        , coalesce(ordered.currency, contact.currency) as currency
        , contact.order_key
        , contact.ticket_key
        , cast(null as string) as session_key
        , contact.source_system
        , contact.source_account
        , contact.source_id
    from {{ ref('int_journey__contacts') }} as contact
    inner join {{ ref('int_journey__contact_touchpoints') }} as touchpoint
        on contact.interaction_key = touchpoint.interaction_key
    -- The kind inside the key: as a condition of its own it cost 63 s of CPU instead of 0.2 (DuckDB 1.5.5, 460,000 contacts).
    left join {{ ref('fct_orders') }} as ordered
        on case when contact.interaction_type = 'order' then contact.record_key end = ordered.order_key

    union all

    select
        {{ row_key(["'web_touch'", 'touch.touch_key']) }}
        , 'web_touch'
        , touch.first_event_at
        , touch.customer_id
        , touch.person_id
        , 'web'
        , touch.touchpoint_id
        , 'inbound'
        , false
        , {{ seconds_between('touch.first_event_at', 'touch.last_event_at') }}
        , cast(null as double)
        , cast(null as decimal(18, 4))
        , cast(null as string)
        , order_ref.order_key
        , cast(null as string)
        , touch.session_key
        , touch.source_system
        , touch.source_account
        , touch.touch_key
    from {{ ref('int_web__touches') }} as touch
    left join {{ ref('int_journey__order_refs') }} as order_ref on touch.transaction_id = order_ref.order_ref
)

-- Contacts of nobody and internal notes, which no customer sees, are partitions of their own: they have no neighbours.
, neighbours as (
    select
        *
        , cast({{ to_local('interaction_at', "'" ~ var('company_time_zone') ~ "'") }} as date) as interaction_date
        {%- for side, step in [('previous', 'lag'), ('next', 'lead')] %}{% for column in ['at', 'type'] %}
        , {{ step }}(interaction_{{ column }}) over (
            partition by coalesce(case when direction <> 'internal' then person_id end, interaction_key)
            order by interaction_at, interaction_key
        ) as {{ side }}_interaction_{{ column }}
        {%- endfor %}
        , {{ step }}(touchpoint_id) over (
            partition by coalesce(case when direction <> 'internal' then person_id end, interaction_key)
            order by interaction_at, interaction_key
        ) as {{ side }}_touchpoint_id
        {%- endfor %}
    from interactions
)

select
    neighbours.interaction_key
    , neighbours.interaction_type
    , neighbours.interaction_at
    , neighbours.interaction_date
    , neighbours.customer_id
    , neighbours.person_id
    , neighbours.channel
    , neighbours.touchpoint_id
    , touchpoint.journey_stage
    , neighbours.direction
    , neighbours.duration_seconds
    , cast(case when {{ has_cost }} then round(
        coalesce(cast(rate.cost_per_contact as double), 0e0)
        + coalesce(cast(rate.cost_per_minute as double) * neighbours.handling_seconds / 60, 0e0), 4
    ) end as decimal(18, 4)) as cost_amount
    , case when {{ has_cost }} then rate.currency end as cost_currency
    , neighbours.value_amount
    , neighbours.currency
    -- Filled by the sentiment step where there is text.
    , cast(null as double) as sentiment
    , neighbours.order_key
    , neighbours.ticket_key
    , neighbours.session_key
    , neighbours.previous_interaction_at
    , neighbours.previous_interaction_type
    , neighbours.previous_touchpoint_id
    , {{ seconds_between('neighbours.previous_interaction_at', 'neighbours.interaction_at') }} as seconds_since_previous
    , neighbours.next_interaction_at
    , neighbours.next_interaction_type
    , neighbours.next_touchpoint_id
    , {{ seconds_between('neighbours.interaction_at', 'neighbours.next_interaction_at') }} as seconds_to_next
    , neighbours.source_system
    , neighbours.source_account
    , neighbours.source_id
from neighbours
left join {{ ref('touchpoints') }} as touchpoint on neighbours.touchpoint_id = touchpoint.touchpoint_id
left join {{ ref('handling_costs') }} as rate
    on neighbours.interaction_type = rate.interaction_type
    and neighbours.channel = rate.channel
    and neighbours.direction = rate.direction
    and neighbours.interaction_date >= rate.valid_from
    and (rate.valid_to is null or neighbours.interaction_date < rate.valid_to)
