select
    dataset
    , source_system
    , source_account
    , source_table
    , rows_read
    , rows_loaded
    , rows_rejected
    , bytes_read
    , requests
    , started_at
    , finished_at
    , window_start
    , window_end
    , extracted_at
    , _dlt_load_id as dlt_load_id
from {{ source('lake', 'load_metrics') }}
