with steps as (
    select
        funnel_step_key
        , reached_count
        , entered_count
        , lag(reached_count) over (
            partition by funnel_id, unit, order_mode, entry_date, segment_type, segment_value order by step_order
        ) as previous_reached_count
        , lag(entered_count) over (
            partition by funnel_id, unit, order_mode, entry_date, segment_type, segment_value order by step_order
        ) as previous_entered_count
    from {{ ref('mart_funnel') }}
    where order_mode <> 'any'
)

select *
from steps
where reached_count > previous_reached_count or entered_count > previous_entered_count
