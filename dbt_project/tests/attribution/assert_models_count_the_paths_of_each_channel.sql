{# Shares of a model are one whole, and the paths of a channel are those of mart_attribution_paths that name it. #}
with models as (
    select
        method
        , channel_group
        , path_count
        , converting_path_count
        , sum(share) over (partition by method) as share_sum
    from {{ ref('mart_attribution_models') }}
)

select
    m.method
    , m.channel_group
    , m.path_count
    , m.converting_path_count
    , m.share_sum
    , sum(p.mature_path_count) as expected_path_count
    , sum(p.mature_conversion_count) as expected_converting_path_count
from models as m
left join {{ ref('mart_attribution_paths') }} as p
    on ' > ' || p.path || ' > ' like '% > ' || m.channel_group || ' > %'
group by m.method, m.channel_group, m.path_count, m.converting_path_count, m.share_sum
having m.path_count <> sum(p.mature_path_count) or m.converting_path_count <> sum(p.mature_conversion_count)
    or (abs(m.share_sum - 1) > 1e-6 and m.share_sum > 0)
