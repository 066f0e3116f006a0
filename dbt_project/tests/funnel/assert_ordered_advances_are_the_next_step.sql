with steps as (
    select
        funnel_step_key
        , is_last_step
        , advanced_count
        , lead(entered_count) over (
            partition by funnel_id, unit, order_mode, entry_date, segment_type, segment_value order by step_order
        ) as next_entered_count
    from {{ ref('mart_funnel') }}
    where order_mode <> 'any'
)

select *
from steps
where not is_last_step and advanced_count <> next_entered_count
