"""Runs the checks at the two boundaries: what came in, and what goes out.

Importing this module does not import Great Expectations; running it does, once per process.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from expectations.derived import combined, derived_suite, softened
from expectations.engine import Bound, evaluate, quoted
from expectations.results import CheckResult, CheckRun
from expectations.suites import Suite, load_folder
from ingestion.connections import Connection, Connections
from ingestion.core.bookkeeping import BOOKKEEPING
from ingestion.core.connector import ColumnType, TableSpec
from ingestion.core.lake import completed_files
from ingestion.settings import Settings

SUITES = Path(__file__).parent
MARTS = SUITES / "marts"
LANDING = SUITES / "landing"
ACCEPT_SHRINK = "CX_ACCEPT_SHRINK"

# Marts of fewer rows may halve by chance or by a corrected record.
_MIN_ROWS_TO_COMPARE = 20

# Files up to this size are read into memory once; each of a dozen queries would open and bind them again, which
# costs more CPU than reading. Larger ones stay views, of which a query reads the columns it needs.
_READ_ONCE_BYTES = 4_000_000

_SQL_TYPES: dict[ColumnType, str] = {
    "text": "varchar",
    "json": "varchar",
    "bigint": "bigint",
    "double": "double",
    "boolean": "boolean",
    "timestamp": "timestamptz",
    "date": "date",
    "decimal": "decimal(18, 4)",
}


def run_landing(settings: Settings, connections: Connections, *, now: datetime | None = None) -> CheckRun:
    """Checks every landed table of every connection, over the files of completed loads.

    Args:
        settings: where the lake is and where results go.
        connections: the switched-on systems. Failures of a connection that is not required only warn.
        now: UTC instant that freshness is measured against; default the clock.

    Returns:
        The run, also saved as `<checks>/landing.json` and `landing.html`.

    Raises:
        ConfigError: a suite file is wrong.
    """
    now = now or datetime.now(UTC)
    with _memory() as database:
        bound = [
            one for connection in connections.connections for one in _bind(database, settings, connection)
        ]
        return _run("landing", settings, database, bound, now)


def run_marts(
    settings: Settings, database: Path, *, now: datetime | None = None, accept_shrink: bool | None = None
) -> CheckRun:
    """Checks the marts of a version before it is published.

    Args:
        settings: where the version published before is and where results go.
        database: DuckDB file with the schema `marts`; opened read-only.
        now: UTC instant of the run; default the clock.
        accept_shrink: take marts that lost most of their rows for right; default the environment variable
            CX_ACCEPT_SHRINK. For a source that was switched off on purpose.

    Returns:
        The run, also saved as `<checks>/marts.json` and `marts.html`.

    Raises:
        ConfigError: a suite file is wrong.
    """
    if accept_shrink is None:
        accept_shrink = os.environ.get(ACCEPT_SHRINK, "").lower() in {"1", "true", "yes"}
    with _memory() as memory:
        built = _mount(memory, database, "built")
        memory.execute("create schema marts")
        for name in built:
            memory.execute(f"create view marts.{quoted(name)} as select * from built.marts.{quoted(name)}")
        previous = {} if accept_shrink else _published_rows(memory, settings, database)
        bound = [
            Bound(
                suite,
                f"marts.{name}",
                schema="marts",
                previous_rows=previous.get(name),
                previous=f"published.marts.{quoted(name)}" if name in previous else "",
            )
            for name, suite in load_folder(MARTS).items()
        ]
        return _run("marts", settings, memory, bound, now or datetime.now(UTC))


def landing_suites(settings: Settings, connection: Connection) -> dict[str, Suite]:
    """The suites of a connection's tables: derived, then vendor's, then the company's own."""
    vendor = load_folder(LANDING / connection.connector)
    own = load_folder(settings.connections_file.parent / "expectations" / connection.name)
    specs = connection.tables
    counted = [name for name in specs if name not in BOOKKEEPING]
    hours = min(spec.expected_hours for spec in specs.values())
    suites = {}
    for name, spec in specs.items():
        derived = derived_suite(spec, connection, counted, hours)
        suite = combined(combined(derived, vendor.get(name)), own.get(name))
        suites[name] = suite if connection.required else softened(suite)
    return suites


def _run(
    stage: str, settings: Settings, database: duckdb.DuckDBPyConnection, bound: list[Bound], now: datetime
) -> CheckRun:
    from expectations.html import render

    started = time.perf_counter()
    results: list[CheckResult] = evaluate(database, bound, now) if bound else []
    run = CheckRun(
        stage="landing" if stage == "landing" else "marts",
        started_at=now,
        seconds=round(time.perf_counter() - started, 3),
        results=results,
    )
    page = run.save(settings.checks).with_suffix(".html")
    page.write_text(render(run), encoding="utf-8")
    return run


@contextlib.contextmanager
def _memory() -> Iterator[duckdb.DuckDBPyConnection]:
    with contextlib.closing(duckdb.connect(":memory:")) as database:
        database.execute("set TimeZone = 'UTC'")
        yield database


def _bind(database: duckdb.DuckDBPyConnection, settings: Settings, connection: Connection) -> list[Bound]:
    """Makes one view or table per landed table of a connection, in a schema named like its dataset."""
    dataset = connection.dataset
    database.execute(f"create schema {quoted(dataset)}")
    specs, bound = connection.tables, []
    for name, suite in landing_suites(settings, connection).items():
        files = completed_files(settings.lake / dataset, name)
        small = sum(file.stat().st_size for file in files) <= _READ_ONCE_BYTES
        database.execute(
            f"create {'table' if small else 'view'} {quoted(dataset)}.{quoted(name)} as"
            f" {_files_query(files) or _empty(specs[name])}"
        )
        bound.append(Bound(suite, f"landing.{dataset}.{name}", schema=dataset, dataset=dataset))
    return bound


def _files_query(files: list[Path]) -> str | None:
    if not files:
        return None
    listed = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    return f"select * from read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"


def _empty(spec: TableSpec) -> str:
    """No rows, in the columns the table will have."""
    columns: dict[str, str] = {name: _SQL_TYPES[kind] for name, kind in spec.columns.items()}
    columns |= {name: _SQL_TYPES[kind] for name, kind in spec.system_columns.items()}
    columns |= {"_dlt_load_id": "varchar", "_cx_row": "bigint"}
    nulls = ", ".join(f"cast(null as {kind}) as {quoted(name)}" for name, kind in columns.items())
    return f"select {nulls} where false"


def _mount(memory: duckdb.DuckDBPyConnection, database: Path, alias: str) -> list[str]:
    """Attaches a file read-only and returns the names of its marts."""
    path = str(database).replace("'", "''")
    memory.execute(f"attach '{path}' as {alias} (read_only)")
    names = memory.execute(
        "select table_name from duckdb_tables() where database_name = ? and schema_name = 'marts' order by 1",
        [alias],
    )
    return [name for (name,) in names.fetchall()]


def _published_rows(memory: duckdb.DuckDBPyConnection, settings: Settings, database: Path) -> dict[str, int]:
    """Rows of each mart in the version published before; only those large enough to compare."""
    current = settings.published / "current" / "cx.duckdb"
    if not current.exists() or current.resolve() == database.resolve():
        return {}
    rows = {
        name: memory.execute(f"select count(*) from published.marts.{quoted(name)}").fetchone()
        for name in _mount(memory, current.resolve(), "published")
    }
    return {name: row[0] for name, row in rows.items() if row and row[0] >= _MIN_ROWS_TO_COMPARE}
