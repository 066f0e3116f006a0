-- Orders, lines and payments of the facts are those of the conformed tables, per connection.
with conformed as (
    select source_account, 'orders' as measure, cast(count(*) as decimal(28, 4)) as amount
    from {{ ref('cx_order') }} where not is_deleted and not is_test
    group by source_account
    union all
    select ordered.source_account, 'order lines', cast(count(*) as decimal(28, 4))
    from {{ ref('cx_order_line') }} as line
    inner join {{ ref('cx_order') }} as ordered on line.order_key = ordered.order_key
    where not line.is_deleted and not line.is_test and not ordered.is_deleted and not ordered.is_test
    group by ordered.source_account
    union all
    select ordered.source_account, 'line amount', cast(sum(line.net_amount) as decimal(28, 4))
    from {{ ref('cx_order_line') }} as line
    inner join {{ ref('cx_order') }} as ordered on line.order_key = ordered.order_key
    where line.net_amount is not null and not line.is_deleted and not line.is_test
        and not ordered.is_deleted and not ordered.is_test
    group by ordered.source_account
    union all
    select adjustment.source_account, 'payments', cast(sum(adjustment.amount) as decimal(28, 4))
    from {{ ref('cx_order_adjustment') }} as adjustment
    inner join {{ ref('cx_order') }} as ordered on adjustment.order_key = ordered.order_key
    where adjustment.type = 'payment' and not adjustment.is_deleted and not adjustment.is_test
        and not ordered.is_deleted and not ordered.is_test
    group by adjustment.source_account
)

, facts as (
    select source_account, 'orders' as measure, cast(count(*) as decimal(28, 4)) as amount
    from {{ ref('fct_orders') }}
    group by source_account
    union all
    select ordered.source_account, 'order lines', cast(sum(ordered.line_count) as decimal(28, 4))
    from {{ ref('fct_orders') }} as ordered
    where ordered.line_count is not null
    group by ordered.source_account
    union all
    select ordered.source_account, 'line amount', cast(sum(fact.net_amount) as decimal(28, 4))
    from {{ ref('fct_order_lines') }} as fact
    inner join {{ ref('cx_order_line') }} as line on fact.order_line_key = line.order_line_key
    inner join {{ ref('fct_orders') }} as ordered on fact.order_key = ordered.order_key
    where line.net_amount is not null
    group by ordered.source_account
    union all
    select source_account, 'payments', cast(sum(payment_amount) as decimal(28, 4))
    from {{ ref('fct_orders') }}
    where payment_amount is not null
    group by source_account
)

select
    coalesce(conformed.source_account, facts.source_account) as source_account
    , coalesce(conformed.measure, facts.measure) as measure
    , conformed.amount
    , facts.amount as fact_amount
from conformed
full outer join facts on conformed.source_account = facts.source_account and conformed.measure = facts.measure
where coalesce(conformed.amount, 0) <> coalesce(facts.amount, 0)
