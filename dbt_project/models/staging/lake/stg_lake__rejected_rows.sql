select
    dataset
    , source_system
    , source_account
    , source_table
    , source_ref
    , reason
    , raw_json
    , rejected_at
    , extracted_at
    , _dlt_load_id as dlt_load_id
    , _cx_row as load_row_number
from {{ source('lake', 'rejected_rows') }}
