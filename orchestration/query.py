"""Read-only SQL on the published version."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import Any, TextIO

import duckdb

from ingestion.settings import Settings
from orchestration.errors import CxError
from orchestration.publish import DATABASE_FILE, SCHEMA


def published_rows(settings: Settings, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of one statement on the current version.

    The file is opened read-only and DuckDB's access to other files is switched off.

    Raises:
        CxError: nothing is published yet, or DuckDB refuses the statement.
    """
    database = settings.published / "current" / DATABASE_FILE
    if not database.exists():
        raise CxError(str(database), "nothing is published yet", "run: cx run")
    with duckdb.connect(str(database), read_only=True) as con:
        con.execute(f"set timezone = 'UTC'; set schema = '{SCHEMA}'; set enable_external_access = false")
        try:
            result = con.execute(sql)
        except duckdb.Error as error:
            raise CxError("query", str(error), "list the tables with: cx query 'show tables'") from error
        return [column[0] for column in result.description], result.fetchall()


def write_csv(names: Sequence[str], rows: Sequence[Sequence[Any]], stream: TextIO) -> None:
    """Rows as comma-separated values with a header; null is an empty field."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
