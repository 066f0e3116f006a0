"""Settings of the `files` connector: one profile per table."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ingestion.core.bookkeeping import BOOKKEEPING
from ingestion.core.connector import ColumnType, ConnectorConfig
from ingestion.core.entities import EntityMapping, check_refs

_STRICT = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
_NAME = re.compile(r"^[a-z][a-z0-9_]*$")


def column_name(text: str) -> str:
    """Name of a source column as a column of the lake: `Order ID` -> `order_id`, `InvoiceNo` -> `invoice_no`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text.strip())
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


class Column(BaseModel):
    """One column of a file. `to` defaults to the name in snake case."""

    model_config = _STRICT

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


class Expect(BaseModel):
    """What each file must hold; a file with less is not loaded and the run fails naming it."""

    model_config = _STRICT

    min_rows: int = Field(default=0, ge=0)


class FileTable(BaseModel):
    """Profile of the files of one table.

    `glob` is a local path or any fsspec URL; `**/` descends into folders; a `.gz` suffix is unpacked. It may hold
    `${CX_HOME}`, `${NAME}` or `${NAME:-default}`; a relative path starts at the folder of the connections file.
    """

    model_config = _STRICT

    name: str
    glob: str = Field(min_length=1)
    format: Literal["csv", "jsonl", "parquet"]
    columns: tuple[Column, ...] = Field(min_length=1)
    key: tuple[str, ...] = ()
    version_column: str | None = None
    description: str = ""
    owner: str = ""
    delimiter: str = Field(",", min_length=1, max_length=1)
    quote: str = Field('"', max_length=1)
    encoding: str = "utf-8-sig"
    header: bool = True
    null_values: tuple[str, ...] = ("",)
    time_zone: str = "UTC"
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""
    undeclared: Literal["keep", "drop"] = "keep"
    """Columns of the file that are not declared: kept in `extra` as JSON, or dropped."""
    settle_seconds: int = Field(0, ge=0)
    """A file changed more recently than this is left for the next run."""
    expect: Expect = Expect()
    expected_hours: int = Field(36, ge=1)
    entities: tuple[EntityMapping, ...] = ()

    @field_validator("name")
    @classmethod
    def _table_name(cls, value: str) -> str:
        if not _NAME.match(value) or "__" in value or value in BOOKKEEPING:
            raise ValueError(f"{value!r} cannot be the name of a table")
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        from ingestion.connections import known_zone

        return known_zone(value)

    @field_validator("encoding")
    @classmethod
    def _codec(cls, value: str) -> str:
        import codecs

        try:
            codecs.lookup(value)
        except LookupError:
            raise ValueError(f"{value!r} is no encoding") from None
        return value

    @model_validator(mode="after")
    def _columns_agree(self) -> FileTable:
        names = [column.to for column in self.columns]
        for group, what in (([c.source for c in self.columns], "from"), (names, "to")):
            twice = {name for name in group if group.count(name) > 1}
            if twice:
                raise ValueError(f"two columns with the same `{what}`: {', '.join(sorted(twice))}")
        for name in (*self.key, *([self.version_column] if self.version_column else [])):
            if name not in names:
                raise ValueError(f"key or version_column names no column {name!r} (use the `to` name)")
        if self.thousands and self.thousands == self.decimal:
            raise ValueError("decimal and thousands must differ")
        if self.delimiter == self.quote:
            raise ValueError("delimiter and quote must differ")
        return self


class Config(ConnectorConfig):
    """Settings of a `files` connection."""

    tables: tuple[FileTable, ...] = Field(min_length=1)
    source_system: str = Field("", pattern=r"^([a-z][a-z0-9_]*)?$")
    """Name shown as the source of the records; default `files`."""
    storage_options: dict[str, str | int | bool] = Field(default_factory=dict)
    """Options of the fsspec file system that are no secrets (endpoint, region, anon)."""

    OPTIONAL_SECRETS = ("key", "secret", "token", "password", "username", "account_key", "connection_string")

    @model_validator(mode="after")
    def _tables_agree(self) -> Config:
        names = [table.name for table in self.tables]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two tables with the same name: {', '.join(sorted(twice))}")
        check_refs(self.tables)
        return self
