select
    cast(source_account as string) as source_account
    , cast(min(event_at) as timestamp) as first_event_at
    , cast(max(event_at) filter (
        where event_at <= extracted_at + {{ web_setting('web_clock_tolerance_hours') }} * interval '1' hour
    ) as timestamp) as last_event_at
from {{ ref('cx_web_event') }}
where {{ is_counted_event() }}
group by source_account
