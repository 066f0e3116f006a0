-- Of all loads, old ones too: one column of the raw rows is read faster than the view that picks the current ones.
-- A table: of a query over Parquet DuckDB expects two million browsers, and puts all events into memory instead of them.
select distinct
    source_account
    , browser
from {{ source('ga4_export', 'events') }}
where browser is not null
