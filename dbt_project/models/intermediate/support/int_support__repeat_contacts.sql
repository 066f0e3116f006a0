-- First further contact of the same customer after each first solution: on the same issue, where an issue without a
-- reason code on either side counts as the same (the strict reading). One pass over the customer's events in order of
-- time; joining every solution with every contact would be quadratic for a busy requester.
with requesters as (
    select
        ticket.support_ticket_key as ticket_key
        , customer_map.customer_id
        , ticket.opened_at
        , scope.reason_code
        , scope.exclusion_reason
        , times.first_solved_at
    from {{ ref('cx_support_ticket') }} as ticket
    inner join {{ ref('int_identity__customer_map') }} as customer_map
        on ticket.requester_customer_key = customer_map.customer_key
    inner join {{ ref('int_support__ticket_scope') }} as scope on ticket.support_ticket_key = scope.ticket_key
    inner join {{ ref('int_support__ticket_times') }} as times on ticket.support_ticket_key = times.ticket_key
)

, customer_events as (
    -- Order 1 before 2: a contact at the instant of a solution did not come after it.
    select customer_id, reason_code, opened_at as event_at, 1 as event_order, ticket_key as event_key
    from requesters
    where exclusion_reason is null

    union all

    select customer_map.customer_id, cast(null as string), call.started_at, 1, call.call_key
    from {{ ref('cx_call') }} as call
    inner join {{ ref('int_identity__customer_map') }} as customer_map on call.customer_key = customer_map.customer_key
    where call.direction = 'inbound' and call.ticket_key is null and not call.is_deleted and not call.is_test

    union all

    select customer_map.customer_id, cast(null as string), visit.occurred_at, 1, visit.store_visit_key
    from {{ ref('cx_store_visit') }} as visit
    inner join {{ ref('int_identity__customer_map') }} as customer_map on visit.customer_key = customer_map.customer_key
    where visit.visit_type = 'service' and not visit.is_deleted and not visit.is_test

    union all

    select customer_id, reason_code, first_solved_at, 2, ticket_key
    from requesters
    where first_solved_at is not null
)

, following as (
    select
        *
        , min(case when event_order = 1 then event_at end) over (
            partition by customer_id order by event_at, event_order, event_key
            rows between 1 following and unbounded following
        ) as next_contact_at
        , min(case when event_order = 1 and reason_code is null then event_at end) over (
            partition by customer_id order by event_at, event_order, event_key
            rows between 1 following and unbounded following
        ) as next_contact_without_reason_at
        , min(case when event_order = 1 then event_at end) over (
            partition by customer_id, reason_code order by event_at, event_order, event_key
            rows between 1 following and unbounded following
        ) as next_contact_of_reason_at
    from customer_events
)

select
    event_key as ticket_key
    , case
        when reason_code is null then next_contact_at
        else least(
            coalesce(next_contact_of_reason_at, next_contact_without_reason_at)
            , coalesce(next_contact_without_reason_at, next_contact_of_reason_at)
        )
    end as repeat_contact_at
from following
where event_order = 2
