-- Who wrote it: by the author's role; an author who is not among the users is the customer when he asked, else the system.
with authored as (
    select
        comments.*
        , tickets.via_channel
        , case
            when users.is_agent then 'agent'
            when users.zendesk_user_id is not null then 'customer'
            when comments.zendesk_author_id = tickets.zendesk_requester_id then 'customer'
            else 'system'
        end as author_type
    from {{ ref('stg_zendesk__ticket_comments') }} as comments
    left join {{ ref('stg_zendesk__tickets') }} as tickets
        on comments.source_account = tickets.source_account
        and comments.zendesk_ticket_id = tickets.zendesk_ticket_id
    left join {{ ref('stg_zendesk__users') }} as users
        on comments.source_account = users.source_account
        and comments.zendesk_author_id = users.zendesk_user_id
)

select
    {{ source_columns('message', 'zendesk', 'ticket_comments', "authored.zendesk_ticket_id || '|' || authored.zendesk_comment_id", 'authored') }}
    , {{ source_key('zendesk', 'tickets', 'authored.zendesk_ticket_id', 'authored') }} as ticket_key
    , authored.zendesk_ticket_id as conversation_id
    , authored.created_at as sent_at
    , case
        when not authored.is_public then 'internal'
        when authored.author_type = 'customer' then 'inbound'
        else 'outbound'
    end as direction
    , authored.author_type
    , case when authored.author_type = 'customer' then {{ source_key('zendesk', 'users', 'authored.zendesk_author_id', 'authored') }} end as author_customer_key
    , case when authored.author_type = 'agent' then {{ source_key('zendesk', 'users', 'authored.zendesk_author_id', 'authored') }} end as author_agent_key
    -- An agent writes in his own window whatever the channel is: his messages go out by the ticket's channel.
    , case
        when authored.author_type = 'customer' then coalesce(own_channels.channel, ticket_channels.channel, 'other')
        else coalesce(ticket_channels.channel, 'other')
    end as channel
    , authored.body_text
    , authored.is_public
    , authored.attachment_count
    , authored.created_at as source_created_at
    , authored.created_at as source_updated_at
from authored
left join {{ ref('map_channels') }} as own_channels
    on own_channels.source_system = 'zendesk'
    and authored.via = own_channels.source_value
left join {{ ref('map_channels') }} as ticket_channels
    on ticket_channels.source_system = 'zendesk'
    and authored.via_channel = ticket_channels.source_value
