"""Tables that describe loads: what was set aside, what each load did, which files were seen."""

from __future__ import annotations

from ingestion.core.connector import TableSpec

DATA_OWNER = "data-engineering"
"""Who answers for tables that describe loads, and for generic tables that name nobody."""

REJECTED_ROWS = TableSpec(
    name="rejected_rows",
    owner=DATA_OWNER,
    description="One row per record that did not fit its table: reason, place and raw content.",
    columns={
        "source_table": "text",
        "source_ref": "text",
        "reason": "text",
        "raw_json": "json",
        "rejected_at": "timestamp",
    },
)

LOAD_METRICS = TableSpec(
    name="load_metrics",
    owner=DATA_OWNER,
    description="One row per table and load: rows read, loaded and rejected, window, requests.",
    columns={
        "source_table": "text",
        "rows_read": "bigint",
        "rows_loaded": "bigint",
        "rows_rejected": "bigint",
        "bytes_read": "bigint",
        "requests": "bigint",
        "started_at": "timestamp",
        "finished_at": "timestamp",
        "window_start": "timestamp",
        "window_end": "timestamp",
    },
)

FILES_SEEN = TableSpec(
    name="files_seen",
    owner=DATA_OWNER,
    description="One row per file and load: size, change time and rows of the file as read then.",
    columns={
        "source_table": "text",
        "file": "text",
        "size": "bigint",
        "modified_at": "timestamp",
        "rows_read": "bigint",
        "rows_loaded": "bigint",
        "rows_rejected": "bigint",
    },
    key=("source_table", "file"),
)

BOOKKEEPING = frozenset({REJECTED_ROWS.name, LOAD_METRICS.name, FILES_SEEN.name})
"""Tables whose rows are no records of the source; counts of a load leave them out."""
