"""What every incremental API source needs: batches of rows, memory of an overlap, and what already landed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ingestion.core.errors import SourceError

if TYPE_CHECKING:
    from ingestion.core.connector import Batch, RunContext

BATCH_ROWS = 5_000
"""Rows per Arrow batch: pages of 100 would make row groups too small to scan fast."""

MEMORY_LIMIT = 50_000
"""Records remembered per overlap. A bulk change of more is read twice, which costs time and loses nothing."""


class RowBuffer:
    """Gathers flat rows of one table into batches, each row with its source reference and original.

    Args:
        ctx: the run.
        table: name of a table in `ctx.specs`.
    """

    def __init__(self, ctx: RunContext, table: str, size: int = BATCH_ROWS) -> None:
        self._ctx, self._table, self._size = ctx, table, size
        self._rows: list[Mapping[str, Any]] = []
        self._origin: list[tuple[str, Any]] = []
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: Mapping[str, Any], raw: Any, ref: str) -> None:
        """Take in one row; `raw` is what goes to rejected_rows when it does not fit."""
        self._rows.append(row)
        self._origin.append((ref, raw))

    def add_bytes(self, size: int) -> None:
        """Count bytes read for the load's figures."""
        self._bytes += size

    def full(self) -> Iterator[Batch]:
        """A batch when enough rows are there, else nothing."""
        if len(self._rows) >= self._size:
            yield from self.rest()

    def rest(self) -> Iterator[Batch]:
        """What is left, if anything."""
        if self._rows:
            rows, origin, size = self._rows, self._origin, self._bytes
            self._rows, self._origin, self._bytes = [], [], 0
            yield self._ctx.rows(
                self._table, rows, lambda i: origin[i][0], raw=lambda i: origin[i][1], bytes_read=size
            )


class OverlapMemory:
    """Remembers which versions were seen in the zone that the next run reads again.

    A run that re-reads `[watermark - overlap, …)` meets the records of the overlap twice. What is equal to
    what was seen is not landed again, so a run without changes lands nothing.

    Args:
        state: dict of the connector's state that holds the memory.
        name: key of the memory in `state`.
        carry: what was seen before stays remembered, for a window read in several packages.
    """

    def __init__(self, state: dict[str, Any], name: str, *, carry: bool = False) -> None:
        self._state, self._name = state, name
        self._before: dict[str, str] = dict(state.get(name) or {})
        self._now: dict[str, str] = dict(self._before) if carry else {}

    def is_new(self, key: str, version: str, *, keep: bool) -> bool:
        """True when this version of the record was not seen by the previous run nor in this one.

        Args:
            key: id of the record.
            version: text that changes with the record.
            keep: the record lies in the zone the next run reads again.
        """
        known = self._now.get(key, self._before.get(key))
        if keep:
            self._now[key] = version
        return known != version

    def gone(self) -> set[str]:
        """Keys the previous run saw and this one did not; meaningful where each run reads everything."""
        return set(self._before) - set(self._now)

    def commit(self) -> None:
        """Put what was seen into the state, for the next run."""
        kept = self._now if len(self._now) <= MEMORY_LIMIT else {}
        if kept:
            self._state[self._name] = dict(sorted(kept.items()))
        else:
            self._state.pop(self._name, None)


def fingerprint(record: Any) -> str:
    """Short text that changes with the content of a JSON-like record."""
    payload = json.dumps(record, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.blake2b(payload.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()


def instant(value: Any) -> datetime | None:
    """ISO 8601 text, or Unix seconds, as UTC instant; None when it is neither. Naive text is UTC."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        parsed = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    except (ValueError, OverflowError, OSError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def iso(value: datetime) -> str:
    """Instant as ISO 8601 text in UTC, for the state and for queries that take microseconds."""
    return value.astimezone(UTC).isoformat()


def is_due(last: str | None, days: float, now: datetime) -> bool:
    """Whether something that is done every `days` is due; `days` 0 = never, `last` None = due."""
    if not days:
        return False
    before = instant(last)
    return before is None or now - before >= timedelta(days=days)


def phone_region(ctx: RunContext) -> str | None:
    """Country of phone numbers written without a prefix: the connection's, else the company's."""
    return ctx.config.default_phone_region or ctx.connection.country


def landed(ctx: RunContext, table: str, columns: str, suffix: str = "") -> list[tuple[Any, ...]]:
    """Rows of a table that completed loads of this connection brought before.

    Args:
        ctx: the run.
        table: landed table.
        columns: SQL select list.
        suffix: SQL after `from`, such as a group by.
    """
    import duckdb

    from ingestion.core.lake import completed_files

    files = [str(file) for file in completed_files(ctx.settings.lake / ctx.connection.dataset, table)]
    if not files:
        return []
    query = f"select {columns} from read_parquet(?, union_by_name = true) {suffix}"
    with duckdb.connect(config={"threads": 2}) as db:
        # by way of Arrow: instants come back with their zone without DuckDB's optional icu extension
        found = db.execute(query, [files]).to_arrow_table()
    return list(zip(*(column.to_pylist() for column in found.columns), strict=True))


def vanished(known: set[str], listed: set[str], *, max_share: float, table: str, setting: str) -> list[str]:
    """Ids that landed before and are not listed any more, sorted.

    Args:
        known: live ids that landed before.
        listed: ids the source lists now.
        max_share: refuse when a greater share of the known ids is gone.
        table: table concerned, for the message.
        setting: name of the setting to raise when the loss is real.

    Raises:
        SourceError: more is gone than `max_share`; an empty or cut list must not delete a table.
    """
    gone = known - listed
    # in a small table a few deletions are a large share; an empty list is suspicious at any size
    large = len(gone) > max_share * len(known) and (len(gone) > 20 or not listed)
    if gone and large and max_share < 1:
        raise SourceError(
            f"{len(gone)} of {len(known)} known records are not listed any more.",
            f"If they were really deleted, raise `{setting}`; else check the permissions of the token.",
            table=table,
        )
    return sorted(gone)
