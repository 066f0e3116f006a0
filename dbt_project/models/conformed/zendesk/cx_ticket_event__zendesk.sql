-- The id is padded, so that ids of one moment sort as text in the order in which Zendesk gave them.
select
    {{ source_columns(
        'ticket_event', 'zendesk', 'ticket_events'
        , "lpad(events.zendesk_child_event_id, 20, '0') || '|' || events.zendesk_ticket_id || '|' || events.field", 'events'
    ) }}
    , {{ source_key('zendesk', 'tickets', 'events.zendesk_ticket_id', 'events') }} as ticket_key
    , events.occurred_at
    , events.field
    , case when events.field = 'status' then coalesce(old_statuses.status, events.old_value) else events.old_value end as old_value
    , case when events.field = 'status' then coalesce(new_statuses.status, events.new_value) else events.new_value end as new_value
    , case when users.is_agent then {{ source_key('zendesk', 'users', 'events.zendesk_updater_id', 'events') }} end as actor_agent_key
    , events.occurred_at as source_created_at
    , events.occurred_at as source_updated_at
from {{ ref('stg_zendesk__ticket_events') }} as events
left join {{ ref('stg_zendesk__users') }} as users
    on events.source_account = users.source_account
    and events.zendesk_updater_id = users.zendesk_user_id
left join {{ ref('map_ticket_status') }} as old_statuses
    on old_statuses.source_system = 'zendesk'
    and lower(events.old_value) = old_statuses.source_value
left join {{ ref('map_ticket_status') }} as new_statuses
    on new_statuses.source_system = 'zendesk'
    and lower(events.new_value) = new_statuses.source_value
