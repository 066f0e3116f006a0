-- An order as other systems name it: by number, by id or by the transaction id of the web tracking. A name that fits
-- several orders (numbers of two shops) fits none: a guess would put a contact on a stranger's order.
with names as (
    select order_key, order_number as order_ref
    from {{ ref('cx_order') }}
    where order_type = 'order' and not is_deleted and not is_test

    union all

    select order_key, source_id
    from {{ ref('cx_order') }}
    where order_type = 'order' and not is_deleted and not is_test

    union all

    select order_key, web_transaction_id
    from {{ ref('cx_order') }}
    where order_type = 'order' and not is_deleted and not is_test
)

select
    order_ref
    , min(order_key) as order_key
from names
where order_ref is not null
group by order_ref
having count(distinct order_key) = 1
