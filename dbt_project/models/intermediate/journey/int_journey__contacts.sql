-- Every record of a contact in one shape, before it gets a touchpoint: one row per order, ticket, message, call, survey
-- response and shop visit. Web touches join later: they have their touchpoint already.
with customer_map as (
    select customer_key, customer_id from {{ ref('int_identity__customer_map') }}
)

, tickets as (
    select
        ticket.support_ticket_key as ticket_key
        , ticket.channel
        , ticket.category
        , ticket.team
        , ticket.tags
        , coalesce(ticket.order_key, order_ref.order_key) as order_key
        , customer_map.customer_id
    from {{ ref('cx_support_ticket') }} as ticket
    left join customer_map on ticket.requester_customer_key = customer_map.customer_key
    left join {{ ref('int_journey__order_refs') }} as order_ref on ticket.order_ref = order_ref.order_ref
)

, responses as (
    select
        response.*
        , coalesce(response.order_key, order_ref.order_key) as about_order_key
        , coalesce(response.ticket_key, ticket_ref.ticket_key) as about_ticket_key
    from {{ ref('cx_survey_response') }} as response
    left join {{ ref('int_journey__order_refs') }} as order_ref on response.order_ref = order_ref.order_ref
    left join {{ ref('int_journey__ticket_refs') }} as ticket_ref on response.ticket_ref = ticket_ref.ticket_ref
)

, orders as (
    select
        ordered.order_key
        , ordered.order_type
        , coalesce(ordered.channel, 'unknown') as channel
        , customer_map.customer_id
        , ordered.ordered_at
        , ordered.store_id
        , ordered.source_system
        , ordered.source_account
        , ordered.source_id
    from {{ ref('cx_order') }} as ordered
    left join customer_map on ordered.customer_key = customer_map.customer_key
    where not ordered.is_deleted and not ordered.is_test
)

, visits as (
    select
        visit.*
        , coalesce(visit.order_key, order_ref.order_key) as about_order_key
    from {{ ref('cx_store_visit') }} as visit
    left join {{ ref('int_journey__order_refs') }} as order_ref on visit.order_ref = order_ref.order_ref
)

select
    {{ row_key(["'order'", 'orders.order_key']) }} as interaction_key
    , 'order' as interaction_type
    , orders.order_key as record_key
    , orders.ordered_at as interaction_at
    , orders.customer_id
    , orders.channel
    , 'inbound' as direction
    , cast(null as double) as duration_seconds
    -- The value of an order stands in fct_orders.
    , cast(null as decimal(18, 4)) as value_amount
    , cast(null as string) as currency
    , orders.order_key
    , cast(null as string) as ticket_key
    , cast(null as string) as stated_touchpoint_id
    , cast(null as string) as category
    , cast(null as string) as team
    , cast(null as string) as tags
    , cast(null as string) as survey_name
    , cast(null as string) as survey_metric
    , cast(null as string) as ticket_channel
    , 'true' as has_order
    , orders.order_type
    , orders.store_id
    , cast(null as string) as visit_type
    , cast(null as string) as queue
    , orders.source_system
    , orders.source_account
    , orders.source_id
from orders

union all

select
    {{ row_key(["'ticket'", 'ticket.support_ticket_key']) }}
    , 'ticket'
    , ticket.support_ticket_key
    , ticket.opened_at
    , tickets.customer_id
    , coalesce(ticket.channel, 'unknown')
    , 'inbound'
    , cast(null as double)
    , cast(null as decimal(18, 4))
    , cast(null as string)
    , tickets.order_key
    , ticket.support_ticket_key
    , cast(null as string)
    , ticket.category
    , ticket.team
    , ticket.tags
    , cast(null as string)
    , cast(null as string)
    , ticket.channel
    , case when tickets.order_key is not null then 'true' else 'false' end
    , cast(null as string)
    , cast(null as string)
    , cast(null as string)
    , cast(null as string)
    , ticket.source_system
    , ticket.source_account
    , ticket.source_id
from {{ ref('cx_support_ticket') }} as ticket
inner join tickets on ticket.support_ticket_key = tickets.ticket_key
where not ticket.is_deleted and not ticket.is_test

union all

select
    {{ row_key(["'message'", 'message.message_key']) }}
    , 'message'
    , message.message_key
    , message.sent_at
    , coalesce(customer_map.customer_id, tickets.customer_id)
    , coalesce(message.channel, tickets.channel, 'unknown')
    , message.direction
    , cast(null as double)
    , cast(null as decimal(18, 4))
    , cast(null as string)
    , tickets.order_key
    , message.ticket_key
    , cast(null as string)
    , tickets.category
    , tickets.team
    , tickets.tags
    , cast(null as string)
    , cast(null as string)
    , coalesce(tickets.channel, message.channel)
    , case when tickets.order_key is not null then 'true' else 'false' end
    , cast(null as string)
    , cast(null as string)
    , cast(null as string)
    , cast(null as string)
    , message.source_system
    , message.source_account
    , message.source_id
from {{ ref('cx_message') }} as message
left join tickets on message.ticket_key = tickets.ticket_key
left join customer_map on message.author_customer_key = customer_map.customer_key
where not message.is_deleted and not message.is_test

union all

select
    {{ row_key(["'call'", 'call.call_key']) }}
    , 'call'
    , call.call_key
    , call.started_at
    , coalesce(customer_map.customer_id, tickets.customer_id)
    , 'phone'
    , call.direction
    , cast(coalesce(call.talk_s, 0) + coalesce(call.hold_s, 0) as double)
    , cast(null as decimal(18, 4))
    , cast(null as string)
    , tickets.order_key
    , call.ticket_key
    , cast(null as string)
    , tickets.category
    , tickets.team
    , tickets.tags
    , cast(null as string)
    , cast(null as string)
    , tickets.channel
    , case when tickets.order_key is not null then 'true' else 'false' end
    , cast(null as string)
    , cast(null as string)
    , cast(null as string)
    , call.queue
    , call.source_system
    , call.source_account
    , call.source_id
from {{ ref('cx_call') }} as call
left join tickets on call.ticket_key = tickets.ticket_key
left join customer_map on call.customer_key = customer_map.customer_key
where not call.is_deleted and not call.is_test

union all

select
    {{ row_key(["'survey_response'", 'response.survey_response_key']) }}
    , 'survey_response'
    , response.survey_response_key
    , coalesce(response.submitted_at, response.started_at)
    , coalesce(customer_map.customer_id, tickets.customer_id, orders.customer_id)
    , coalesce(response.channel, survey.channel, tickets.channel, 'unknown')
    , 'inbound'
    , {{ seconds_between('response.started_at', 'response.submitted_at') }}
    , cast(null as decimal(18, 4))
    , cast(null as string)
    , coalesce(response.about_order_key, tickets.order_key)
    , response.about_ticket_key
    , coalesce(response.touchpoint_key, survey.touchpoint_key)
    , tickets.category
    , tickets.team
    , tickets.tags
    , survey.name
    , coalesce(response.score_metric, survey.metric_type)
    , tickets.channel
    , case when response.about_order_key is not null then 'true' else 'false' end
    , orders.order_type
    , cast(null as string)
    , cast(null as string)
    , cast(null as string)
    , response.source_system
    , response.source_account
    , response.source_id
from responses as response
left join {{ ref('cx_survey') }} as survey on response.survey_key = survey.survey_key
left join tickets on response.about_ticket_key = tickets.ticket_key
left join orders on response.about_order_key = orders.order_key
left join customer_map on response.customer_key = customer_map.customer_key
where not response.is_deleted and not response.is_test
    and coalesce(response.submitted_at, response.started_at) is not null

union all

select
    {{ row_key(["'store_visit'", 'visit.store_visit_key']) }}
    , 'store_visit'
    , visit.store_visit_key
    , visit.occurred_at
    , coalesce(customer_map.customer_id, orders.customer_id)
    , 'store'
    , 'inbound'
    , cast(visit.dwell_s as double)
    -- The basket of a visit with an order stands on the order.
    , case when visit.about_order_key is null then visit.basket_amount end
    , case when visit.about_order_key is null then visit.currency end
    , visit.about_order_key
    , cast(null as string)
    , cast(null as string)
    , cast(null as string)
    , cast(null as string)
    , cast(null as string)
    , cast(null as string)
    , cast(null as string)
    , cast(null as string)
    , case when visit.about_order_key is not null then 'true' else 'false' end
    , orders.order_type
    , visit.store_id
    , visit.visit_type
    , cast(null as string)
    , visit.source_system
    , visit.source_account
    , visit.source_id
from visits as visit
left join orders on visit.about_order_key = orders.order_key
left join customer_map on visit.customer_key = customer_map.customer_key
where not visit.is_deleted and not visit.is_test
