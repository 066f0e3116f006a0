"""Tables read whole: landed when they have changed, refused when they shrink too much at once."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from ingestion.core.connector import Batch, RunContext
from ingestion.core.errors import SourceError
from ingestion.generic.sql.config import SqlTable
from ingestion.generic.sql.cursor import digest
from ingestion.generic.sql.database import Names, select, stream

# below this many rows a table may shrink by any share
_FEW_ROWS = 20

Typed = Callable[[RunContext, SqlTable, Names, Sequence[Sequence[Any]]], Batch]


def table(
    ctx: RunContext,
    connection: sa.Connection,
    settings: SqlTable,
    names: Names,
    state: dict[str, Any],
    typed: Typed,
) -> Iterator[Batch]:
    """All rows of a table, if any row differs from the last load; nothing otherwise.

    Rows wait in an unnamed temporary file until the last one has shown whether the table has changed.
    """
    total = 0
    combined = 0
    with tempfile.TemporaryFile(dir=ctx.settings.pipelines) as spool:
        for rows in stream(connection, select(settings, names), ctx.config.batch_rows):
            total += len(rows)
            for row in rows:
                # a sum does not depend on the order in which the database returns the rows
                combined = (combined + int(digest(row), 16)) % (1 << 96)
            pickle.dump([tuple(row) for row in rows], spool, protocol=pickle.HIGHEST_PROTOCOL)
        content = f"{total}:{combined:024x}:{digest(tuple(names.values()))}"
        if content == state.get("content"):
            return
        _refuse_loss(settings, int(state.get("rows", 0)), total)
        spool.seek(0)
        read = 0
        while read < total:
            rows = pickle.load(spool)
            read += len(rows)
            yield typed(ctx, settings, names, rows)
    # an emptied table is a load as well: the window makes it one
    ctx.window(settings.name, None, ctx.started_at)
    state["content"], state["rows"] = content, total


def _refuse_loss(settings: SqlTable, before: int, now: int) -> None:
    lost = before - now
    if lost > _FEW_ROWS and lost > settings.max_shrink_share * before:
        raise SourceError(
            f"the table has {now:,} rows, {lost:,} fewer than at the last load ({lost / before:.0%}, allowed "
            f"{settings.max_shrink_share:.0%}).",
            "If that is right, raise `max_shrink_share` for one run.",
        )
