{{ config(materialized='incremental', pre_hook="{{ forget_reached('person', 'person_id') }}") }}
{%- set currency = "'" ~ var('company_currency') ~ "'" -%}
-- Few events in a hundred are of a cart; they are cut out before anything is sorted.
with cart_events as (
    select
        web_event_key
        , source_account
        , person_id
        , session_key
        , event_at
        , event_date_local
        , case
            when event_name = 'purchase' then 'purchase'
            when event_name = 'begin_checkout' then 'checkout'
            when event_name = 'add_to_cart' then 'add'
            when raw_event_name = 'remove_from_cart' then 'remove'
            else 'touch'
        end as event_kind
        -- At one instant a purchase closes the cart that the other events fill.
        , case event_name when 'add_to_cart' then 1 when 'begin_checkout' then 3 when 'purchase' then 4 else 2 end as kind_order
        , case when coalesce(currency, {{ currency }}) = {{ currency }} then value end as value
        , transaction_id
    from {{ ref('int_web__events') }}
    where person_id is not null and session_key is not null and {{ is_reached('person', 'person_id') }}
        and (
            event_name in ('add_to_cart', 'begin_checkout', 'purchase')
            or raw_event_name in ({{ sql_texts(funnel_setting('cart_touch_events')) }})
        )
)

-- A purchase counts once: pages that are loaded again send it again.
, counted as (
    select *
    from (
        select
            cart_events.*
            , row_number() over (
                partition by source_account, person_id, event_kind = 'purchase', coalesce(transaction_id, web_event_key)
                order by event_at, web_event_key
            ) as place
        from cart_events
    ) as ranked
    where event_kind <> 'purchase' or place = 1
)

, followed as (
    select
        counted.*
        , lag(event_at) over (
            partition by source_account, person_id order by event_at, kind_order, web_event_key
        ) as previous_at
        , lag(event_kind) over (
            partition by source_account, person_id order by event_at, kind_order, web_event_key
        ) as previous_kind
    from counted
)

, numbered as (
    select
        f.*
        , w.window_hours
        , sum(case
            when f.previous_at is null or f.previous_kind = 'purchase'
                or f.event_at >= f.previous_at + w.window_hours * interval '1' hour then 1
            else 0
        end) over (
            partition by w.window_hours, f.source_account, f.person_id
            order by f.event_at, f.kind_order, f.web_event_key
            rows between unbounded preceding and current row
        ) as cart_number
    from followed as f
    cross join (
        {%- for hours in funnel_setting('cart_windows_hours') %}
        {% if not loop.first %}union all {% endif %}select cast({{ hours }} as bigint) as window_hours
        {%- endfor %}
    ) as w
)

select
    cast({{ row_key(['window_hours', 'source_account', 'person_id', 'first_event_key']) }} as string) as cart_key
    , cast(window_hours as bigint) as window_hours
    , cast(web_event_key as string) as web_event_key
    , cast(source_account as string) as source_account
    , cast(person_id as string) as person_id
    , cast(session_key as string) as session_key
    , cast(event_kind as string) as event_kind
    , cast(event_at as timestamp) as event_at
    , cast(event_date_local as date) as event_date
    , cast(value as decimal(18, 4)) as value
from (
    select
        numbered.*
        , first_value(web_event_key) over (
            partition by window_hours, source_account, person_id, cart_number
            order by event_at, kind_order, web_event_key
            rows between unbounded preceding and unbounded following
        ) as first_event_key
    from numbered
) as carts
