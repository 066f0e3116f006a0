select
    {{ source_columns('support_ticket', 'zendesk', 'tickets', 'tickets.zendesk_ticket_id', 'tickets') }}
    , tickets.zendesk_ticket_id as ticket_number
    , {{ source_key('zendesk', 'users', 'tickets.zendesk_requester_id', 'tickets') }} as requester_customer_key
    , {{ source_key('zendesk', 'organizations', 'tickets.zendesk_organization_id', 'tickets') }} as account_key
    , {{ source_key('zendesk', 'users', 'tickets.zendesk_assignee_id', 'tickets') }} as assignee_agent_key
    , teams.group_name as team
    , coalesce(channels.channel, case when tickets.via_channel is not null then 'other' end) as channel
    , tickets.subject_text
    , tickets.description_text
    , tickets.ticket_type as type
    , tickets.priority
    -- A custom status outside the map is at work: neither solved nor waiting for anybody known.
    , case when tickets.is_deleted then 'deleted' else coalesce(statuses.status, 'open') end as status
    , tickets.tags
    , tickets.created_at as opened_at
    , tickets.satisfaction_score as csat_score_raw
    , {{ source_key('zendesk', 'tickets', 'tickets.merged_into_ticket_id', 'tickets') }} as merged_into_ticket_key
    , tickets.order_number as order_ref
    , tickets.created_at as source_created_at
    , tickets.generated_at as source_updated_at
    , tickets.is_deleted
    , tickets.deleted_at
from {{ ref('stg_zendesk__tickets') }} as tickets
left join {{ ref('stg_zendesk__groups') }} as teams
    on tickets.source_account = teams.source_account
    and tickets.zendesk_group_id = teams.zendesk_group_id
left join {{ ref('map_channels') }} as channels
    on channels.source_system = 'zendesk'
    and tickets.via_channel = channels.source_value
left join {{ ref('map_ticket_status') }} as statuses
    on statuses.source_system = 'zendesk'
    and tickets.status = statuses.source_value
