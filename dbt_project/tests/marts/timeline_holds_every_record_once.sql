-- Every conformed record of a contact is exactly one contact of the timeline, with its person if its source knows one, and
-- nothing else is on it. Keys of the timeline are unique by a test of their own, so that equal numbers of web touches
-- are the same web touches: comparing millions of them by key would cost more than building them.
with records as (
    {%- for kind, key, customer, table in [
        ('order', 'order_key', 'customer_key', 'cx_order'),
        ('ticket', 'support_ticket_key', 'requester_customer_key', 'cx_support_ticket'),
        ('message', 'message_key', 'author_customer_key', 'cx_message'),
        ('call', 'call_key', 'customer_key', 'cx_call'),
        ('survey_response', 'survey_response_key', 'customer_key', 'cx_survey_response'),
        ('store_visit', 'store_visit_key', 'customer_key', 'cx_store_visit'),
    ] %}
    {%- if not loop.first %}
    union all
    {%- endif %}
    select '{{ kind }}' as interaction_type, {{ key }} as record_key, {{ customer }} as customer_key
    from {{ ref(table) }}
    where not is_deleted and not is_test
    {%- if kind == 'survey_response' %} and coalesce(submitted_at, started_at) is not null{% endif %}
    {%- endfor %}
)

, expected as (
    select
        {{ row_key(['records.interaction_type', 'records.record_key']) }} as interaction_key
        , customer.customer_key is not null as has_person
    from records
    left join {{ ref('cx_customer') }} as customer on records.customer_key = customer.customer_key
)

, found as (
    select interaction_key, customer_id from {{ ref('fct_interactions') }} where interaction_type <> 'web_touch'
)

, web as (
    select
        (select count(*) from {{ ref('int_web__events') }} where session_key is not null) as event_count
        , (select sum(event_count) from {{ ref('int_web__touches') }}) as touched_event_count
        , (select count(*) from {{ ref('int_web__touches') }}) as touch_count
        , (select count(*) from {{ ref('fct_interactions') }} where interaction_type = 'web_touch') as found_count
        , (select count(*) from {{ ref('int_web__touches') }} where customer_id is not null) as known_touch_count
        , (
            select count(*) from {{ ref('fct_interactions') }} where interaction_type = 'web_touch' and customer_id is not null
        ) as known_found_count
)

select
    coalesce(expected.interaction_key, found.interaction_key) as interaction_key
    , case
        when expected.interaction_key is null then 'no such record'
        when found.interaction_key is null then 'not on the timeline'
        else 'its person is missing'
    end as problem
from expected
full outer join found on expected.interaction_key = found.interaction_key
where expected.interaction_key is null or found.interaction_key is null
    or (expected.has_person and found.customer_id is null)

union all

select cast(null as string), 'web touches are not the sessions at touchpoints'
from web
where event_count <> coalesce(touched_event_count, 0) or touch_count <> found_count or known_touch_count <> known_found_count
