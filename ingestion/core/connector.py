"""The contract between a connector and the pipeline.

A connector is a package with `config.py` (class `Config`), `schema.py` (`TABLES` or `tables(config)`)
and `source.py` (`read(ctx)` and `check(ctx)`). `config` and `schema` import nothing heavy, so that the
graph of assets can be built without any client library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from ingestion.core.errors import ConfigError, LoadError, SourceError

if TYPE_CHECKING:
    import pyarrow as pa

    from ingestion.connections import Connection
    from ingestion.settings import Settings

__all__ = [
    "Batch",
    "CheckReport",
    "ColumnType",
    "ConfigError",
    "ConnectorConfig",
    "LoadError",
    "LoadResult",
    "Rejected",
    "Reporter",
    "RunContext",
    "SourceError",
    "TableLoad",
    "TableSpec",
]

ColumnType = Literal["text", "bigint", "double", "boolean", "timestamp", "date", "decimal", "json"]
"""timestamp = UTC instant in microseconds; decimal = decimal(18,4); json = text that holds JSON."""


class ConnectorConfig(BaseModel):
    """Base of each connector's settings: unknown keys are errors.

    Subclasses declare the secrets they take; values never stand in the settings.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    REQUIRED_SECRETS: ClassVar[tuple[str, ...]] = ()
    OPTIONAL_SECRETS: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True)
class TableSpec:
    """One landed table, as pure data.

    Args:
        name: snake_case; folder name in the lake.
        columns: column name -> `ColumnType`, without the system columns.
        key: columns that identify a record; a row with a null or empty key is rejected.
        version: column whose greatest value is the current version of a key; None = load order decides.
        required: further columns that must not be null.
        snapshot: each load holds the whole table, so that a key absent from the newest load is gone.
        deletes: the connector lands `<name>__deletes`.
        merges: the connector lands `<name>__merges`.
        entities: canonical entities the table feeds.
        expected_hours: a load older than this is late.
    """

    name: str
    columns: Mapping[str, ColumnType]
    key: tuple[str, ...] = ()
    version: str | None = None
    description: str = ""
    owner: str = ""
    required: tuple[str, ...] = ()
    snapshot: bool = False
    deletes: bool = False
    merges: bool = False
    entities: tuple[str, ...] = ()
    expected_hours: int = 36
    system_columns: Mapping[str, ColumnType] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = {*self.key, *self.required, *([self.version] if self.version else [])} - set(self.columns)
        if unknown:
            raise ValueError(f"{self.name}: key, version or required names no column: {sorted(unknown)}")


class Rejected(NamedTuple):
    """A record set aside: where it stands, why, and what it was (JSON text)."""

    source_ref: str
    reason: str
    raw_json: str


@dataclass(frozen=True)
class Batch:
    """Rows of one table in the types of its `TableSpec`, and what did not fit.

    Rows read = `rows.num_rows + len(rejected)`, by construction.
    """

    table: str
    rows: pa.Table | None
    rejected: tuple[Rejected, ...] | list[Rejected] = ()
    bytes_read: int = 0


Reporter = Callable[[str, str, int], None]
"""Progress call: (connection, table, rows read so far in this run)."""


@dataclass
class RunContext:
    """What a connector sees while reading. Usable without a pipeline, so a test can call `read(ctx)`.

    Attributes:
        config: the validated settings (the connector's own `Config`).
        specs: table specs by name, side tables included.
        state: JSON-able cursors; changes are committed with the rows of this call, or not at all.
        started_at: start of the run, UTC.
    """

    connection: Connection
    settings: Settings
    config: Any
    specs: Mapping[str, TableSpec]
    state: dict[str, Any] = field(default_factory=dict)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    requests: int = 0
    windows: dict[str, tuple[datetime | None, datetime | None]] = field(default_factory=dict)
    more: bool = False
    """Set by `read`: there is more to fetch; commit this package and call `read` again."""
    deferred: list[SourceError] = field(default_factory=list)
    """Problems of single files or objects: what was read is committed, then the run fails with the first."""

    def secret(self, key: str) -> str:
        """Value of a secret the connection names; ConfigError when it is not set."""
        from ingestion.core.secrets import resolve_secret

        return resolve_secret(self.settings, self.connection, key)

    def optional_secret(self, key: str) -> str | None:
        """Like `secret`, but None when the connection does not name it."""
        return self.secret(key) if key in self.connection.secrets else None

    def count_requests(self, count: int = 1) -> None:
        """Add to the number of requests shown in the load's figures."""
        self.requests += count

    def window(self, table: str, start: datetime | None, end: datetime | None) -> None:
        """Record the window read for a table; it is written to `load_metrics`."""
        self.windows[table] = (start, end)

    def rows(
        self,
        table: str,
        records: Iterable[Mapping[str, Any]],
        ref: str | Callable[[int], str],
        *,
        raw: Callable[[int], Any] | None = None,
        bytes_read: int = 0,
    ) -> Batch:
        """Typed batch of records; those that do not fit the table's spec are set aside with a reason.

        Args:
            table: name of a table in `specs`.
            records: one mapping per record. Keys that the spec does not name are ignored. ISO 8601 text
                becomes timestamp or date, numbers and numeric text become decimal/double/bigint, dicts and
                lists become JSON text; '' and missing become null.
            ref: source reference of record i: text (`#i` is appended) or a function of i.
            raw: original payload of record i for `rejected_rows`; default the record itself.
            bytes_read: size of what was read, for the load's figures.
        """
        from ingestion.core.quarantine import typed_batch

        return typed_batch(self.specs[table], records, ref, raw=raw, bytes_read=bytes_read)

    def deletes(self, table: str, source_ids: Iterable[str], method: str, *, at: Any = None) -> Batch:
        """Tombstones for `<table>__deletes`; `at` is the vendor's time of deletion, if known."""
        from ingestion.core.deletes import tombstones

        return tombstones(self, table, source_ids, method, at)

    def merges(self, table: str, pairs: Iterable[tuple[str, str, Any]], method: str) -> Batch:
        """Rows for `<table>__merges`: (losing id, winning id, time or None)."""
        from ingestion.core.deletes import merge_rows

        return merge_rows(self, table, pairs, method)


class Source(Protocol):
    """What `source.py` of a connector offers, as module-level functions."""

    def read(self, ctx: RunContext) -> Iterator[Batch]:
        """Read what is new since `ctx.state` and move `ctx.state`. Raises SourceError."""
        ...

    def check(self, ctx: RunContext) -> list[str]:
        """Prove credentials and reachability, load nothing; one line per point. Raises SourceError."""
        ...


@dataclass
class TableLoad:
    """Counts of one table in one run; read = loaded + rejected."""

    read: int = 0
    loaded: int = 0
    rejected: int = 0


@dataclass
class LoadResult:
    """What one run of a connection did."""

    connection: str
    dataset: str
    tables: dict[str, TableLoad] = field(default_factory=dict)
    load_ids: list[str] = field(default_factory=list)
    seconds: float = 0.0
    requests: int = 0
    recovered: bool = False
    """A package left by a run that died was finished first."""

    @property
    def total(self) -> TableLoad:
        """Counts over all tables."""
        loads = self.tables.values()
        return TableLoad(
            sum(t.read for t in loads), sum(t.loaded for t in loads), sum(t.rejected for t in loads)
        )


@dataclass(frozen=True)
class CheckReport:
    """Outcome of `check_connection`: `ok`, what was proven, or what went wrong and the next step."""

    connection: str
    connector: str
    ok: bool
    proven: tuple[str, ...] = ()
    problem: str = ""
    next_step: str = ""
