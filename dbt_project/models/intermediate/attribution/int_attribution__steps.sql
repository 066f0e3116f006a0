{{ config(materialized='incremental', pre_hook="{{ forget_persons('person_id') }}") }}
{%- set lookback_days = attribution_setting('attribution_lookback_days') -%}
{%- set direct = "'" ~ attribution_setting('attribution_direct_channel') ~ "'" -%}
-- depends_on: {{ ref('int_attribution__scope') }}
with touches as (
    select session_key, person_id, started_at, channel_group
    from {{ ref('fct_sessions') }}
    where {{ in_attribution_scope('person_id') }}
)

, converting as (
    select c.conversion_key, t.session_key, t.person_id, t.started_at, t.channel_group
    from {{ ref('int_attribution__conversions') }} as c
    join touches as t
        on c.person_id = t.person_id
        and t.started_at <= c.converted_at
        and t.started_at >= c.converted_at - {{ lookback_days }} * interval '1' day
)

-- Touches that led to no conversion, cut into windows of the look-back from the first one on. No window spans a
-- conversion: a touch left before one lies further back than a window is long.
, waiting as (
    select t.session_key, t.person_id, t.started_at, t.channel_group
    from touches as t
    left join (select distinct session_key from converting) as c on t.session_key = c.session_key
    left join (select distinct person_id from {{ ref('int_attribution__conversions') }}) as b on t.person_id = b.person_id
    where c.session_key is null
        and (b.person_id is null or {{ attribution_setting('attribution_keep_idle_visits_of_buyers') | lower }})
)

, windows as (
    select person_id, {{ spaced_instants('started_at', '24 * ' ~ lookback_days) }} as starts
    from waiting
    group by person_id
)

, opened as (
    select w.person_id, s.window_start_at
    from windows as w
    {{ lateral_unnest('w.starts', 's', 'window_start_at') }}
)

, placed as (
    select t.session_key, max(o.window_start_at) as window_start_at
    from waiting as t
    join opened as o on t.person_id = o.person_id and o.window_start_at <= t.started_at
    group by t.session_key
)

, path_touches as (
    select
        conversion_key as path_key
        , conversion_key
        , person_id
        , session_key
        , started_at
        , channel_group
    from converting
    union all
    select
        {{ row_key(['t.person_id', 'p.window_start_at']) }}
        , cast(null as string)
        , t.person_id
        , t.session_key
        , t.started_at
        , t.channel_group
    from waiting as t
    join placed as p on t.session_key = p.session_key
)

, kept as (
    select
        *
        , bool_and(channel_group = {{ direct }}) over (partition by path_key) as is_direct_only
    from path_touches
)

, marked as (
    select
        *
        , case
            when {{ attribution_setting('attribution_collapse_repeats') | lower }}
                and lag(channel_group) over (partition by path_key order by started_at, session_key) = channel_group then 0
            else 1
        end as is_new_step
    from kept
    where is_direct_only or channel_group <> {{ direct }} or not {{ attribution_setting('attribution_drop_direct') | lower }}
)

, numbered as (
    select
        *
        , sum(is_new_step) over (
            partition by path_key order by started_at, session_key rows between unbounded preceding and current row
        ) as step_order
    from marked
)

select
    cast({{ row_key(['path_key', 'step_order']) }} as string) as step_key
    , cast(path_key as string) as path_key
    , cast(conversion_key as string) as conversion_key
    , cast(person_id as string) as person_id
    , cast(step_order as bigint) as step_order
    , cast(count(*) over (partition by path_key) as bigint) as step_count
    , cast(channel_group as string) as channel_group
    , channel_group = {{ direct }} as is_direct
    , cast({{ first_by('session_key', struct_of({'a': 'started_at', 'b': 'session_key'})) }} as string) as first_session_key
    , cast({{ last_by('session_key', struct_of({'a': 'started_at', 'b': 'session_key'})) }} as string) as last_session_key
    , cast(min(started_at) as timestamp) as first_touch_at
    , cast(max(started_at) as timestamp) as last_touch_at
    , cast(count(*) as bigint) as touch_count
from numbered
group by path_key, conversion_key, person_id, step_order, channel_group
