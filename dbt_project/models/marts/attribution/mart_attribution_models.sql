select
    cast({{ row_key(['method', 'channel']) }} as string) as attribution_model_key
    , cast(method as string) as method
    , cast(channel as string) as channel_group
    , cast(path_count as bigint) as path_count
    , cast(converting_path_count as bigint) as converting_path_count
    -- Ten digits: the last ones depend on the machine's linear algebra.
    , round(effect, 10) as effect
    , round(value_effect, 10) as value_effect
    , round(share, 10) as share
    , round(share_low, 10) as share_low
    , round(share_high, 10) as share_high
    , round(value_share, 10) as value_share
    , cast(share_rank as bigint) as share_rank
    , cast(share_rank_low as bigint) as share_rank_low
    , cast(share_rank_high as bigint) as share_rank_high
from {{ ref('int_attribution__channels') }}
