"""One load package: the rows of a connector's `read`, what it rejected, and the figures of the load."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ingestion.core.arrow import schema_of
from ingestion.core.bookkeeping import BOOKKEEPING, LOAD_METRICS, REJECTED_ROWS
from ingestion.core.connector import Batch, Rejected, RunContext, SourceError, TableLoad
from ingestion.core.quarantine import rejected_table, typed_batch

if TYPE_CHECKING:
    from ingestion.core.connector import Reporter

# dlt spends about 4 ms on every table handed over, so pages of an API are gathered; 50,000 rows of 15 columns
# are some 10 MB
_FLUSH_ROWS = 50_000
# below this many rejected rows their share says nothing about the shape of the source
_FEW_REJECTED = 10


@dataclass
class Package:
    """Turns batches into tables for dlt and keeps the books.

    After `tables` is exhausted, `counts` holds rows read, loaded and rejected per table.
    """

    ctx: RunContext
    reporter: Reporter | None = None
    counts: dict[str, TableLoad] = field(default_factory=dict)
    bytes_read: dict[str, int] = field(default_factory=dict)
    _pending: dict[str, list[pa.Table]] = field(default_factory=dict)
    _ordinals: dict[str, int] = field(default_factory=dict)
    _reasons: dict[str, dict[str, int]] = field(default_factory=dict)

    def tables(
        self, batches: Iterator[Batch], commit: Callable[[dict[str, Any]], None]
    ) -> Iterator[tuple[str, pa.Table]]:
        """Pairs (table name, Arrow table with system columns), in the order in which dlt should get them.

        Args:
            batches: what the connector reads.
            commit: called last with the connector's new state.

        Raises:
            SourceError: too many rows were rejected; nothing of the package is kept then.
        """
        for batch in batches:
            yield from self._add(batch)
        self._check_share()
        yield from self._add(self._metrics())
        for name in list(self._pending):
            yield from self._flush(name)
        commit(copy.deepcopy(self.ctx.state))

    def _add(self, batch: Batch) -> Iterator[tuple[str, pa.Table]]:
        rows = 0 if batch.rows is None else batch.rows.num_rows
        if batch.table not in BOOKKEEPING:
            self._count(batch, rows)
        if rows:
            assert batch.rows is not None
            yield from self._queue(batch.table, batch.rows.cast(schema_of(self.ctx.specs[batch.table])))
        if batch.rejected:
            table = rejected_table(batch.table, batch.rejected, datetime.now(UTC))
            yield from self._queue(REJECTED_ROWS.name, table)

    def _count(self, batch: Batch, rows: int) -> None:
        count = self.counts.setdefault(batch.table, TableLoad())
        count.loaded += rows
        count.rejected += len(batch.rejected)
        count.read += rows + len(batch.rejected)
        self.bytes_read[batch.table] = self.bytes_read.get(batch.table, 0) + batch.bytes_read
        reasons = self._reasons.setdefault(batch.table, {})
        for rejected in batch.rejected:
            reasons[rejected.reason] = reasons.get(rejected.reason, 0) + 1
        if self.reporter:
            self.reporter(self.ctx.connection.name, batch.table, count.read)

    def _queue(self, name: str, table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
        queue = self._pending.setdefault(name, [])
        queue.append(table)
        if sum(part.num_rows for part in queue) >= _FLUSH_ROWS:
            yield from self._flush(name)

    def _flush(self, name: str) -> Iterator[tuple[str, pa.Table]]:
        parts = self._pending.pop(name, [])
        if not parts:
            return
        table = pa.concat_tables(parts)
        first = self._ordinals.get(name, 0) + 1
        self._ordinals[name] = first + table.num_rows - 1
        ordinals = pa.array(range(first, first + table.num_rows), pa.int64())
        yield name, table.append_column("_cx_row", ordinals).combine_chunks()

    def _check_share(self) -> None:
        limit = self.ctx.connection.max_rejected_share
        for table, count in self.counts.items():
            if count.rejected > (_FEW_REJECTED if limit > 0 else 0) and count.rejected > limit * count.read:
                top = sorted(self._reasons[table].items(), key=lambda item: (-item[1], item[0]))[:3]
                reasons = ", ".join(f"{reason} ({number:,})" for reason, number in top)
                raise SourceError(
                    f"{count.rejected:,} of {count.read:,} rows do not fit ({count.rejected / count.read:.1%}, "
                    f"allowed {limit:.1%}): {reasons}.",
                    "Nothing was loaded. Correct the columns of the table, or raise `max_rejected_share`.",
                    table=table,
                )

    def _metrics(self) -> Batch:
        names = list(dict.fromkeys((*self.counts, *self.ctx.windows)))
        now = datetime.now(UTC)
        rows = []
        for position, name in enumerate(names):
            count = self.counts.get(name, TableLoad())
            start, end = self.ctx.windows.get(name, (None, None))
            rows.append(
                {
                    "source_table": name,
                    "rows_read": count.read,
                    "rows_loaded": count.loaded,
                    "rows_rejected": count.rejected,
                    "bytes_read": self.bytes_read.get(name, 0),
                    # requests are counted per load; they stand on its first row so that sums are right
                    "requests": self.ctx.requests if position == 0 else 0,
                    "started_at": self.ctx.started_at,
                    "finished_at": now,
                    "window_start": start,
                    "window_end": end,
                }
            )
        return typed_batch(LOAD_METRICS, rows, LOAD_METRICS.name)


def rejected_total(counts: dict[str, TableLoad]) -> int:
    """Rejected rows over all tables."""
    return sum(count.rejected for count in counts.values())


__all__ = ["Package", "Rejected", "rejected_total"]
