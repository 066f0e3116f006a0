"""Tables of a `sql` connection, as far as the settings tell; the database completes them."""

from __future__ import annotations

from ingestion.core.connector import ColumnType, TableSpec
from ingestion.generic.sql.config import Config, SqlTable


def tables(config: Config) -> dict[str, TableSpec]:
    """Specs by table name. A table without declared columns has its key, cursor and version only."""
    return {table.name: spec_of(table, declared(table)) for table in config.tables}


def declared(table: SqlTable) -> dict[str, ColumnType]:
    """Declared columns, or what is known without asking the database."""
    if table.columns:
        return {column.to: column.type for column in table.columns}
    names = dict.fromkeys((*table.key, table.cursor, table.version_column))
    return {name: "text" if name in table.key else "timestamp" for name in names if name}


def spec_of(table: SqlTable, columns: dict[str, ColumnType]) -> TableSpec:
    """Spec of a table with the given columns."""
    return TableSpec(
        name=table.name,
        columns=columns,
        key=table.key,
        version=table.version_column or table.cursor,
        description=table.description or f"Rows of {table.table or table.name}.",
        owner=table.owner,
        required=tuple(column.to for column in table.columns if column.required),
        snapshot=table.cursor is None,
        deletes=table.reconcile is not None,
        entities=tuple(mapping.entity for mapping in table.entities),
        expected_hours=table.expected_hours,
    )
