with carts as (
    select
        cart_key
        , min(window_hours) as window_hours
        , min(source_account) as source_account
        , min(person_id) as person_id
        , {{ first_by('session_key', struct_of({'at_order': 'event_at', 'key_order': 'web_event_key'})) }} as session_key
        , min(event_at) as started_at
        , min(event_date) as start_date
        , min(case when event_kind = 'checkout' then event_date end) as checkout_date
        , max(case when event_kind <> 'purchase' then event_at end) as last_touched_at
        , max(case when event_kind = 'purchase' then event_at end) as purchased_at
        , count(*) filter (where event_kind = 'add') as add_count
        , count(*) filter (where event_kind = 'checkout') as checkout_count
        , count(value) filter (where event_kind = 'add') as valued_add_count
        , sum(case event_kind when 'add' then value when 'remove' then -value end) as filled_value
        , {{ last_by('value', struct_of({'at_order': 'event_at', 'key_order': 'web_event_key'})) }} filter (where event_kind = 'checkout') as checkout_value
    from {{ ref('int_funnel__cart_events') }}
    group by cart_key
)

select
    cast(c.cart_key as string) as cart_key
    , cast(c.window_hours as bigint) as window_hours
    , cast(c.source_account as string) as source_account
    , cast(c.person_id as string) as person_id
    , cast(c.session_key as string) as session_key
    , cast(c.started_at as timestamp) as started_at
    , cast(c.start_date as date) as start_date
    , cast(c.checkout_date as date) as checkout_date
    , cast(c.last_touched_at as timestamp) as last_touched_at
    , cast(c.purchased_at as timestamp) as purchased_at
    , cast(c.add_count as bigint) as add_count
    , cast(c.checkout_count as bigint) as checkout_count
    , c.purchased_at is not null as is_purchased
    , coalesce(c.last_touched_at, c.purchased_at) + c.window_hours * interval '1' hour <= h.last_event_at as is_mature
    -- A value of a part of what was added is no value of the cart; the checkout states the whole.
    , cast(case
        when c.add_count > 0 and c.valued_add_count = c.add_count
            then case when c.filled_value > 0 then c.filled_value else 0 end
        else c.checkout_value
    end as decimal(18, 4)) as cart_value
from carts as c
join {{ ref('int_web__horizon') }} as h on c.source_account = h.source_account
