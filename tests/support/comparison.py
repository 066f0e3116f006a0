"""Two built homes, table by table."""

from __future__ import annotations

from pathlib import Path

import duckdb

# What tells when and in which load a row came, not what it says.
LOAD_COLUMNS = frozenset({"_dlt_load_id", "_cx_row", "dlt_load_id", "extracted_at"})

# Tables about the loads themselves: how many there were and when.
LOAD_TABLES = frozenset({"mart_source_freshness", "stg_lake__load_metrics"})


def differences(
    left: Path,
    right: Path,
    schemas: tuple[str, ...],
    *,
    ignore: frozenset[str] = LOAD_COLUMNS,
    skip: frozenset[str] = LOAD_TABLES,
) -> dict[str, str]:
    """Tables of two DuckDB files that do not hold the same rows, with what differs.

    Args:
        left: database file.
        right: database file.
        schemas: schemas to compare; each must hold tables on both sides.
        ignore: names of columns that are left out.
        skip: names of tables that are left out.

    Returns:
        `schema.table` -> what differs; empty when every table is the same multiset of rows.
    """
    found: dict[str, str] = {}
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.execute(f"attach '{left}' as a (read_only); attach '{right}' as b (read_only)")
        for schema in schemas:
            tables = _tables(con, "a", schema)
            assert tables, f"nothing to compare in schema {schema} of {left}"
            for missing in tables.keys() ^ _tables(con, "b", schema).keys():
                found[f"{schema}.{missing}"] = "stands on one side only"
            for table, columns in tables.items():
                if table in skip:
                    continue
                name = f"{schema}.{table}"
                if name in found:
                    continue
                if columns != _tables(con, "b", schema)[table]:
                    found[name] = "has other columns"
                    continue
                kept = ", ".join(f'"{column}"' for column in columns if column not in ignore)
                lost, gained = (
                    con.execute(
                        f"select count(*) from (select {kept} from {x}.{name} except all"
                        f" select {kept} from {y}.{name})"
                    ).fetchone()[0]  # type: ignore[index]
                    for x, y in (("a", "b"), ("b", "a"))
                )
                if lost or gained:
                    found[name] = f"{lost} rows only on the left, {gained} only on the right"
    return found


def _tables(con: duckdb.DuckDBPyConnection, database: str, schema: str) -> dict[str, list[str]]:
    rows = con.execute(
        "select table_name, column_name from information_schema.columns"
        " join information_schema.tables using (table_catalog, table_schema, table_name)"
        " where table_catalog = ? and table_schema = ? and table_type = 'BASE TABLE'"
        " order by table_name, ordinal_position",
        [database, schema],
    ).fetchall()
    tables: dict[str, list[str]] = {}
    for table, column in rows:
        tables.setdefault(table, []).append(column)
    return tables
