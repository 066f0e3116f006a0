with combinations as (
    select distinct
        source
        , medium
        , lower(coalesce(campaign, '')) as campaign
    from {{ ref('int_web__sessions') }}
)

, ruled as (
    select
        c.source
        , c.medium
        , c.campaign
        , r.channel_group
        , row_number() over (partition by c.source, c.medium, c.campaign order by r.priority nulls last) as place
    from combinations as c
    left join {{ ref('web_source_categories') }} as k on c.source = k.source
    left join {{ ref('web_channel_rules') }} as r
        on (r.source_category is null or r.source_category = k.source_category)
        and (r.source_pattern is null or {{ regexp_like('c.source', 'r.source_pattern') }})
        and (r.medium_pattern is null or {{ regexp_like('c.medium', 'r.medium_pattern') }})
        and (r.campaign_pattern is null or {{ regexp_like('c.campaign', 'r.campaign_pattern') }})
)

select
    cast({{ row_key(['source', 'medium', 'campaign']) }} as string) as channel_combination_key
    , cast(source as string) as source
    , cast(medium as string) as medium
    , cast(campaign as string) as campaign
    , cast(coalesce(channel_group, 'Unassigned') as string) as channel_group
from ruled
where place = 1
