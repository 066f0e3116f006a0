"""How far a table has been read, and from where to read on.

The watermark is the greatest cursor value seen, in the database's own notation, so that no clock of ours decides.
A transaction that commits late has an older value than rows already seen (measured: without a lag it is lost), so
each run reads a little back; rows of that overlap that were loaded already are known by their digest and left out,
which makes a run without changes load nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import zoneinfo
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from ingestion.core.errors import SourceError
from ingestion.generic.sql.config import SqlTable
from ingestion.generic.sql.database import Names

# above this many rows in the overlap (a bulk update) their digests are not kept; they are loaded once more
_MAX_RECENT = 50_000

CursorValue = int | dt.datetime


def as_cursor(value: Any) -> CursorValue | None:
    """A database value as something that can be compared; dates are midnights, aware datetimes are UTC."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise ValueError("a truth value is no cursor")
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC) if value.tzinfo else value
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)
    raise ValueError("neither a time nor a whole number")


def to_state(value: CursorValue) -> int | str:
    """A cursor value for the state."""
    return value.isoformat() if isinstance(value, dt.datetime) else value


def from_state(value: int | str) -> CursorValue:
    """The cursor value of a state."""
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else value


def greatest(
    table: SqlTable, known: CursorValue | None, values: Iterable[Any]
) -> tuple[CursorValue | None, list[CursorValue | None]]:
    """The greatest cursor value, and the values in comparable form.

    Args:
        table: for the message.
        known: greatest value before.
        values: as the database gave them; nulls do not count.

    Raises:
        SourceError: values that do not compare.
    """
    try:
        cursors = [as_cursor(value) for value in values]
        present: list[Any] = [c for c in (known, *cursors) if c is not None]
        return max(present, default=None), cursors
    except (ValueError, TypeError) as error:
        raise SourceError(
            f"values of the cursor {table.cursor} cannot be put in order: {error}.",
            "Choose a timestamp, date or whole-number column as `cursor`.",
            table=table.name,
        ) from error


def since(table: SqlTable, watermark: CursorValue) -> CursorValue:
    """Where to read on: the watermark less the lag.

    Local times without zone repeat an hour when clocks go back; near such a change one hour more is read.
    """
    if not isinstance(watermark, dt.datetime):
        return watermark - table.lag_ids
    start = watermark - dt.timedelta(seconds=table.lag_seconds)
    if watermark.tzinfo is None:
        zone = zoneinfo.ZoneInfo(table.time_zone)
        around = [
            (watermark + dt.timedelta(hours=h)).replace(tzinfo=zone).utcoffset() or dt.timedelta()
            for h in (-3, 0, 3)
        ]
        start -= max(around) - min(around)
    return start


def condition(
    dialect: str, table: SqlTable, names: Names, statement: sa.Select[Any], start: CursorValue
) -> sa.Select[Any]:
    """The statement limited to rows at or after `start`; rows without cursor value are always read."""
    source = next(source for source, field in names.items() if field.to == table.cursor)
    column: Any = statement.selected_columns[source]
    if dialect == "sqlite" and isinstance(start, dt.datetime):
        # SQLite keeps times as text of several spellings; julianday reads all of them, with or without offset
        bound = start.astimezone(dt.UTC).replace(tzinfo=None) if start.tzinfo else start
        text = bound.isoformat(" ", timespec="milliseconds")
        return statement.where(sa.or_(column.is_(None), sa.func.julianday(column) >= sa.func.julianday(text)))
    return statement.where(sa.or_(column.is_(None), column >= start))


class Recent:
    """Rows of the overlap, to tell those loaded already from new and changed ones.

    Args:
        table: names the lag.
        known: digests of the rows that the last run left in the overlap.
    """

    def __init__(self, table: SqlTable, known: Iterable[str]) -> None:
        self.table, self.known = table, set(known)
        self._candidates: list[tuple[CursorValue | None, Sequence[Any]]] = []

    def fresh(
        self,
        rows: Sequence[Sequence[Any]],
        cursors: list[CursorValue | None],
        watermark: CursorValue | None,
    ) -> Sequence[Sequence[Any]]:
        """Rows not loaded before as they are.

        Args:
            rows: read now.
            cursors: their cursor values.
            watermark: greatest cursor value so far.
        """
        self._candidates += zip(cursors, rows, strict=True)
        if watermark is not None:
            self._candidates = _from(self._candidates, since(self.table, watermark))
        if not self.known:
            return rows
        return [row for row in rows if digest(row) not in self.known]

    def to_keep(self) -> list[str]:
        """Digests of the rows that the next run will read again."""
        rows = self._candidates
        return sorted({digest(row) for _, row in rows}) if len(rows) <= _MAX_RECENT else []


def _from(
    rows: list[tuple[CursorValue | None, Sequence[Any]]], start: CursorValue
) -> list[tuple[CursorValue | None, Sequence[Any]]]:
    return [(c, row) for c, row in rows if c is None or c >= start]  # type: ignore[operator]


def digest(row: Sequence[Any]) -> str:
    """Twelve bytes that differ when a row differs, as text."""
    return hashlib.blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
