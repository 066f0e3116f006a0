-- Pairs of login id and browser: the edges of identity resolution. One narrow scan of the lake.
select
    source_account
    , user_id
    , user_pseudo_id
    , min(event_at) as first_seen_at
    , max(event_at) as last_seen_at
    , count(*) as event_count
    , max(extracted_at) as extracted_at
    , {{ last_by('_dlt_load_id', load_order()) }} as _dlt_load_id
from {{ ref('stg_ga4_export__events') }}
where user_id is not null
group by 1, 2, 3
