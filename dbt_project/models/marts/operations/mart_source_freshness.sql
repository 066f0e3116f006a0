{%- set records = {
    'cx_customer': 'coalesce(source_updated_at, source_created_at)',
    'cx_account': 'coalesce(source_updated_at, source_created_at)',
    'cx_order': 'coalesce(source_updated_at, ordered_at)',
    'cx_support_ticket': 'coalesce(source_updated_at, opened_at)',
    'cx_ticket_event': 'occurred_at',
    'cx_message': 'sent_at',
    'cx_call': 'started_at',
    'cx_web_event': 'event_at',
    'cx_survey_response': 'coalesce(submitted_at, started_at)',
    'cx_store_visit': 'occurred_at',
    'cx_product_release': 'released_at',
} -%}

with loads as (
    select
        dataset
        , source_system
        , source_account
        , source_table
        , count(*) as load_count
        , sum(rows_read) as rows_read
        , sum(rows_loaded) as rows_loaded
        , sum(rows_rejected) as rows_rejected
        , max(coalesce(finished_at, extracted_at)) as last_load_at
        , max(window_end) as covered_until_at
    from {{ ref('stg_lake__load_metrics') }}
    group by dataset, source_system, source_account, source_table
)

, latest_load as (
    select max(last_load_at) as last_load_at from loads
)

, latest_records as (
    select source_account, source_object, max(record_at) as latest_record_at
    from (
        {% for model, instant in records.items() -%}
        select source_account, source_object, max({{ instant }}) as record_at
        from {{ ref(model) }}
        group by source_account, source_object
        {% if not loop.last %}union all
        {% endif -%}
        {% endfor %}
    ) as seen
    group by source_account, source_object
)

select
    {{ row_key(['loads.dataset', 'loads.source_table']) }} as source_table_key
    , loads.dataset
    , loads.source_system
    , loads.source_account
    , loads.source_table
    , loads.load_count
    , cast(loads.rows_read as bigint) as rows_read
    , cast(loads.rows_loaded as bigint) as rows_total
    , cast(loads.rows_rejected as bigint) as rows_rejected
    , {{ share('loads.rows_rejected', 'loads.rows_read') }} as rejected_share
    , loads.last_load_at
    , loads.covered_until_at
    , latest_records.latest_record_at
    , cast({{ var('expected_load_hours', 36) }} as bigint) as expected_within_hours
    -- Measured against the latest load of any table, not the wall clock: the same lake gives the same marts.
    , {{ seconds_between('loads.last_load_at', 'latest_load.last_load_at') }} / 3600 as hours_behind
    , {{ seconds_between('loads.last_load_at', 'latest_load.last_load_at') }} / 3600 > {{ var('expected_load_hours', 36) }} as is_late
from loads
cross join latest_load
left join latest_records
    on loads.source_account = latest_records.source_account and loads.source_table = latest_records.source_object
