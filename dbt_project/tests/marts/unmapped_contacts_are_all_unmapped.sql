-- Touchpoints and unmapped contacts are all contacts: the list of patterns holds every unmapped one.
with listed as (
    select interaction_type, sum(contact_count) as contact_count
    from {{ ref('mart_unmapped_contacts') }}
    where interaction_type <> 'web_touch'
    group by interaction_type
)

, unmapped as (
    select interaction_type, count(*) as contact_count
    from {{ ref('fct_interactions') }}
    where touchpoint_id = 'unmapped' and interaction_type <> 'web_touch'
    group by interaction_type
)

, listed_events as (
    select coalesce(sum(record_count), 0) as event_count
    from {{ ref('mart_unmapped_contacts') }}
    where interaction_type = 'web_touch'
)

, unmapped_events as (
    select count(*) as event_count from {{ ref('int_web__events') }} where touchpoint_id = 'unmapped'
)

select coalesce(listed.interaction_type, unmapped.interaction_type) as interaction_type, listed.contact_count, unmapped.contact_count as found_count
from listed
full outer join unmapped on listed.interaction_type = unmapped.interaction_type
where coalesce(listed.contact_count, 0) <> coalesce(unmapped.contact_count, 0)

union all

select 'web_touch', listed_events.event_count, unmapped_events.event_count
from listed_events
cross join unmapped_events
where listed_events.event_count <> unmapped_events.event_count
