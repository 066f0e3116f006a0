-- Segments cover every number of orders once, and the weights of the scorecard add up to 1.
with counts as (
    select 0 as order_count
    union all select 1
    union all select 2
    union all select 3
    union all select 4
    union all select 5
    union all select 9
    union all select 10
    union all select 99
    union all select 1000000
)

select 'order count ' || cast(counts.order_count as string) as finding, count(segment.customer_segment) as segment_count
from counts
left join {{ ref('customer_segments') }} as segment
    on counts.order_count >= segment.order_count_from
    and (segment.order_count_to is null or counts.order_count <= segment.order_count_to)
group by counts.order_count
having count(segment.customer_segment) <> 1

union all

select 'sum of weights', cast(sum(weight) * 10000 as bigint)
from {{ ref('scorecard_criteria') }}
having sum(weight) <> 1
