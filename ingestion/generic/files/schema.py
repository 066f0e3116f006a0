"""Tables of a `files` connection: the profiles' tables and the list of files seen."""

from __future__ import annotations

from collections.abc import Mapping

from ingestion.core.bookkeeping import FILES_SEEN
from ingestion.core.connector import ColumnType, TableSpec
from ingestion.generic.files.config import Config

SYSTEM_COLUMNS: Mapping[str, ColumnType] = {"extra": "json", "_cx_file": "text", "_cx_file_row": "bigint"}


def tables(config: Config) -> dict[str, TableSpec]:
    """Specs by table name."""
    specs = {
        table.name: TableSpec(
            name=table.name,
            columns={column.to: column.type for column in table.columns},
            key=table.key,
            version=table.version_column,
            description=table.description or f"Rows of the files {table.glob}.",
            owner=table.owner,
            required=tuple(column.to for column in table.columns if column.required),
            entities=tuple(mapping.entity for mapping in table.entities),
            expected_hours=table.expected_hours,
            system_columns=SYSTEM_COLUMNS,
        )
        for table in config.tables
    }
    specs[FILES_SEEN.name] = FILES_SEEN
    return specs
