"""Errors a person can act on: what was wrong, where, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestion.core.connector import LoadResult


class ConfigError(Exception):
    """A setting is wrong.

    Args:
        problem: what is wrong, one sentence.
        next_step: what to do about it.
        file: the file to edit.
        line: line number in that file, counted from 1.
        key: dotted path of the setting.
    """

    def __init__(
        self,
        problem: str,
        next_step: str,
        *,
        file: Path | None = None,
        line: int | None = None,
        key: str | None = None,
    ) -> None:
        self.problem, self.next_step, self.file, self.line, self.key = problem, next_step, file, line, key
        where = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        named = f"{key}: " if key else ""
        super().__init__(f"{where}{named}{problem} {next_step}".strip())


class LoadError(Exception):
    """A connection could not be loaded.

    Args:
        connection: name of the connection.
        table: table concerned, or None when the connection as a whole failed.
        cause: what happened, without secret values.
        next_step: what to do about it.
        result: what was committed before the failure, if anything was.
    """

    def __init__(
        self,
        connection: str,
        table: str | None,
        cause: str,
        next_step: str,
        *,
        result: LoadResult | None = None,
    ) -> None:
        self.connection, self.table, self.cause, self.next_step = connection, table, cause, next_step
        self.result = result
        where = f"{connection}.{table}" if table else connection
        super().__init__(f"{where}: {cause} {next_step}".strip())


class SourceError(Exception):
    """Raised by a connector while reading; the pipeline turns it into a `LoadError`.

    Args:
        cause: what happened, without secret values.
        next_step: what to do about it.
        table: table concerned, if one is.
    """

    def __init__(self, cause: str, next_step: str = "", *, table: str | None = None) -> None:
        self.cause, self.next_step, self.table = cause, next_step, table
        super().__init__(f"{cause} {next_step}".strip())
