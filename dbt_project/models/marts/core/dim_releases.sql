select
    release.product_release_key as release_key
    , release.name as release_name
    , release.version as release_version
    , release.kind as release_kind
    , release.area
    , coalesce(touchpoint.touchpoint_id, 'unmapped') as touchpoint_id
    , release.released_at
    , cast({{ to_local('release.released_at', "'" ~ var('company_time_zone') ~ "'") }} as date) as released_date
    , release.ended_at
    , cast(release.rollout_percent / 100 as double) as rollout_rate
    , release.description_text
    , release.source_system
    , release.source_account
    , release.source_id
from {{ ref('cx_product_release') }} as release
left join {{ ref('touchpoints') }} as touchpoint on release.touchpoint_key = touchpoint.touchpoint_id
where not release.is_deleted and not release.is_test
