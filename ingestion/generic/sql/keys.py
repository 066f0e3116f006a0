"""Noticing deleted rows: keys in the lake that the database no longer has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa

from ingestion.core.connector import Batch, RunContext
from ingestion.core.deletes import KEY_SEPARATOR
from ingestion.core.errors import SourceError
from ingestion.core.lake import completed_files, completed_loads
from ingestion.core.values import column_of
from ingestion.generic.sql.config import SqlTable
from ingestion.generic.sql.database import Names, select, stream

# fewer keys than this may always go at once
_FEW_KEYS = 20


def gone(
    ctx: RunContext, connection: sa.Connection, table: SqlTable, names: Names, state: dict[str, Any]
) -> Iterator[Batch]:
    """Tombstones for keys that are in the lake and no longer in the database, when the comparison is due."""
    settings = table.reconcile
    if settings is None or not _due(state.get("reconciled_at"), settings.every_hours, ctx.started_at):
        return
    known = _known(ctx, table)
    order = [field.to for field in names.values() if field.to in table.key]
    present: set[str] = set()
    for rows in stream(connection, select(table, names, only=table.key), ctx.config.batch_rows):
        texts = [column_of(list(values), "text")[0] for values in zip(*rows, strict=True)]
        present.update(_joined([texts[order.index(name)] for name in table.key]))
    lost = sorted(known - present)
    if len(lost) > _FEW_KEYS and len(lost) > settings.max_share * len(known):
        raise SourceError(
            f"{len(lost):,} of {len(known):,} keys are gone at once ({len(lost) / len(known):.0%}, allowed "
            f"{settings.max_share:.0%}); none was marked as deleted.",
            "If they were deleted, raise `reconcile.max_share` for one run.",
        )
    if settings.every_hours:
        state["reconciled_at"] = ctx.started_at.isoformat()
    if lost:
        yield ctx.deletes(table.name, lost, "key_reconciliation")


def _due(last: str | None, hours: float, now: dt.datetime) -> bool:
    return last is None or now - dt.datetime.fromisoformat(last) >= dt.timedelta(hours=hours)


def _known(ctx: RunContext, table: SqlTable) -> set[str]:
    """Keys of the lake whose newest word is a row, not a tombstone."""
    folder = ctx.settings.lake / ctx.connection.dataset
    live: set[str] = set()
    for load_id in completed_loads(folder):
        for file in completed_files(folder, table.name, [load_id]):
            columns = pq.ParquetFile(file).read(columns=list(table.key))
            live.update(_joined([columns.column(name).cast("string") for name in table.key]))
        for file in completed_files(folder, f"{table.name}__deletes", [load_id]):
            live.difference_update(_joined([pq.ParquetFile(file).read().column("source_id")]))
    return live


def _joined(parts: list[Any]) -> list[str]:
    joined = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, KEY_SEPARATOR)
    return joined.to_pylist()
