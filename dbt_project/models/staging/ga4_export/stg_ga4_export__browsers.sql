{{ config(materialized='view') }}
-- Of all loads, old ones too: one column of the raw rows is read faster than the view that picks the current ones.
select distinct
    source_account
    , browser
from {{ source('ga4_export', 'events') }}
where browser is not null
