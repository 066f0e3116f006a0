"""Settings of the `sql` connector."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ingestion.core.bookkeeping import BOOKKEEPING, DATA_OWNER
from ingestion.core.columns import Column, known_zone, table_name
from ingestion.core.connector import ConnectorConfig
from ingestion.core.entities import EntityMapping, check_refs

_STRICT = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
_URL = re.compile(r"^(postgresql|mysql|sqlite)(\+[a-z0-9]+)?://")
_PASSWORD = re.compile(r"://[^/@:]*:[^@]+@")


class Reconcile(BaseModel):
    """Comparing the keys there with the keys in the lake, to notice rows that were deleted."""

    model_config = _STRICT

    every_hours: float = Field(default=24, ge=0)
    max_share: float = Field(default=0.2, ge=0, le=1)
    """More keys than this share gone at once is taken for a fault of the source, and nothing is marked."""


class SqlTable(BaseModel):
    """One table or query.

    With `cursor` only rows changed since the last run are read; without, the whole table is read each run and
    landed when it has changed, and the newest load is the table.
    """

    model_config = _STRICT

    name: str
    table: str = ""
    """Table in the database, `schema.table` or `table`; default: `name`."""
    query: str = ""
    """A SELECT instead of a table; it needs `columns`."""
    columns: tuple[Column, ...] = ()
    """Default: all columns, in the types of the database; key columns as text."""
    key: tuple[str, ...] = Field(min_length=1)
    cursor: str | None = None
    """Column that grows when a row changes: a timestamp, a date or a whole number (the `to` name)."""
    lag_seconds: int = Field(default=600, ge=0)
    """Rows this much older than the newest seen are read again: a slow transaction commits an older time."""
    lag_ids: int = Field(default=1000, ge=0)
    """The same for a whole-number cursor: sequences commit out of order."""
    version_column: str | None = None
    max_shrink_share: float = Field(default=0.2, ge=0, le=1)
    """A whole table that loses more than this share of its rows at once is refused."""
    reconcile: Reconcile | None = None
    time_zone: str = "UTC"
    """Zone of timestamps that the database keeps without one."""
    description: str = ""
    owner: str = DATA_OWNER
    expected_hours: int = Field(default=36, ge=1)
    entities: tuple[EntityMapping, ...] = ()

    @field_validator("name")
    @classmethod
    def _table_name(cls, value: str) -> str:
        return table_name(value, BOOKKEEPING)

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        return known_zone(value)

    @model_validator(mode="after")
    def _agrees(self) -> SqlTable:
        if self.query and not self.columns:
            raise ValueError("a query needs `columns` with their types")
        if self.query and self.table:
            raise ValueError("give `table` or `query`, not both")
        if self.reconcile and not self.cursor:
            raise ValueError("`reconcile` needs `cursor`; a table read whole shows its deletions by itself")
        names = [column.to for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError("two columns have the same name in `to`")
        for name in (*self.key, self.cursor, self.version_column):
            if name and names and name not in names:
                raise ValueError(
                    f"key, cursor or version_column names no column {name!r} (use the `to` name)"
                )
        return self


class Config(ConnectorConfig):
    """Settings of a `sql` connection.

    `url` is an SQLAlchemy URL without password, such as `postgresql+psycopg://reader@host/db`,
    `mysql+pymysql://reader@host/db` or `sqlite:///${CX_HOME}/demo/orders.sqlite`; a relative SQLite path starts at
    the folder of the connections file. The secret `password` is put in; the secret `url` replaces it whole.
    """

    url: str = ""
    tables: tuple[SqlTable, ...] = Field(min_length=1)
    source_system: str = Field(default="", pattern=r"^([a-z][a-z0-9_]*)?$")
    """Name shown as the source of the records; default `sql`."""
    statement_timeout_seconds: int = Field(default=3600, ge=1)
    batch_rows: int = Field(default=20_000, ge=1, le=1_000_000)

    OPTIONAL_SECRETS = ("password", "url")

    @field_validator("url")
    @classmethod
    def _plain_url(cls, value: str) -> str:
        if _PASSWORD.search(value):
            raise ValueError("the url holds a password; name it under `secrets: {password: NAME}`")
        if value and not _URL.match(value):
            raise ValueError("url must begin with postgresql+psycopg://, mysql+pymysql:// or sqlite:///")
        return value

    @model_validator(mode="after")
    def _tables_agree(self) -> Config:
        names = [table.name for table in self.tables]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two tables with the same name: {', '.join(sorted(twice))}")
        check_refs(self.tables)
        return self
