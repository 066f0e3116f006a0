{%- set window = var('fcr_window_days', 7) -%}
{%- set zone = "'" ~ var('company_time_zone') ~ "'" -%}

with csat as (
    select
        ticket_key
        , {{ last_by('score', struct_of({'submitted_at': 'submitted_at', 'survey_response_key': 'survey_response_key'})) }} as score
        , {{ last_by('is_positive', struct_of({'submitted_at': 'submitted_at', 'survey_response_key': 'survey_response_key'})) }} as is_positive
    from {{ ref('fct_survey_responses') }}
    where ticket_key is not null and metric = 'csat' and is_positive is not null
    group by ticket_key
)

, tickets as (
    select
        ticket.*
        , customer_map.customer_id
        , coalesce(ticket.order_key, order_ref.order_key) as about_order_key
        , scope.reason_code
        , scope.exclusion_reason
        , times.first_response_at as answered_at
        , times.agent_reply_count
        , times.customer_reply_count
        , times.customer_message_count
        , times.bot_message_count
        , times.is_opened_by_agent
        , times.first_status_at
        , times.first_solved_at
        , times.last_solved_at
        , times.reopen_count as status_reopen_count
        , times.first_reopened_at
        , times.requester_wait_seconds
        , times.agent_wait_seconds
        , times.on_hold_seconds
        , times.new_status_seconds
        , times.open_status_seconds
        , times.first_assigned_at
        , times.last_assigned_at
        , times.assignment_count
        , times.is_resolved
        , times.observed_until_at
        , repeat_contacts.repeat_contact_at
        , times.is_resolved and scope.exclusion_reason is null as is_counted_solution
        , coalesce(times.first_solved_at + interval '{{ window }}' day <= times.observed_until_at, false) as is_mature
        , coalesce(times.first_reopened_at <= times.first_solved_at + interval '{{ window }}' day, false) as is_reopened_in_window
        , coalesce(repeat_contacts.repeat_contact_at <= times.first_solved_at + interval '{{ window }}' day, false)
            as is_repeated_in_window
    from {{ ref('cx_support_ticket') }} as ticket
    inner join {{ ref('int_support__ticket_times') }} as times on ticket.support_ticket_key = times.ticket_key
    inner join {{ ref('int_support__ticket_scope') }} as scope on ticket.support_ticket_key = scope.ticket_key
    left join {{ ref('int_identity__customer_map') }} as customer_map
        on ticket.requester_customer_key = customer_map.customer_key
    left join {{ ref('int_journey__order_refs') }} as order_ref on ticket.order_ref = order_ref.order_ref
    left join {{ ref('int_support__repeat_contacts') }} as repeat_contacts
        on ticket.support_ticket_key = repeat_contacts.ticket_key
)

select
    tickets.support_ticket_key as ticket_key
    , tickets.ticket_number
    , tickets.customer_id
    , coalesce(tickets.channel, 'unknown') as channel
    , coalesce(touchpoint.touchpoint_id, 'unmapped') as touchpoint_id
    , tickets.team
    , tickets.assignee_agent_key
    , tickets.type as ticket_type
    , tickets.priority
    , tickets.status
    , tickets.category
    , tickets.reason_code
    , tickets.about_order_key as order_key
    , tickets.exclusion_reason
    , tickets.exclusion_reason is null as is_measured
    , tickets.opened_at
    , cast({{ to_local('tickets.opened_at', zone) }} as date) as opened_date
    , tickets.answered_at as first_response_at
    , tickets.first_solved_at
    , cast({{ to_local('tickets.first_solved_at', zone) }} as date) as first_solved_date
    , tickets.last_solved_at
    , cast({{ to_local('tickets.last_solved_at', zone) }} as date) as last_solved_date
    , tickets.closed_at
    , tickets.is_resolved
    , tickets.is_opened_by_agent
    , tickets.answered_at is null and not tickets.is_resolved and tickets.status <> 'deleted' as is_awaiting_first_reply
    , case
        when tickets.answered_at is null and not tickets.is_resolved and tickets.status <> 'deleted'
            then {{ seconds_between('tickets.opened_at', 'tickets.observed_until_at') }} / 60
    end as awaiting_first_reply_calendar_minutes
    , {{ seconds_between('tickets.opened_at', 'tickets.answered_at') }} / 60 as first_response_calendar_minutes
    , business.first_response_business_minutes
    , tickets.first_response_s / 60e0 as first_response_vendor_calendar_minutes
    , case when tickets.is_resolved then {{ seconds_between('tickets.opened_at', 'tickets.first_solved_at') }} / 60 end
        as first_resolution_calendar_minutes
    , case when tickets.is_resolved then business.first_resolution_business_minutes end as first_resolution_business_minutes
    , case when tickets.is_resolved then {{ seconds_between('tickets.opened_at', 'tickets.last_solved_at') }} / 60 end
        as full_resolution_calendar_minutes
    , case when tickets.is_resolved then business.full_resolution_business_minutes end as full_resolution_business_minutes
    , tickets.full_resolution_s / 60e0 as full_resolution_vendor_calendar_minutes
    , cast(tickets.requester_wait_seconds as double) / 60 as requester_wait_calendar_minutes
    , business.requester_wait_business_minutes
    , cast(tickets.agent_wait_seconds as double) / 60 as agent_wait_calendar_minutes
    , business.agent_wait_business_minutes
    , cast(tickets.on_hold_seconds as double) / 60 as on_hold_calendar_minutes
    , business.on_hold_business_minutes
    , cast(tickets.new_status_seconds as double) / 60 as new_status_calendar_minutes
    , cast(tickets.open_status_seconds as double) / 60 as open_status_calendar_minutes
    , cast(tickets.new_status_seconds + tickets.open_status_seconds as double) / 60 as agent_work_calendar_minutes
    , {{ seconds_between('tickets.opened_at', 'tickets.first_status_at') }} / 60 as before_first_status_calendar_minutes
    , tickets.first_assigned_at
    , tickets.last_assigned_at
    , tickets.assignment_count
    , case when tickets.is_resolved then {{ seconds_between('tickets.first_assigned_at', 'tickets.last_solved_at') }} / 60 end
        as first_assignment_to_resolution_calendar_minutes
    , case when tickets.is_resolved then {{ seconds_between('tickets.last_assigned_at', 'tickets.last_solved_at') }} / 60 end
        as last_assignment_to_resolution_calendar_minutes
    , tickets.status_reopen_count as reopen_count
    , case when tickets.first_solved_at is not null and tickets.is_mature then tickets.is_reopened_in_window end
        as is_reopened_in_window
    , tickets.agent_reply_count
    , tickets.customer_reply_count
    , tickets.bot_message_count
    , case
        when not tickets.is_resolved or tickets.agent_reply_count is null then null
        when tickets.agent_reply_count = 0 then 'zero'
        when tickets.agent_reply_count = 1 then 'one'
        else 'many'
    end as reply_class
    , tickets.is_mature as is_mature_for_fcr
    , case when tickets.is_mature and tickets.customer_id is not null then tickets.repeat_contact_at end as repeat_contact_at
    -- Immature and unknown are null, never a success.
    , case
        when tickets.is_counted_solution and tickets.is_mature and tickets.customer_id is not null
            then not tickets.is_repeated_in_window and not tickets.is_reopened_in_window
    end as fcr_repeat
    , case when tickets.is_counted_solution and tickets.agent_reply_count > 0 then tickets.agent_reply_count = 1 end
        as fcr_one_touch
    , case when tickets.is_counted_solution then tickets.customer_reply_count = 0 end as fcr_customer_replies_zero
    , csat.score as csat_score
    , csat.is_positive as csat_is_satisfied
    , tickets.observed_until_at
    , tickets.source_system
    , tickets.source_account
    , tickets.source_id
from tickets
left join {{ ref('int_support__business_minutes') }} as business on tickets.support_ticket_key = business.ticket_key
left join {{ ref('int_journey__contact_touchpoints') }} as touchpoint
    on touchpoint.interaction_type = 'ticket' and tickets.support_ticket_key = touchpoint.record_key
left join csat on tickets.support_ticket_key = csat.ticket_key
