{{ config(enabled=('zendesk' in var('connectors')), severity='warn', meta={'owner': 'support'}) }}
-- Words of Zendesk that no seed knows: add a line to the seed named beside them.
select
    'map_channels' as seed_name
    , tickets.via_channel as source_value
    , count(*) as row_count
from {{ ref('stg_zendesk__tickets') }} as tickets
left join {{ ref('map_channels') }} as channels
    on channels.source_system = 'zendesk'
    and tickets.via_channel = channels.source_value
where tickets.via_channel is not null and channels.channel is null
group by 1, 2

union all

select
    'map_ticket_status' as seed_name
    , tickets.status as source_value
    , count(*) as row_count
from {{ ref('stg_zendesk__tickets') }} as tickets
left join {{ ref('map_ticket_status') }} as statuses
    on statuses.source_system = 'zendesk'
    and tickets.status = statuses.source_value
where tickets.status is not null and statuses.status is null
group by 1, 2
