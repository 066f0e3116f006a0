{%- set channels = ['web', 'app', 'email', 'chat', 'messaging', 'phone', 'web_form', 'social', 'store'] -%}
{%- set survey_metrics = ['nps', 'csat', 'ces'] -%}

with orders as (
    select
        customer_id
        , count(*) as order_count
        , count(distinct ordered_date) as order_day_count
        , min(ordered_at) as first_ordered_at
        , max(ordered_at) as last_ordered_at
        , count(distinct coalesce(currency, '')) as currency_count
        , min(currency) as currency
        , sum(net_amount) as gross_revenue_amount
        , sum(net_amount - coalesce(refunded_amount, 0)) as net_revenue_amount
    from {{ ref('fct_orders') }}
    where is_completed and order_type = 'order' and customer_id is not null
    group by customer_id
)

, contacts as (
    select
        customer_id
        , count(*) as interaction_count
        , min(interaction_at) as first_interaction_at
        , max(interaction_at) as last_interaction_at
        , count(distinct channel) as channel_count
        , count(distinct case when touchpoint_id <> 'unmapped' then touchpoint_id end) as touchpoint_count
        {% for channel in channels -%}
        , count(*) filter (where channel = '{{ channel }}') as interaction_count_{{ channel }}
        {% endfor %}
    from {{ ref('fct_interactions') }}
    where customer_id is not null
    group by customer_id
)

, tickets as (
    select
        customer_id
        , count(*) as ticket_count
        , count(*) filter (where not is_resolved) as open_ticket_count
        , max(opened_at) as last_ticket_opened_at
    from {{ ref('fct_tickets') }}
    where customer_id is not null and is_measured
    group by customer_id
)

, answers as (
    select
        customer_id
        , metric
        , score
        , score_class
        , responded_at
        , row_number() over (partition by customer_id, metric order by responded_at desc, survey_response_key desc) as answer_rank
    from {{ ref('fct_survey_responses') }}
    where customer_id is not null and is_valid_score
)

, latest_answers as (
    select
        customer_id
        {% for metric in survey_metrics -%}
        , max(case when metric = '{{ metric }}' then score end) as last_{{ metric }}_score
        , max(case when metric = '{{ metric }}' then score_class end) as last_{{ metric }}_class
        , max(case when metric = '{{ metric }}' then responded_at end) as last_{{ metric }}_at
        {% endfor %}
    from answers
    where answer_rank = 1
    group by customer_id
)

, sessions as (
    select
        customer_id
        , count(*) as session_count
        , max(started_at) as last_session_at
    from {{ ref('fct_sessions') }}
    where customer_id is not null
    group by customer_id
)

-- A count of 0 is known: the customer exists and has none. Amounts and instants without a record stay null.
select
    customer.customer_id
    , customer.customer_type
    , customer.customer_segment
    , customer.account_segment
    , customer.lifecycle_stage
    , customer.acquisition_channel
    , customer.language
    , customer.country
    , customer.first_seen_at
    , customer.last_seen_at
    , customer.source_record_count
    , customer.source_account_count
    , coalesce(orders.order_count, 0) as order_count
    , coalesce(orders.order_day_count, 0) as order_day_count
    , orders.first_ordered_at
    , orders.last_ordered_at
    , case when orders.currency_count = 1 then orders.currency end as currency
    , cast(case when orders.currency_count = 1 then orders.gross_revenue_amount end as decimal(18, 4)) as gross_revenue_amount
    , cast(case when orders.currency_count = 1 then orders.net_revenue_amount end as decimal(18, 4)) as net_revenue_amount
    , coalesce(orders.order_count, 0) >= 2 as has_repeat_order
    , coalesce(orders.order_day_count, 0) >= 2 as has_repeat_order_day
    , coalesce(contacts.interaction_count, 0) as interaction_count
    , contacts.first_interaction_at
    , contacts.last_interaction_at
    , coalesce(contacts.channel_count, 0) as channel_count
    , coalesce(contacts.touchpoint_count, 0) as touchpoint_count
    {% for channel in channels -%}
    , coalesce(contacts.interaction_count_{{ channel }}, 0) as interaction_count_{{ channel }}
    {% endfor -%}
    , coalesce(tickets.ticket_count, 0) as ticket_count
    , coalesce(tickets.open_ticket_count, 0) as open_ticket_count
    , tickets.last_ticket_opened_at
    , coalesce(sessions.session_count, 0) as session_count
    , sessions.last_session_at
    {% for metric in survey_metrics -%}
    , latest_answers.last_{{ metric }}_score
    , latest_answers.last_{{ metric }}_class
    , latest_answers.last_{{ metric }}_at
    {% endfor %}
from {{ ref('dim_customers') }} as customer
left join orders on customer.customer_id = orders.customer_id
left join contacts on customer.customer_id = contacts.customer_id
left join tickets on customer.customer_id = tickets.customer_id
left join latest_answers on customer.customer_id = latest_answers.customer_id
left join sessions on customer.customer_id = sessions.customer_id
