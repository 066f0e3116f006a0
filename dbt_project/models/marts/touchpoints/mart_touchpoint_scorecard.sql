{%- set metric_columns = {
    'csat': ['csat', ['value', 'low', 'high', 'count']],
    'ces': ['ces', ['value', 'low', 'high', 'count']],
    'nps': ['nps', ['value', 'low', 'high', 'count']],
    'fcr_repeat': ['fcr_repeat', ['value', 'low', 'high', 'count']],
    'first_response_calendar_minutes_median': ['median_first_response_calendar_minutes', ['value']],
    'first_response_business_minutes_median': ['median_first_response_business_minutes', ['value']],
    'first_resolution_calendar_minutes_median': ['median_first_resolution_calendar_minutes', ['value']],
} -%}
{%- set sources = {'value': 'metric_value', 'low': 'ci_low', 'high': 'ci_high', 'count': 'response_count'} -%}

with periods as (
    select distinct touchpoint_id, period_type, period_start
    from {{ ref('mart_scorecard_evidence') }}
)

, contacts as (
    select
        interaction.touchpoint_id
        , period.period_type
        , {{ period_start('interaction.interaction_date') }} as period_start
        , count(*) as interaction_count
        , count(distinct interaction.customer_id) as customer_count
        , count(*) filter (where interaction.customer_id is null) as anonymous_interaction_count
        , case when count(distinct interaction.currency) <= 1 then sum(interaction.value_amount) end as value_amount
        , case when count(distinct interaction.currency) = 1 then min(interaction.currency) end as currency
    from {{ ref('fct_interactions') }} as interaction
    cross join {{ period_types(['all', 'month', 'week']) }} as period
    group by 1, 2, 3
)

, metrics as (
    select
        touchpoint_id
        , period_type
        , period_start
        {%- for metric, (prefix, parts) in metric_columns.items() %}{% for part in parts %}
        , max(case when metric_name = '{{ metric }}' then {{ sources[part] }} end) as {{ prefix }}_{{ part }}
        {%- endfor %}{% endfor %}
    from {{ ref('mart_cx_metrics') }}
    where channel = 'all' and segment_type = 'all' and touchpoint_id <> 'all'
    group by touchpoint_id, period_type, period_start
)

-- A session that touched a touchpoint converts there when the touchpoint's own goal event comes later in the session.
, goal_events as (
    select session_key, event_name, max(event_at) as last_event_at
    from {{ ref('int_web__events') }}
    where event_name in (select distinct conversion_event from {{ ref('touchpoints') }} where conversion_event is not null)
    group by session_key, event_name
)

, conversions as (
    select
        touch.touchpoint_id
        , period.period_type
        , {{ period_start(to_local('touch.first_event_at', "'" ~ var('company_time_zone') ~ "'")) }} as period_start
        , count(*) as session_count
        , count(*) filter (where goal.last_event_at >= touch.first_event_at) as converted_session_count
    from {{ ref('int_web__touches') }} as touch
    inner join {{ ref('touchpoints') }} as touchpoint
        on touch.touchpoint_id = touchpoint.touchpoint_id and touchpoint.conversion_event is not null
    left join goal_events as goal
        on touch.session_key = goal.session_key and touchpoint.conversion_event = goal.event_name
    cross join {{ period_types(['all', 'month', 'week']) }} as period
    group by 1, 2, 3
)

, scores as (
    select
        touchpoint_id
        , period_type
        , period_start
        , {{ share('sum(case when criterion_score is not null then weight end)', 'sum(weight)') }} as coverage
        , {{ share('sum(criterion_score * weight)', 'sum(case when criterion_score is not null then weight end)') }}
            as weighted_score
    from {{ ref('mart_scorecard_evidence') }}
    group by touchpoint_id, period_type, period_start
)

select
    {{ row_key(['periods.touchpoint_id', 'periods.period_type', 'periods.period_start']) }} as touchpoint_scorecard_key
    , periods.touchpoint_id
    , periods.period_type
    , periods.period_start
    , touchpoint.touchpoint_name
    , touchpoint.channel
    , touchpoint.journey_stage
    , touchpoint.stage_order
    , touchpoint.owner_id
    , touchpoint.owner_name
    , touchpoint.has_owner
    , coalesce(contacts.interaction_count, 0) as interaction_count
    , coalesce(contacts.customer_count, 0) as customer_count
    , coalesce(contacts.anonymous_interaction_count, 0) as anonymous_interaction_count
    , cast(contacts.value_amount as decimal(18, 4)) as value_amount
    , contacts.currency
    {%- for metric, (prefix, parts) in metric_columns.items() %}{% for part in parts %}
    , metrics.{{ prefix }}_{{ part }}{% if parts | length == 1 %} as {{ prefix }}{% endif %}
    {%- endfor %}{% endfor %}
    , conversions.session_count
    , conversions.converted_session_count
    , {{ share('conversions.converted_session_count', 'conversions.session_count') }} as conversion_rate
    , {{ wilson_low('conversions.converted_session_count', 'conversions.session_count') }} as conversion_rate_low
    , {{ wilson_high('conversions.converted_session_count', 'conversions.session_count') }} as conversion_rate_high
    , coalesce(scores.coverage, 0e0) as coverage
    , case when scores.coverage >= {{ var('scorecard_min_coverage', 0.6) }} then scores.weighted_score end as score
    , touchpoint.is_critical
    , coalesce(
        scores.coverage >= {{ var('scorecard_min_coverage', 0.6) }}
        and scores.weighted_score < {{ var('scorecard_low_score', 3) }}
        , false
    ) as is_low_scoring
from periods
inner join {{ ref('dim_touchpoints') }} as touchpoint on periods.touchpoint_id = touchpoint.touchpoint_id
left join contacts
    on periods.touchpoint_id = contacts.touchpoint_id and periods.period_type = contacts.period_type
    and periods.period_start is not distinct from contacts.period_start
left join metrics
    on periods.touchpoint_id = metrics.touchpoint_id and periods.period_type = metrics.period_type
    and periods.period_start is not distinct from metrics.period_start
left join conversions
    on periods.touchpoint_id = conversions.touchpoint_id and periods.period_type = conversions.period_type
    and periods.period_start is not distinct from conversions.period_start
left join scores
    on periods.touchpoint_id = scores.touchpoint_id and periods.period_type = scores.period_type
    and periods.period_start is not distinct from scores.period_start
