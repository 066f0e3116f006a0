-- One row per touchpoint, period and criterion that applies to it: what was measured and what it scores.
with criteria as (
    select
        criterion_id
        , metric_name
        , applies_to_stage
        , weight
        , cast(value_at_1 as double) as value_at_1
        , cast(value_at_3 as double) as value_at_3
        , cast(value_at_5 as double) as value_at_5
    from {{ ref('scorecard_criteria') }}
)

, periods as (
    select touchpoint_id, 'all' as period_type, cast(null as date) as period_start
    from {{ ref('dim_touchpoints') }}

    union

    select
        interaction.touchpoint_id
        , period.period_type
        , {{ period_start('interaction.interaction_date') }}
    from {{ ref('fct_interactions') }} as interaction
    cross join {{ period_types(['month', 'week']) }} as period

    union

    select touchpoint_id, period_type, period_start
    from {{ ref('mart_cx_metrics') }}
    where touchpoint_id <> 'all' and channel = 'all' and segment_type = 'all'
)

, evidence as (
    select
        periods.touchpoint_id
        , periods.period_type
        , periods.period_start
        , criteria.criterion_id
        , criteria.metric_name
        , criteria.weight
        , metric.metric_value
        , metric.response_count
        , case
            when metric.metric_value is not null then 'measured'
            when metric.response_count > 0 then 'too few'
            else 'no data'
        end as evidence_status
        -- Straight lines between the anchors for 1, 3 and 5; they run up or down.
        , case
            when metric.metric_value is null then null
            when (criteria.value_at_5 > criteria.value_at_1) = (metric.metric_value >= criteria.value_at_3)
                then 3 + 2 * (metric.metric_value - criteria.value_at_3) / (criteria.value_at_5 - criteria.value_at_3)
            else 1 + 2 * (metric.metric_value - criteria.value_at_1) / (criteria.value_at_3 - criteria.value_at_1)
        end as raw_score
    from periods
    inner join {{ ref('dim_touchpoints') }} as touchpoint on periods.touchpoint_id = touchpoint.touchpoint_id
    inner join criteria
        on criteria.applies_to_stage = '*' or criteria.applies_to_stage = touchpoint.journey_stage
    left join {{ ref('mart_cx_metrics') }} as metric
        on periods.touchpoint_id = metric.touchpoint_id
        and periods.period_type = metric.period_type
        and periods.period_start is not distinct from metric.period_start
        and criteria.metric_name = metric.metric_name
        and metric.channel = 'all'
        and metric.segment_type = 'all'
)

select
    {{ row_key(['touchpoint_id', 'period_type', 'period_start', 'criterion_id']) }} as scorecard_evidence_key
    , touchpoint_id
    , period_type
    , period_start
    , criterion_id
    , metric_name
    , cast(weight as decimal(5, 4)) as weight
    , evidence_status
    , metric_value
    , response_count
    -- Six decimals, so that weighted sums do not depend on the order of rows.
    , cast(case when raw_score is not null then least(greatest(raw_score, 1e0), 5e0) end as decimal(9, 6)) as criterion_score
from evidence
