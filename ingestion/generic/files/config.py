"""Settings of the `files` connector: one profile per table."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ingestion.core.bookkeeping import BOOKKEEPING, DATA_OWNER
from ingestion.core.columns import Column, known_zone, table_name
from ingestion.core.connector import ConnectorConfig
from ingestion.core.entities import EntityMapping, check_refs

_STRICT = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


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
    owner: str = DATA_OWNER
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
        return table_name(value, BOOKKEEPING)

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
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
