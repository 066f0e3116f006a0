{#- The web clock dates a tracked order: the order system may record it before the page that sent it. -#}
{%- set source = attribution_setting('attribution_conversions') -%}
{%- set currency = "'" ~ var('company_currency') ~ "'" -%}
with purchases as (
    select
        s.person_id
        , e.web_event_key
        , e.source_account
        , e.transaction_id
        , e.event_at
        , e.event_date_local
        , e.value
        , e.currency
        , row_number() over (
            partition by e.source_account, coalesce(e.transaction_id, e.web_event_key) order by e.event_at, e.web_event_key
        ) as place
        , row_number() over (partition by e.transaction_id order by e.event_at, e.web_event_key) as transaction_place
    from {{ ref('int_web__events') }} as e
    join {{ ref('fct_sessions') }} as s on e.session_key = s.session_key
    where e.event_name = 'purchase'
)

{% if source == 'orders' %}
select
    cast(o.order_key as string) as conversion_key
    , cast(coalesce(p.person_id, o.customer_id) as string) as person_id
    , cast(coalesce(p.event_at, o.ordered_at) as timestamp) as converted_at
    , cast(o.ordered_date as date) as conversion_date
    , cast(case when coalesce(o.currency, {{ currency }}) = {{ currency }} then o.net_amount end as decimal(18, 4)) as revenue
    , p.web_event_key is not null as is_tracked
    , cast(o.source_account as string) as source_account
from {{ ref('fct_orders') }} as o
left join purchases as p on o.web_transaction_id = p.transaction_id and p.transaction_place = 1
where o.order_type = 'order' and o.is_completed
    and (
        o.channel in ({{ sql_texts(attribution_setting('attribution_order_channels')) }})
        or p.web_event_key is not null
    )
{% elif source == 'purchases' %}
select
    cast(p.web_event_key as string) as conversion_key
    , cast(p.person_id as string) as person_id
    , cast(p.event_at as timestamp) as converted_at
    , cast(p.event_date_local as date) as conversion_date
    , cast(case when coalesce(p.currency, {{ currency }}) = {{ currency }} then p.value end as decimal(18, 4)) as revenue
    , true as is_tracked
    , cast(p.source_account as string) as source_account
from purchases as p
where p.place = 1
{% else %}
{{ exceptions.raise_compiler_error("The var attribution_conversions is 'orders' or 'purchases', not '" ~ source ~ "'.") }}
{% endif %}
