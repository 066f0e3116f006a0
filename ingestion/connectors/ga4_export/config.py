"""Settings of a GA4 raw-export connection (files)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ingestion.core.connector import ConnectorConfig


class Config(ConnectorConfig):
    """Where the daily files lie and how they are read.

    Attributes:
        path: folder with `events_YYYYMMDD.parquet`, `.jsonl` or `.jsonl.gz`, local or any fsspec URL;
            relative paths start at the connections file, `${CX_HOME}` and `${NAME}` are filled in.
        pattern: names of the daily files inside `path`.
        storage_options: options of the fsspec file system that are no secrets (endpoint, region, anon).
        time_zone: zone of the GA4 property, in which `event_date` is written.
        settle_seconds: a file changed less than so many seconds ago is left for the next run, since it may
            still be written.
        restate_days: a rewritten file is read again when its day is at most so many days before the newest
            day seen; GA4 restates a day for three days. null = a rewritten file is always read again.
        days_per_package: files committed together; a crash loses at most one package.
        keep_query_parameters: query parameters that stay in URLs; everything else is cut, because shops
            put e-mail addresses and tokens there.
    """

    OPTIONAL_SECRETS: ClassVar[tuple[str, ...]] = (
        "key",
        "secret",
        "token",
        "account_key",
        "connection_string",
    )

    path: str = Field(min_length=1)
    pattern: str = "events_*"
    storage_options: dict[str, str | int | bool] = Field(default_factory=dict)
    time_zone: str = "UTC"
    settle_seconds: float = Field(default=0, ge=0)
    restate_days: int | None = Field(default=None, ge=0)
    days_per_package: int = Field(default=31, ge=1)
    keep_query_parameters: tuple[str, ...] = (
        "utm_source",
        "utm_medium",
        "utm_campaign",
        "utm_term",
        "utm_content",
        "gclid",
        "q",
        "query",
        "search",
        "page",
        "category",
        "sort",
        "sku",
        "product_id",
        "variant",
        "lang",
    )
