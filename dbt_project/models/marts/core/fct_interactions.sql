with interactions as (
    select
        contact.interaction_key
        , contact.interaction_type
        , contact.record_key
        , contact.interaction_at
        , contact.customer_id
        , contact.channel
        , touchpoint.touchpoint_id
        , contact.direction
        , contact.duration_seconds
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
    left join {{ ref('fct_orders') }} as ordered
        on contact.interaction_type = 'order' and contact.record_key = ordered.order_key

    union all

    select
        {{ row_key(["'web_touch'", 'touch.touch_key']) }}
        , 'web_touch'
        , touch.touch_key
        , touch.first_event_at
        , touch.customer_id
        , 'web'
        , touch.touchpoint_id
        , 'inbound'
        , {{ seconds_between('touch.first_event_at', 'touch.last_event_at') }}
        , cast(null as decimal(18, 4))
        , cast(null as string)
        , cast(null as string)
        , cast(null as string)
        , touch.session_key
        , touch.source_system
        , touch.source_account
        , touch.touch_key
    from {{ ref('int_web__touches') }} as touch
)

-- Contacts of nobody are partitions of their own: they have no neighbours.
, neighbours as (
    select
        *
        , lag(interaction_at) over (
            partition by customer_id, case when customer_id is null then interaction_key end
            order by interaction_at, interaction_key
        ) as earlier_at
        , lead(interaction_at) over (
            partition by customer_id, case when customer_id is null then interaction_key end
            order by interaction_at, interaction_key
        ) as later_at
    from interactions
)

select
    neighbours.interaction_key
    , neighbours.interaction_type
    , neighbours.interaction_at
    , cast({{ to_local('neighbours.interaction_at', "'" ~ var('company_time_zone') ~ "'") }} as date) as interaction_date
    , neighbours.customer_id
    , neighbours.channel
    , neighbours.touchpoint_id
    , touchpoint.journey_stage
    , neighbours.direction
    , neighbours.duration_seconds
    , neighbours.value_amount
    , neighbours.currency
    -- Filled by the sentiment step where there is text.
    , cast(null as double) as sentiment
    , neighbours.order_key
    , neighbours.ticket_key
    , neighbours.session_key
    , neighbours.earlier_at as previous_interaction_at
    , neighbours.later_at as next_interaction_at
    , {{ seconds_between('neighbours.earlier_at', 'neighbours.interaction_at') }} as seconds_since_previous
    , neighbours.source_system
    , neighbours.source_account
    , neighbours.source_id
from neighbours
left join {{ ref('touchpoints') }} as touchpoint on neighbours.touchpoint_id = touchpoint.touchpoint_id
