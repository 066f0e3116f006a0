-- Purchases of persons, counted from the events by another way: distinct transactions.
with transactions as (
    select count(distinct source_account || '|' || person_id || '|' || coalesce(transaction_id, web_event_key)) as transaction_count
    from {{ ref('int_web__events') }}
    where event_name = 'purchase' and person_id is not null and session_key is not null
)

, closed as (
    select
        window_hours
        , count(*) filter (where is_purchased) as purchase_count
    from {{ ref('int_funnel__carts') }}
    group by window_hours
)

select c.*, t.transaction_count
from closed as c
cross join transactions as t
where c.purchase_count <> t.transaction_count
