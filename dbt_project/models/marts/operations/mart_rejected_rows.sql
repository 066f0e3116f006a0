select
    {{ row_key(['dataset', 'source_table', 'reason']) }} as rejected_reason_key
    , dataset
    , source_system
    , source_account
    , source_table
    , reason
    , count(*) as row_count
    , min(coalesce(rejected_at, extracted_at)) as first_seen_at
    , max(coalesce(rejected_at, extracted_at)) as last_seen_at
    , min(source_ref) as example_source_ref
from {{ ref('stg_lake__rejected_rows') }}
group by dataset, source_system, source_account, source_table, reason
