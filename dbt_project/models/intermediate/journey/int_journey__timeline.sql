{{ config(
    materialized='incremental'
    , pre_hook="{{ forget_contacts() }}"
    , post_hook=["{{ keep_order_refs() }}", "{{ drop_helper_tables(this, ['contacts', 'changed']) }}"]
) }}
{%- if is_building() and is_resumed() -%}{%- do reach_contacts(this) -%}{%- endif -%}
{#- A rate per minute of a contact whose length is not known gives no cost; nobody's time goes into a bot's message. -#}
{%- set has_cost -%}
    (not neighbours.is_automated and (rate.cost_per_contact is not null or rate.cost_per_minute is not null)
        and (rate.cost_per_minute is null or neighbours.handling_seconds is not null))
{%- endset %}
-- depends_on: {{ ref('int_journey__contacts') }} {{ ref('int_journey__contact_touchpoints') }} {{ ref('fct_orders') }}
with interactions as (
    {%- if is_building() and is_resumed() %}
    select * from {{ helper_table(this, 'contacts') }} where {{ is_reached_contact(this) }}
    {%- else %}
    {{ contact_rows() }}
    {%- endif %}

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
    where {{ is_reached('person', 'touch.person_id') }}
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
    , neighbours.is_automated
    , neighbours.duration_seconds
    , neighbours.handling_seconds
    , cast(case when {{ has_cost }} then round(
        coalesce(cast(rate.cost_per_contact as double), 0e0)
        + coalesce(cast(rate.cost_per_minute as double) * neighbours.handling_seconds / 60, 0e0), 4
    ) end as decimal(18, 4)) as cost_amount
    , case when {{ has_cost }} then rate.currency end as cost_currency
    , neighbours.value_amount
    , neighbours.currency
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
