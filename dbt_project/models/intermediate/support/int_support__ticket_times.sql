with messages as (
    select
        message.ticket_key
        , message.message_key
        , message.sent_at
        , message.author_type = 'customer' as is_customer
        , message.author_type = 'agent' and not coalesce(agent.is_bot, false) and message.is_public
            and message.direction = 'outbound' as is_agent_reply
        , message.author_type = 'agent' and not coalesce(agent.is_bot, false) as is_agent
        , message.author_type = 'bot' or coalesce(agent.is_bot, false) as is_bot
        , row_number() over (
            partition by message.ticket_key
            -- Ids are counted upwards; behind a bar where they are counted per ticket.
            order by
                message.sent_at
                , coalesce(
                    try_cast(split_part(message.source_id, '|', 2) as decimal(38, 0))
                    , try_cast(split_part(message.source_id, '|', 1) as decimal(38, 0))
                ) asc nulls last
                , message.message_key
        ) as message_number
    from {{ ref('cx_message') }} as message
    left join {{ ref('cx_agent') }} as agent on message.author_agent_key = agent.agent_key
    where message.ticket_key is not null and not message.is_deleted
)

, replies as (
    select
        ticket_key
        -- A ticket that an agent opened begins with that agent's own text: the next public comment is the answer.
        , min(case when is_agent_reply and message_number > 1 then sent_at end) as first_reply_at
        , count(*) filter (where is_agent_reply and message_number > 1) as agent_reply_count
        , count(*) filter (where is_customer) as customer_message_count
        , count(*) filter (where is_customer and message_number > 1) as customer_reply_count
        , count(*) filter (where is_bot) as bot_message_count
        , count(*) filter (where is_agent) as agent_message_count
        , bool_or(is_agent_reply and message_number = 1) as is_opened_by_agent
    from messages
    group by ticket_key
)

-- A source that sends no messages at all says nothing about replies; one that sends some says "none" for the others.
, sources_with_messages as (
    select distinct source_account from {{ ref('cx_message') }} where ticket_key is not null
)

, statuses as (
    select
        ticket_key
        , min(started_at) as first_status_at
        , min(case when status = 'solved' then started_at end) as first_solved_at
        , max(case when status = 'solved' then started_at end) as last_solved_at
        , min(case when status = 'closed' then started_at end) as first_closed_at
        , max(case when status = 'closed' then started_at end) as last_closed_at
        , count(*) filter (where is_reopening) as reopen_count
        , sum(case when status in ('new', 'open', 'hold') then calendar_seconds else 0 end) as requester_wait_seconds
        , sum(case when status = 'pending' then calendar_seconds else 0 end) as agent_wait_seconds
        , sum(case when status = 'hold' then calendar_seconds else 0 end) as on_hold_seconds
        , sum(case when status = 'new' then calendar_seconds else 0 end) as new_status_seconds
        , sum(case when status = 'open' then calendar_seconds else 0 end) as open_status_seconds
    from {{ ref('int_support__status_spans') }}
    group by ticket_key
)

, assignments as (
    select
        ticket_key
        , min(occurred_at) as first_assigned_at
        , max(occurred_at) as last_assigned_at
        , count(*) as assignment_count
    from {{ ref('cx_ticket_event') }}
    where field in ('assignee_id', 'assignee') and new_value is not null and not is_deleted
    group by ticket_key
)

, joined as (
    select
        ticket.support_ticket_key as ticket_key
        , ticket.source_account
        , ticket.opened_at
        , ticket.status
        , ticket.status in ('solved', 'closed') as is_resolved
        , case
            when replies.ticket_key is not null then replies.first_reply_at
            else ticket.first_response_at
        end as first_response_at
        , case
            when replies.ticket_key is not null then replies.agent_reply_count
            when ticket.reply_count is not null then ticket.reply_count
            when sources_with_messages.source_account is not null then 0
        end as agent_reply_count
        , case
            when replies.ticket_key is not null then replies.customer_reply_count
            when sources_with_messages.source_account is not null then 0
        end as customer_reply_count
        , replies.customer_message_count
        , replies.bot_message_count
        , coalesce(replies.is_opened_by_agent, false) as is_opened_by_agent
        , coalesce(
            replies.bot_message_count > 0 and replies.agent_message_count = 0, false
        ) as is_bot_only
        , statuses.first_status_at
        -- Solved straight to closed counts as solved; without a history the desk's own instants stand in.
        , case
            when statuses.ticket_key is not null then coalesce(statuses.first_solved_at, statuses.first_closed_at)
            else coalesce(ticket.solved_at, ticket.closed_at)
        end as first_solved_at
        , case
            when statuses.ticket_key is not null then coalesce(statuses.last_solved_at, statuses.last_closed_at)
            else coalesce(ticket.solved_at, ticket.closed_at)
        end as last_solved_at
        , case when statuses.ticket_key is not null then statuses.reopen_count else ticket.reopen_count end as reopen_count
        , cast(statuses.requester_wait_seconds as decimal(18, 6)) as requester_wait_seconds
        , cast(statuses.agent_wait_seconds as decimal(18, 6)) as agent_wait_seconds
        , cast(statuses.on_hold_seconds as decimal(18, 6)) as on_hold_seconds
        , cast(statuses.new_status_seconds as decimal(18, 6)) as new_status_seconds
        , cast(statuses.open_status_seconds as decimal(18, 6)) as open_status_seconds
        , assignments.first_assigned_at
        , assignments.last_assigned_at
        , assignments.assignment_count
    from {{ ref('cx_support_ticket') }} as ticket
    left join replies on ticket.support_ticket_key = replies.ticket_key
    left join statuses on ticket.support_ticket_key = statuses.ticket_key
    left join assignments on ticket.support_ticket_key = assignments.ticket_key
    left join sources_with_messages on ticket.source_account = sources_with_messages.source_account
    where not ticket.is_deleted and not ticket.is_test
)

, reopenings as (
    select
        spans.ticket_key
        , min(spans.started_at) as first_reopened_at
    from {{ ref('int_support__status_spans') }} as spans
    where spans.is_reopening
    group by spans.ticket_key
)

select
    joined.*
    , reopenings.first_reopened_at
    , horizon.observed_until_at
from joined
left join reopenings on joined.ticket_key = reopenings.ticket_key
left join {{ ref('int_support__horizon') }} as horizon on joined.source_account = horizon.source_account
