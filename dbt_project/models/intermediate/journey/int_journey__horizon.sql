-- "Now" of journeys: the latest contact seen by any source. Records dated after their extraction have a wrong clock.
select cast(max(seen_at) as timestamp) as observed_until_at
from (
    {%- for table, instant in [
        ('cx_order', 'ordered_at'), ('cx_support_ticket', 'opened_at'), ('cx_message', 'sent_at'), ('cx_call', 'started_at'),
        ('cx_survey_response', 'submitted_at'), ('cx_store_visit', 'occurred_at'),
    ] %}
    select max({{ instant }}) as seen_at
    from {{ ref(table) }}
    where not is_deleted and not is_test and {{ instant }} <= extracted_at
    union all
    {%- endfor %}
    select max(last_event_at) from {{ ref('int_web__horizon') }}
) as seen
