"""Columns, tables and zones as generic sources declare them."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Collection

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ingestion.core.connector import ColumnType

_NAME = re.compile(r"^[a-z][a-z0-9_]*$")


def column_name(text: str) -> str:
    """Name of a source column as a column of the lake: `Order ID` -> `order_id`, `InvoiceNo` -> `invoice_no`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text.strip())
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


class Column(BaseModel):
    """One column of a source. `to` defaults to the name in snake case."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    source: str = Field(alias="from", min_length=1)
    to: str = ""
    type: ColumnType = "text"
    required: bool = False
    format: str = "iso"
    """timestamp: iso, epoch_s, epoch_ms, epoch_us or a strptime pattern; date: iso or a pattern."""

    @model_validator(mode="before")
    @classmethod
    def _default_name(cls, data: object) -> object:
        if isinstance(data, dict) and "to" not in data and isinstance(source := data.get("from"), str):
            return {**data, "to": column_name(source)}
        return data

    @field_validator("to")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not _NAME.match(value) or value.startswith(("cx_", "dlt_")) or value == "extra":
            raise ValueError(f"{value!r} cannot be the name of a column; give another with `to`")
        return value


def table_name(value: str, reserved: Collection[str]) -> str:
    """`value` if it can be the name of a table in the lake. Raises ValueError."""
    if not _NAME.match(value) or "__" in value or value in reserved:
        raise ValueError(f"{value!r} cannot be the name of a table")
    return value


def known_zone(value: str) -> str:
    """`value` if it names an IANA time zone. Raises ValueError."""
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value!r} is no IANA time zone such as Europe/Warsaw") from None
    return value
