"""One built warehouse per example and test session: load, build, publish into a temporary home."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ingestion.connections import Connections, load_connections
from ingestion.pipeline import run_connections
from ingestion.settings import Settings, load_settings
from orchestration import dbt_build
from orchestration.publish import prepare_work, publish
from tests.support.reference_data import PROJECT_ROOT, REFERENCE_DATA

EXAMPLES = PROJECT_ROOT / "examples"


@dataclass(frozen=True)
class Warehouse:
    """A home with published marts.

    Attributes:
        settings: where it lies.
        connections: what was loaded.
    """

    settings: Settings
    connections: Connections

    @property
    def database(self) -> Path:
        """The published file."""
        return self.settings.published / "current" / "cx.duckdb"

    def query(self, sql: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query on the published marts (schema `marts` is searched)."""
        return query(self.settings.home, sql, parameters)

    def value(self, sql: str, parameters: Iterable[Any] = ()) -> Any:
        """The single value of a query that gives one row with one column."""
        rows = self.query(sql, parameters)
        assert len(rows) == 1 and len(rows[0]) == 1, f"{len(rows)} rows from: {sql}"
        return rows[0][0]

    def build_value(self, sql: str, parameters: Iterable[Any] = ()) -> Any:
        """The single value of a query on the build database (staging, conformed, intermediate)."""
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            con.execute("set timezone = 'UTC'")
            row = con.execute(sql, list(parameters)).fetchone()
        assert row is not None
        return row[0]


def query(home: Path, sql: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """Rows of a query on the published marts of a home, read-only, times in UTC."""
    database = home / "published" / "current" / "cx.duckdb"
    with duckdb.connect(str(database), read_only=True) as con:
        con.execute("set timezone = 'UTC'")
        con.execute("set search_path = 'marts'")
        return con.execute(sql, list(parameters)).fetchall()


def example_settings(name: str, home: Path) -> Settings:
    """Settings of `examples/<name>.yml` with a data home of its own."""
    os.environ["CX_REFERENCE_DATA"] = str(REFERENCE_DATA)
    return load_settings(home, EXAMPLES / f"{name}.yml").prepare()


def load_all(settings: Settings, connections: Connections) -> None:
    """Load every connection once; a failed one raises."""
    for result in run_connections(settings, connections.connections):
        if isinstance(result, Exception):
            raise result


def build_and_publish(settings: Settings, connections: Connections, *, tests: bool = True) -> None:
    """Build all models, with their data tests if wanted, and make the result the published version."""
    prepare_work(settings.published)
    arguments = [*dbt_build.BUILD, "--vars", dbt_build.variables(settings, connections)]
    dbt_build.run_dbt(settings, [*arguments, *([] if tests else ["--exclude-resource-type", "test"])])
    publish(settings.published, {})


def build_warehouse(settings: Settings, *, tests: bool = True) -> Warehouse:
    """Load, build and publish what the connections file of `settings` names; data tests of dbt only if wanted."""
    connections = load_connections(settings, require_secrets=True)
    load_all(settings, connections)
    build_and_publish(settings, connections, tests=tests)
    return Warehouse(settings, connections)
