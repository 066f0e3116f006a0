{{ config(
    materialized='incremental'
    , pre_hook="{{ forget_persons('person_id') }}"
    , post_hook="{{ close_attribution_scope() }}"
) }}
-- depends_on: {{ ref('int_attribution__scope') }}
with paths as (
    select
        path_key
        , conversion_key
        , person_id
        , {{ string_agg_ordered('channel_group', ' > ', 'step_order') }} as path
        , count(*) as step_count
        , sum(touch_count) as touch_count
        , min(first_touch_at) as started_at
    from {{ ref('int_attribution__steps') }}
    where {{ in_attribution_scope('person_id') }}
    group by path_key, conversion_key, person_id
)

select
    cast(p.path_key as string) as path_key
    , cast(p.conversion_key as string) as conversion_key
    , cast(p.person_id as string) as person_id
    , cast(p.path as string) as path
    , cast(p.step_count as bigint) as step_count
    , cast(p.touch_count as bigint) as touch_count
    , cast(p.started_at as timestamp) as started_at
    , cast(c.converted_at as timestamp) as converted_at
    , cast(c.revenue as decimal(18, 4)) as revenue
from paths as p
left join {{ ref('int_attribution__conversions') }} as c on p.conversion_key = c.conversion_key
