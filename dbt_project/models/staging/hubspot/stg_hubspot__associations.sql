with latest as (
    select * from {{ latest_version(
        source('hubspot', 'associations')
        , ['source_account', 'from_type', 'from_id', 'to_type', 'to_id', 'association_type_id']
        , 'read_at'
    ) }} as versions
)

-- A reading replaces the links of the reading before: a link that a later reading no longer holds is gone.
, newest_reading as (
    select * from {{ latest_version(
        source('hubspot', 'association_reads'), ['source_account', 'from_type', 'from_id', 'to_type'], 'read_at'
    ) }} as versions
)

select
    latest.source_account
    , latest.from_type
    , latest.from_id
    , latest.to_type
    , latest.to_id
    , latest.association_type_id
    , {{ blank_to_null('latest.label') }} as label
    , latest.read_at
    , latest.extracted_at
    , latest._dlt_load_id
from latest
inner join newest_reading
    on latest.source_account = newest_reading.source_account
    and latest.from_type = newest_reading.from_type
    and latest.from_id = newest_reading.from_id
    and latest.to_type = newest_reading.to_type
    and latest.read_at = newest_reading.read_at
