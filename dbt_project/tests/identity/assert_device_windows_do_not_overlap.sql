select source_account, anonymous_id, valid_from, previous_to
from (
    select
        source_account
        , anonymous_id
        , valid_from
        , lag(valid_to) over (partition by source_account, anonymous_id order by valid_from, valid_to, web_user_map_key) as previous_to
    from {{ ref('int_identity__web_user_map') }}
) as windows
where valid_from < previous_to
