-- Won leads of all channels are the lead records with a paid deal.
with expected as (
    select count(distinct ordered.customer_key) as won_count
    from {{ ref('cx_order') }} as ordered
    inner join {{ ref('cx_customer') }} as customer on ordered.customer_key = customer.customer_key
    where ordered.order_type = 'deal' and ordered.status in ('paid', 'partially_refunded')
        and not ordered.is_deleted and not ordered.is_test and not customer.is_deleted and not customer.is_test
        and (customer.customer_type = 'lead' or customer.acquisition_channel is not null)
)

, found as (
    select coalesce(sum(won_count), 0) as won_count from {{ ref('mart_acquisition') }}
)

select expected.won_count, found.won_count as found_count
from expected
cross join found
where expected.won_count <> found.won_count
