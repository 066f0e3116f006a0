select
    {{ source_columns('agent', 'zendesk', 'users', 'users.zendesk_user_id', 'users') }}
    , users.user_name as name
    , teams.group_name as team
    , teams.group_name
    , exists (
        select 1 from {{ ref('map_bots') }} as marks
        where marks.source_system = 'zendesk' and marks.source_field = 'tags' and contains(users.tags, marks.pattern)
    ) as is_bot
    , users.is_active and not users.is_suspended as active
    , users.created_at as source_created_at
    , users.updated_at as source_updated_at
    , users.is_deleted
    , users.deleted_at
from {{ ref('stg_zendesk__users') }} as users
left join {{ ref('stg_zendesk__groups') }} as teams
    on users.source_account = teams.source_account
    and users.zendesk_group_id = teams.zendesk_group_id
where users.is_agent
