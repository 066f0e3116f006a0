select
    latest.source_account
    , latest.losing_id
    , latest.winning_id
    , coalesce(latest.merged_at, latest.detected_at) as merged_at
    , latest.extracted_at
    , latest._dlt_load_id
from {{ latest_version(source('hubspot', 'contacts__merges'), ['source_account', 'losing_id', 'winning_id'], 'detected_at') }} as latest
