with patterns as (
    select
        {{ row_key(['source_account', 'event_name', 'page_path']) }} as touch_pattern_key
        , 'web_touch' as interaction_type
        , 'web' as channel
        , source_account
        , event_name
        , page_path
        , count(*) as event_count
    from {{ ref('cx_web_event') }}
    where {{ is_counted_event() }}
    group by source_account, event_name, page_path
)

select
    cast(p.touch_pattern_key as string) as touch_pattern_key
    , cast(p.source_account as string) as source_account
    , cast(p.event_name as string) as event_name
    , cast(p.page_path as string) as page_path
    , cast(p.event_count as bigint) as event_count
    , cast(m.touchpoint_id as string) as touchpoint_id
from patterns as p
join {{ match_touchpoints('patterns', 'touch_pattern_key', ['page_path', 'event_name', 'source_account']) }} as m
    on p.touch_pattern_key = m.touch_pattern_key
