"""Read-only access to the published marts. A mart that is missing reads as empty."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

Row = dict[str, Any]


class Marts:
    """The schema `marts` of one DuckDB file."""

    def __init__(self, database: Path) -> None:
        self._connection = duckdb.connect(str(database), read_only=True)
        self._connection.execute("set TimeZone = 'UTC'")
        found = self._connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'")
        self._tables = {name for (name,) in found.fetchall()}

    def __enter__(self) -> Marts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def has(self, *tables: str) -> bool:
        """Whether all these marts are there."""
        return self._tables.issuperset(tables)

    def rows(self, query: str, parameters: Sequence[Any] = (), *, of: Sequence[str]) -> list[Row]:
        """Rows of a query as dictionaries.

        Args:
            query: SQL over `marts.<table>`.
            parameters: values of its placeholders.
            of: the marts it reads; where one is missing there are no rows.
        """
        if not self.has(*of):
            return []
        result = self._connection.execute(query, list(parameters))
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def value(self, query: str, parameters: Sequence[Any] = (), *, of: Sequence[str]) -> Any:
        """First column of the first row, or None."""
        rows = self.rows(query, parameters, of=of)
        return next(iter(rows[0].values())) if rows else None
