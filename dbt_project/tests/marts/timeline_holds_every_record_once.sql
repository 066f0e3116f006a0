-- Every record of a contact is on the timeline once; nothing else is on it.
with expected as (
    select 'order' as interaction_type, count(*) as record_count from {{ ref('cx_order') }} where not is_deleted and not is_test
    union all
    select 'ticket', count(*) from {{ ref('cx_support_ticket') }} where not is_deleted and not is_test
    union all
    select 'message', count(*) from {{ ref('cx_message') }} where not is_deleted and not is_test
    union all
    select 'call', count(*) from {{ ref('cx_call') }} where not is_deleted and not is_test
    union all
    select 'survey_response', count(*) from {{ ref('cx_survey_response') }}
    where not is_deleted and not is_test and coalesce(submitted_at, started_at) is not null
    union all
    select 'store_visit', count(*) from {{ ref('cx_store_visit') }} where not is_deleted and not is_test
    union all
    select 'web_touch', count(*) from {{ ref('int_web__touches') }}
)

, found as (
    select interaction_type, count(*) as record_count, count(distinct interaction_key) as key_count
    from {{ ref('fct_interactions') }}
    group by interaction_type
)

select expected.interaction_type, expected.record_count, found.record_count as found_count
from expected
full outer join found on expected.interaction_type = found.interaction_type
where coalesce(expected.record_count, 0) <> coalesce(found.record_count, 0)
    or found.record_count <> found.key_count
