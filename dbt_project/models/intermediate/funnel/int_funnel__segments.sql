with segments as (
    select cast(null as string) as funnel_id, cast(null as string) as segment_type where false
    {%- for funnel in var('funnels') %}
    {%- for segment in ['all'] + funnel.segments %}
    union all
    select {{ sql_texts([funnel.id, segment]) }}
    {%- endfor %}
    {%- endfor %}
)

select
    cast({{ row_key(['funnel_id', 'segment_type']) }} as string) as funnel_segment_key
    , cast(funnel_id as string) as funnel_id
    , cast(segment_type as string) as segment_type
from segments
