{#- What each kind of record says of itself; what it does not say is null, or comes from its ticket, order or survey. -#}
{%- set columns = {
    'customer_key': 'string', 'channel': 'string', 'duration_seconds': 'double', 'handling_seconds': 'double',
    'value_amount': 'decimal(18, 4)', 'currency': 'string', 'order_key': 'string', 'order_ref': 'string',
    'ticket_key': 'string', 'ticket_ref': 'string', 'survey_key': 'string', 'touchpoint_key': 'string',
    'score_metric': 'string', 'store_id': 'string', 'visit_type': 'string', 'queue': 'string',
} -%}
{%- set talk = 'case when talk_s is not null or hold_s is not null then coalesce(talk_s, 0) + coalesce(hold_s, 0) end' -%}
{%- set kinds = {
    'order': {
        'table': 'cx_order', 'key': 'order_key', 'interaction_at': 'ordered_at',
        'customer_key': 'customer_key', 'channel': 'channel', 'order_key': 'order_key', 'store_id': 'store_id',
    },
    'ticket': {
        'table': 'cx_support_ticket', 'key': 'support_ticket_key', 'interaction_at': 'opened_at',
        'customer_key': 'requester_customer_key', 'channel': 'channel', 'ticket_key': 'support_ticket_key',
    },
    'message': {
        'table': 'cx_message', 'key': 'message_key', 'interaction_at': 'sent_at', 'direction': 'direction',
        'is_automated': "coalesce(author_type in ('bot', 'system'), false)",
        'customer_key': 'author_customer_key', 'channel': 'channel', 'ticket_key': 'ticket_key',
    },
    'call': {
        'table': 'cx_call', 'key': 'call_key', 'interaction_at': 'started_at', 'direction': 'direction',
        'customer_key': 'customer_key', 'channel': "'phone'", 'ticket_key': 'ticket_key', 'queue': 'queue',
        'duration_seconds': talk, 'handling_seconds': talk ~ ' + coalesce(wrap_s, 0)',
    },
    'survey_response': {
        'table': 'cx_survey_response', 'key': 'survey_response_key', 'interaction_at': 'coalesce(submitted_at, started_at)',
        'customer_key': 'customer_key', 'channel': 'channel', 'survey_key': 'survey_key', 'score_metric': 'score_metric',
        'duration_seconds': seconds_between('started_at', 'submitted_at'), 'touchpoint_key': 'touchpoint_key',
        'order_key': 'order_key', 'order_ref': 'order_ref', 'ticket_key': 'ticket_key', 'ticket_ref': 'ticket_ref',
    },
    'store_visit': {
        'table': 'cx_store_visit', 'key': 'store_visit_key', 'interaction_at': 'occurred_at',
        'customer_key': 'customer_key', 'channel': "'store'", 'order_key': 'order_key', 'order_ref': 'order_ref',
        'duration_seconds': 'dwell_s', 'handling_seconds': 'dwell_s', 'value_amount': 'basket_amount', 'currency': 'currency',
        'store_id': 'store_id', 'visit_type': 'visit_type',
    },
} -%}
-- Every record of a contact in one shape, before it gets a touchpoint. Web touches join later: they have theirs already.
with records as (
    {%- for kind, said in kinds.items() %}
    {%- if not loop.first %}

    union all
    {% endif %}
    select
        '{{ kind }}' as interaction_type
        , {{ said.key }} as record_key
        , {{ said.interaction_at }} as interaction_at
        , {{ said.get('direction', "'inbound'") }} as direction
        , {{ said.get('is_automated', 'false') }} as is_automated
        {%- for column, type in columns.items() %}
        , cast({{ said.get(column, 'null') }} as {{ type }}) as {{ column }}
        {%- endfor %}
        , source_system
        , source_account
        , source_id
    from {{ ref(said.table) }}
    where not is_deleted and not is_test
    {%- endfor %}
)

, customer_map as (
    select customer_key, customer_id from {{ ref('int_identity__customer_map') }}
)

, tickets as (
    select
        ticket.support_ticket_key as ticket_key
        , ticket.channel
        , ticket.category
        , ticket.team
        , ticket.tags
        , coalesce(ticket.order_key, order_ref.order_key) as order_key
        , customer_map.customer_id
    from {{ ref('cx_support_ticket') }} as ticket
    left join customer_map on ticket.requester_customer_key = customer_map.customer_key
    left join {{ ref('int_journey__order_refs') }} as order_ref on ticket.order_ref = order_ref.order_ref
)

, orders as (
    select
        ordered.order_key
        , ordered.order_type
        , customer_map.customer_id
    from {{ ref('cx_order') }} as ordered
    left join customer_map on ordered.customer_key = customer_map.customer_key
    where not ordered.is_deleted and not ordered.is_test
)

, linked as (
    select
        records.*
        , coalesce(records.order_key, order_ref.order_key) as about_order_key
        , coalesce(records.ticket_key, ticket_ref.ticket_key) as about_ticket_key
    from records
    left join {{ ref('int_journey__order_refs') }} as order_ref on records.order_ref = order_ref.order_ref
    left join {{ ref('int_journey__ticket_refs') }} as ticket_ref on records.ticket_ref = ticket_ref.ticket_ref
    -- An answer that was neither begun nor sent has no place in time.
    where records.interaction_at is not null or records.interaction_type <> 'survey_response'
)

select
    {{ row_key(['record.interaction_type', 'record.record_key']) }} as interaction_key
    , record.interaction_type
    , record.record_key
    , record.interaction_at
    , coalesce(customer_map.customer_id, tickets.customer_id, orders.customer_id) as customer_id
    , coalesce(record.channel, survey.channel, tickets.channel, 'unknown') as channel
    , record.direction
    , record.is_automated
    , record.duration_seconds
    , record.handling_seconds
    -- The value of an order stands in fct_orders; so does the basket of a visit with an order.
    , case when record.about_order_key is null then record.value_amount end as value_amount
    , case when record.about_order_key is null then record.currency end as currency
    , coalesce(record.about_order_key, tickets.order_key) as order_key
    , record.about_ticket_key as ticket_key
    , coalesce(record.touchpoint_key, survey.touchpoint_key) as stated_touchpoint_id
    , tickets.category
    , tickets.team
    , tickets.tags
    , survey.name as survey_name
    , coalesce(record.score_metric, survey.metric_type) as survey_metric
    , coalesce(tickets.channel, case when record.interaction_type = 'message' then record.channel end) as ticket_channel
    -- Of an answer only the order it names itself: one about a ticket judges the ticket.
    , case
        when record.about_order_key is not null then 'true'
        when record.interaction_type <> 'survey_response' and tickets.order_key is not null then 'true'
        else 'false'
    end as has_order
    , orders.order_type
    , record.store_id
    , record.visit_type
    , record.queue
    , record.source_system
    , record.source_account
    , record.source_id
from linked as record
left join customer_map on record.customer_key = customer_map.customer_key
left join tickets on record.about_ticket_key = tickets.ticket_key
left join orders on record.about_order_key = orders.order_key
left join {{ ref('cx_survey') }} as survey on record.survey_key = survey.survey_key
