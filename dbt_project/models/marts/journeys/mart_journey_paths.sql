with paths as (
    select
        audience
        , path
        , row_number() over (partition by audience order by count(*) desc, path) as path_rank
    from {{ ref('fct_journeys') }}
    group by audience, path
)

-- The rank ends with the list, and so does the path: everything behind it is one row.
, listed as (
    select
        journey.audience
        , case when paths.path_rank <= {{ journey_setting('journey_path_limit') }} then paths.path_rank end as path_rank
        , case when paths.path_rank <= {{ journey_setting('journey_path_limit') }} then paths.path else '(other paths)' end as path
        , paths.path as own_path
        , journey.person_id
        , journey.outcome
        , journey.step_count
        , case when not journey.is_open then journey.duration_seconds end as duration_seconds
    from {{ ref('fct_journeys') }} as journey
    inner join paths on journey.audience = paths.audience and journey.path = paths.path
)

, counted as (
    select
        audience
        , path_rank
        , path
        , count(distinct own_path) as path_count
        , count(*) as journey_count
        , count(distinct person_id) as person_count
        {%- for outcome in ['open', 'goal', 'dead_end', 'rest', 'unmapped'] %}
        , count(*) filter (where outcome = '{{ outcome }}') as {{ outcome }}_count
        {%- endfor %}
        , {{ quantile('duration_seconds', 0.5) }} as median_duration_seconds
    from listed
    group by audience, path_rank, path
)

select
    {{ row_key(['audience', 'path']) }} as journey_path_key
    , audience
    , path_rank
    , path
    , path_count
    , journey_count
    , {{ share('journey_count', 'sum(journey_count) over (partition by audience)') }} as journey_share
    , person_count
    , open_count
    , goal_count
    , dead_end_count
    , rest_count
    , unmapped_count
    , {{ share('goal_count', 'journey_count - open_count') }} as goal_rate
    , {{ wilson_low('goal_count', '(journey_count - open_count)') }} as goal_rate_low
    , {{ wilson_high('goal_count', '(journey_count - open_count)') }} as goal_rate_high
    , median_duration_seconds
from counted
