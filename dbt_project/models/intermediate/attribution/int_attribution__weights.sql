{%- set ends = attribution_setting('attribution_position_ends') -%}
{%- set half_life = attribution_setting('attribution_half_life_days') -%}
{%- set learnt = ['markov_1', 'markov_2', 'shapley'] -%}
{#- Weight of a step s in its path, before it is divided by the sum of the path. -#}
{%- set weights = {
    'first': 'case when s.step_order = 1 then 1 else 0 end',
    'last': 'case when s.step_order = s.step_count then 1 else 0 end',
    'last_non_direct': 'case when s.step_order = coalesce(s.last_non_direct_order, s.step_count) then 1 else 0 end',
    'linear': '1',
    'position': 'case when s.step_count <= 2 then 1 when s.step_order in (1, s.step_count) then ' ~ ends
        ~ ' else (1 - 2 * ' ~ ends ~ ') / (s.step_count - 2.0) end',
    'time_decay': 'power(2.0, -' ~ seconds_between('s.last_touch_at', 's.path_last_touch_at') ~ ' / (86400.0 * ' ~ half_life ~ '))',
    'path_removal': 'coalesce(r.lost_rate, 0)',
} -%}
{#- A channel that comes twice earns what the model gives it once. -#}
{%- for method in learnt -%}
    {%- do weights.update({method: 'coalesce(c.' ~ method ~ ', 0) / s.channel_step_count'}) -%}
{%- endfor %}
-- Weights become decimals before they are added: the sum does not depend on the order of addition.
with steps as (
    select
        *
        , max(case when not is_direct then step_order end) over (partition by path_key) as last_non_direct_order
        , max(last_touch_at) over (partition by path_key) as path_last_touch_at
        , count(*) over (partition by path_key, channel_group) as channel_step_count
        , lag(channel_group) over (partition by path_key order by step_order) as previous_channel_group
    from {{ ref('int_attribution__steps') }}
    where conversion_key is not null
)

, path_texts as (
    select
        conversion_key
        , path
    from {{ ref('int_attribution__paths') }}
    where conversion_key is not null
)

-- One conversion stands for all of the same path.
, distinct_paths as (
    select path, min(conversion_key) as conversion_key
    from path_texts
    group by path
)

, shortened as (
    select
        p.path
        , taken.step_order
        , {{ string_agg_ordered('rest.channel_group', ' > ', 'rest.step_order') }} as path_without
    from distinct_paths as p
    join steps as taken on p.conversion_key = taken.conversion_key
    join steps as rest
        on p.conversion_key = rest.conversion_key and taken.step_order <> rest.step_order
        -- Steps of one channel that come to stand side by side are one step again.
        and not (
            {{ attribution_setting('attribution_collapse_repeats') | lower }}
            and rest.step_order = taken.step_order + 1 and rest.channel_group = coalesce(taken.previous_channel_group, '')
        )
    group by p.path, taken.step_order
)

, removals as (
    select
        s.path
        , s.step_order
        , greatest(coalesce(whole.conversion_rate, 0) - coalesce(part.conversion_rate, 0), 0) as lost_rate
    from shortened as s
    left join {{ ref('mart_attribution_paths') }} as whole on s.path = whole.path
    left join {{ ref('mart_attribution_paths') }} as part on s.path_without = part.path
)

, channel_shares as (
    select
        channel
        {%- for method in learnt %}
        , max(case when method = '{{ method }}' then share end) as {{ method }}
        {%- endfor %}
    from {{ ref('int_attribution__channels') }}
    group by channel
)

, raw_weights as (
    select
        s.*
        {%- for method in attribution_methods() %}
        , cast({{ weights[method] }} as decimal(18, 12)) as {{ method }}_raw
        {%- endfor %}
    from steps as s
    join path_texts as p on s.conversion_key = p.conversion_key
    left join removals as r on p.path = r.path and s.step_order = r.step_order
    left join channel_shares as c on s.channel_group = c.channel
)

, sums as (
    select
        *
        {%- for method in attribution_methods() %}
        , sum({{ method }}_raw) over (partition by path_key) as {{ method }}_sum
        {%- endfor %}
    from raw_weights
)

select
    cast(step_key as string) as step_key
    , cast(conversion_key as string) as conversion_key
    , cast(step_order as bigint) as step_order
    , cast(step_count as bigint) as step_count
    , cast(channel_group as string) as channel_group
    , cast(first_session_key as string) as first_session_key
    , cast(last_session_key as string) as last_session_key
    {%- for method in attribution_methods() %}
    , case
        when {{ method }}_sum > 0 then cast({{ method }}_raw as double) / cast({{ method }}_sum as double)
        {%- if method == 'path_removal' %}
        when step_order = step_count then 1.0
        else 0.0
        {%- else %}
        else 1.0 / step_count
        {%- endif %}
    end as {{ method }}_weight
    {%- endfor %}
from sums
