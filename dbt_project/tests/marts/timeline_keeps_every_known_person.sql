-- A record with a person in its source has a person on the timeline.
with known as (
    select 'order' as interaction_type, order_key as record_key, customer_key
    from {{ ref('cx_order') }} where not is_deleted and not is_test
    union all
    select 'ticket', support_ticket_key, requester_customer_key
    from {{ ref('cx_support_ticket') }} where not is_deleted and not is_test
    union all
    select 'call', call_key, customer_key from {{ ref('cx_call') }} where not is_deleted and not is_test
    union all
    select 'survey_response', survey_response_key, customer_key
    from {{ ref('cx_survey_response') }} where not is_deleted and not is_test and coalesce(submitted_at, started_at) is not null
    union all
    select 'store_visit', store_visit_key, customer_key
    from {{ ref('cx_store_visit') }} where not is_deleted and not is_test
)

select known.interaction_type, known.record_key
from known
inner join {{ ref('cx_customer') }} as customer on known.customer_key = customer.customer_key
left join {{ ref('fct_interactions') }} as interaction
    on {{ row_key(['known.interaction_type', 'known.record_key']) }} = interaction.interaction_key
where interaction.customer_id is null
