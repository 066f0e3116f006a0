"""Reading tables of a database: changed rows by a cursor with a lag, or whole tables, and keys that went away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from ingestion.core.arrow import PROBLEMS
from ingestion.core.connector import Batch, RunContext
from ingestion.core.deletes import KEY_SEPARATOR
from ingestion.core.errors import SourceError
from ingestion.core.quarantine import settle
from ingestion.core.values import column_of
from ingestion.generic.sql import cursor, keys, whole
from ingestion.generic.sql.config import SqlTable
from ingestion.generic.sql.database import (
    Names,
    engine,
    names_of,
    select,
    snapshot,
    stream,
    without_zero_dates,
)
from ingestion.generic.sql.schema import spec_of


def read(ctx: RunContext) -> Iterator[Batch]:
    """Batches of changed rows, whole tables and deletions; see `Source.read`."""
    tables = ctx.state.get("tables", {})
    with snapshot(engine(ctx)) as connection:
        for table in ctx.config.tables:
            try:
                names = names_of(connection, table)
                columns = {field.to: field.kind for field in names.values()}
                ctx.specs = {**ctx.specs, table.name: spec_of(table, columns)}
                state = dict(tables.get(table.name, {}))
                if table.cursor:
                    yield from _changed(ctx, connection, table, names, state)
                    yield from keys.gone(ctx, connection, table, names, state)
                else:
                    yield from whole.table(ctx, connection, table, names, state, typed)
            except SourceError as error:
                ctx.deferred.append(SourceError(error.cause, error.next_step, table=table.name))
                continue
            if state != tables.get(table.name, {}):
                tables = {**tables, table.name: state}
                ctx.state["tables"] = tables


def check(ctx: RunContext) -> list[str]:
    """Prove that the server answers and that each table and column is there and readable."""
    proven = []
    with snapshot(engine(ctx)) as connection:
        for table in ctx.config.tables:
            names = names_of(connection, table)
            connection.execute(select(table, names).limit(1)).all()
            proven.append(f"{table.name}: {len(names)} columns readable")
    return proven


def _changed(
    ctx: RunContext, connection: sa.Connection, table: SqlTable, names: Names, state: dict[str, Any]
) -> Iterator[Batch]:
    """Rows at or after the watermark less the lag, without those loaded already."""
    statement = select(table, names)
    watermark = cursor.from_state(state["watermark"]) if "watermark" in state else None
    if watermark is not None:
        start = cursor.since(table, watermark)
        statement = cursor.condition(connection.dialect.name, table, names, statement, start)
    recent = cursor.Recent(table, state.get("recent", ()))
    position = [field.to for field in names.values()].index(str(table.cursor))
    for rows in stream(connection, statement, ctx.config.batch_rows):
        watermark, cursors = cursor.greatest(table, watermark, (row[position] for row in rows))
        if fresh := recent.fresh(rows, cursors, watermark):
            yield typed(ctx, table, names, fresh)
    if watermark is not None:
        state["watermark"] = cursor.to_state(watermark)
        state["recent"] = recent.to_keep()


def typed(ctx: RunContext, table: SqlTable, names: Names, rows: Sequence[Sequence[Any]]) -> Batch:
    """Rows of the database as a typed batch."""
    arrays: dict[str, Any] = {}
    problems = []
    fields = list(names.values())
    for field, values in zip(fields, zip(*rows, strict=True), strict=True):
        column = list(values)
        if field.kind in ("timestamp", "date"):
            column = without_zero_dates(column)
        arrays[field.to], bad = column_of(column, field.kind, field.how)
        if bad is not None:
            problems.append((field.to, PROBLEMS[field.kind], bad))
    places = [index for index, field in enumerate(fields) if field.to in table.key]
    return settle(
        ctx.specs[table.name],
        arrays,
        problems,
        lambda index: f"{table.name}:{KEY_SEPARATOR.join(str(rows[index][place]) for place in places)}",
        lambda index: {f.to: _jsonable(value) for f, value in zip(fields, rows[index], strict=True)},
        len(rows),
    )


def _jsonable(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "backslashreplace")
    return value.isoformat() if isinstance(value, dt.date) else value
