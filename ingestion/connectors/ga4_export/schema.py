"""Tables landed from the GA4 raw export."""

from __future__ import annotations

from ingestion.core.bookkeeping import FILES_SEEN
from ingestion.core.connector import ColumnType, TableSpec

OWNER = "web"

TEXT_PARAMS = (
    "source",
    "medium",
    "campaign",
    "term",
    "content",
    "gclid",
    "page_title",
    "currency",
    "coupon",
    "error_code",
    "error_message",
    "form_id",
    "form_name",
    "form_step",
    "search_term",
    "link_url",
    "file_name",
    "method",
)
"""Event parameters with a text column of their own, of the same name."""

INTEGER_PARAMS = ("ga_session_number", "engagement_time_msec", "percent_scrolled", "entrances")
"""Event parameters with an integer column of their own."""

_EVENT_COLUMNS: dict[str, ColumnType] = {
    "event_key": "text",
    "event_ordinal": "bigint",
    "event_date": "date",
    "event_at": "timestamp",
    "event_timestamp_micros": "bigint",
    "event_name": "text",
    "user_id": "text",
    "user_pseudo_id": "text",
    "stream_id": "text",
    "platform": "text",
    "event_bundle_sequence_id": "bigint",
    "batch_page_id": "bigint",
    "batch_ordering_id": "bigint",
    "batch_event_index": "bigint",
    "ga_session_id": "text",
    "ga_session_number": "bigint",
    "is_engaged_session": "boolean",
    "engagement_time_msec": "bigint",
    "percent_scrolled": "bigint",
    "entrances": "bigint",
    "page_location": "text",
    "page_path": "text",
    "page_host": "text",
    "page_title": "text",
    "page_referrer": "text",
    "referrer_host": "text",
    "source": "text",
    "medium": "text",
    "campaign": "text",
    "term": "text",
    "content": "text",
    "gclid": "text",
    "first_user_source": "text",
    "first_user_medium": "text",
    "first_user_campaign": "text",
    "value": "decimal",
    "currency": "text",
    "coupon": "text",
    "error_code": "text",
    "error_message": "text",
    "form_id": "text",
    "form_name": "text",
    "form_step": "text",
    "search_term": "text",
    "link_url": "text",
    "file_name": "text",
    "method": "text",
    "device_category": "text",
    "operating_system": "text",
    "browser": "text",
    "language": "text",
    "country": "text",
    "analytics_storage": "text",
    "transaction_id": "text",
    "purchase_revenue": "decimal",
    "item_quantity": "bigint",
    "product_ids": "json",
    "items": "json",
    "params": "json",
}

TABLES: dict[str, TableSpec] = {
    "events": TableSpec(
        name="events",
        description=(
            "One row per exported event and reading of its daily file. Only the rows of the newest load of a file "
            "in files_seen count; exact duplicates inside a day differ by event_ordinal."
        ),
        columns=_EVENT_COLUMNS,
        key=("event_key",),
        required=("event_date", "event_at", "event_name"),
        owner=OWNER,
        entities=("web_event",),
        system_columns={"_cx_file": "text", "_cx_file_row": "bigint"},
    ),
    FILES_SEEN.name: FILES_SEEN,
}
