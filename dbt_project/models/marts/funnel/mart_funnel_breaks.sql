-- The newest full week of the leak marts knows what a lost entry of this step and segment is worth.
with worth as (
    select *
    from (
        select
            funnel_id
            , unit
            , segment_type
            , segment_value
            , step_order
            , purchase_rate_after_step
            , average_order_value
            , effort
            , owner_id
            , experiment_id
            , row_number() over (
                partition by funnel_id, unit, segment_type, segment_value, step_order order by week_start desc
            ) as place
        from {{ ref('mart_funnel_leaks') }}
    ) as ranked
    where place = 1
)

-- The release nearest to the day, from two days before it to one after: people meet a release within days.
, releases as (
    select *
    from (
        select
            b.funnel_break_key
            , r.release_key
            , r.release_name
            , row_number() over (
                partition by b.funnel_break_key
                order by abs({{ days_between('r.released_date', 'b.break_date') }}), r.released_at, r.release_key
            ) as place
        from {{ ref('int_funnel__breaks') }} as b
        join {{ ref('dim_releases') }} as r
            on {{ days_between('r.released_date', 'b.break_date') }} between -1 and 2
        where b.is_break and b.is_clearest_segment
    ) as ranked
    where place = 1
)

, breaks as (
    select
        b.*
        , s.funnel_name
        , s.step_name
        , {{ share('b.advanced_before_count', 'b.entered_before_count') }} as rate_before
        , {{ share('b.advanced_after_count', 'b.entered_after_count') }} as rate_after
        , cast(b.entered_before_count as double) as n_before
        , cast(b.entered_after_count as double) as n_after
    from {{ ref('int_funnel__breaks') }} as b
    join {{ ref('int_funnel__steps') }} as s
        on b.funnel_id = s.funnel_id and b.unit = s.unit and b.step_order = s.step_order
    where b.is_break and b.is_clearest_segment
)

-- Entries lost in 30 days at the pace since the break; the spread between days widens the interval.
, losses as (
    select
        breaks.*
        , 30e0 * n_after / last_days as entered_30d
        , {{ z_95() }} * sqrt(dispersion * (
            rate_before * (1 - rate_before) / n_before + rate_after * (1 - rate_after) / n_after
        )) as rate_error
    from (
        select breaks.*, greatest(1e0, cast(days_since_break as double)) as last_days from breaks
    ) as breaks
)

, figures as (
    select
        l.*
        , w.effort
        , w.owner_id
        , w.experiment_id
        , r.release_key
        , r.release_name
        , l.entered_30d * (l.rate_before - l.rate_after) as lost_30d
        , greatest(0e0, l.entered_30d * (l.rate_before - l.rate_after - l.rate_error)) as lost_30d_low
        , l.entered_30d * (l.rate_before - l.rate_after + l.rate_error) as lost_30d_high
        , w.purchase_rate_after_step * cast(w.average_order_value as double) * {{ funnel_setting('leak_margin') }}e0 as value_per_loss
    from losses as l
    left join worth as w
        on l.funnel_id = w.funnel_id and l.unit = w.unit and l.segment_type = w.segment_type
        and l.segment_value = w.segment_value and l.step_order = w.step_order
    left join releases as r on l.funnel_break_key = r.funnel_break_key
)

select
    cast(funnel_break_key as string) as funnel_break_key
    , cast(funnel_id as string) as funnel_id
    , cast(funnel_name as string) as funnel_name
    , cast(unit as string) as unit
    , cast(step_order as bigint) as step_order
    , cast(step_name as string) as step_name
    , cast(segment_type as string) as segment_type
    , cast(segment_value as string) as segment_value
    , cast(break_date as date) as break_date
    , cast(earliest_break_date as date) as earliest_break_date
    , cast(latest_break_date as date) as latest_break_date
    , cast(entered_before_count as bigint) as entered_before_count
    , rate_before as conversion_rate_before
    , cast(entered_after_count as bigint) as entered_after_count
    , rate_after as conversion_rate_after
    , break_z
    , needed_z
    , lost_30d as lost_30d_count
    , lost_30d_low as lost_30d_count_low
    , lost_30d_high as lost_30d_count_high
    , cast(lost_30d * value_per_loss as decimal(18, 4)) as revenue_at_risk_30d
    , cast(lost_30d_low * value_per_loss as decimal(18, 4)) as revenue_at_risk_30d_low
    , cast(lost_30d_high * value_per_loss as decimal(18, 4)) as revenue_at_risk_30d_high
    , cast('{{ var("company_currency") }}' as string) as currency
    , cast(release_key as string) as release_key
    , cast(release_name as string) as release_name
    , cast(effort as bigint) as effort
    , cast(owner_id as string) as owner_id
    , cast(experiment_id as string) as experiment_id
    , cast(row_number() over (
        partition by funnel_id, unit
        order by lost_30d_low * value_per_loss desc nulls last, lost_30d_low desc, step_order, segment_type, segment_value
    ) as bigint) as break_rank
from figures
