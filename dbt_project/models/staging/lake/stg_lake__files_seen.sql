select
    dataset
    , source_system
    , source_account
    , source_table
    , file as file_path
    , size as size_bytes
    , modified_at
    , rows_read
    , rows_loaded
    , rows_rejected
    , extracted_at
    , _dlt_load_id as dlt_load_id
from {{ source('lake', 'files_seen') }}
