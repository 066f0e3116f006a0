"""dbt models on rows of one's choice: compiled once, then run on DuckDB without dbt, or built by dbt itself."""

from __future__ import annotations

import csv
import gc
import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from orchestration.dbt_build import executable
from orchestration.dbt_process import read_manifest
from tests.support.built_once import built_once
from tests.support.web_funnels import web_funnels

PROJECT_ROOT = Path(__file__).resolve().parents[2]
DBT_PROJECT = PROJECT_ROOT / "dbt_project"
SCHEMAS = {"cx_": "warehouse.conformed", "int_": "warehouse.intermediate"}
SESSION_SETTINGS = (
    "set TimeZone = 'UTC'",
    "set default_null_order = 'nulls_first_on_asc_last_on_desc'",
    "set ieee_floating_point_ops = false",
    "set threads = 2",
)
WEB_CHAIN = (
    "int_identity__held", "int_identity__identifiers", "int_identity__edges", "int_identity__components",
    "int_identity__clusters", "int_identity__customer_map", "int_identity__user_map",
    "int_identity__web_days", "int_identity__web_logins", "int_identity__web_user_map",
    "int_identity__rejected", "int_web__timed_sessions", "int_web__long_sessions", "int_web__touch_patterns",
    "int_web__events", "int_web__horizon", "int_web__excluded", "int_web__sessions", "int_web__channel_groups",
)  # fmt: skip
"""Models from the conformed customers and events to sessions, in the order in which they are built."""
Row = Mapping[str, Any]


def dbt_vars(**changes: Any) -> dict[str, Any]:
    """Vars of a dbt call without any connection."""
    base: dict[str, Any] = {
        "connectors": [],
        "generic_tables": [],
        "funnels": [],
        "company_time_zone": "Europe/Warsaw",
        "company_currency": "EUR",
        "company_country": "PL",
    }
    return {**base, **changes}


def invoke_dbt(
    home: Path, arguments: Sequence[str], variables: Mapping[str, Any], **environment: str
) -> None:
    """Run dbt in a process of its own, so that it gives its database file back when it ends.

    Raises:
        AssertionError: with what dbt printed when it fails.
    """
    home.mkdir(parents=True, exist_ok=True)
    paths = {"CX_WAREHOUSE": str(home / "warehouse.duckdb"), "CX_WORK": str(home / "cx.duckdb")}
    done = subprocess.run(
        [executable(), *arguments, *_options(home, variables)],
        env={**os.environ, **paths, "DO_NOT_TRACK": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"dbt {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}"


def _options(home: Path, variables: Mapping[str, Any]) -> list[str]:
    return [
        "--quiet", "--log-level-file", "none", "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT),
        "--target-path", str(home / "target"), "--log-path", str(home / "logs"), "--vars", json.dumps(dict(variables)),
    ]  # fmt: skip


def parsed(factory: pytest.TempPathFactory) -> Path:
    """The project as dbt keeps it once parsed, without any connection; parsed once per test run for all workers.

    With the funnels of web_funnels.py: which models a funnel reads is settled when it is parsed.
    """
    variables = dbt_vars(funnels=web_funnels())
    home = built_once(factory, "parsed", lambda folder: invoke_dbt(folder, ["parse"], variables))
    return home / "target" / "partial_parse.msgpack"


class ParsedProject:
    """The project parsed once, for tests that build the same models many times: a build then starts in half a second.

    Attributes:
        home: folder of `warehouse.duckdb` (see `open_build_file`) and dbt's target.
    """

    def __init__(
        self, home: Path, manifest: Path | None = None, lake: Path | None = None, **variables: Any
    ) -> None:
        """Read what `parsed` gave, or parse; `variables` replace those of `dbt_vars`."""
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self._lake = lake
        self._arguments = ["--no-write-json", *_options(home, dbt_vars(**variables))]
        if manifest is None:
            invoke_dbt(home, ["parse"], dbt_vars(**variables))
            manifest = home / "target" / "partial_parse.msgpack"
        self._manifest = read_manifest(manifest)

    def run(self, select: str, *options: str, home: Path | None = None) -> None:
        """Build models and give the database file back; `home`: that of another build file.

        Raises:
            AssertionError: with the messages of what failed.
        """
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        gc.disable()  # as cx-dbt
        try:
            with self._environment(home or self.home):
                done = dbtRunner(manifest=self._manifest).invoke(
                    ["run", *self._arguments, "--select", select, *options]
                )
        finally:
            gc.enable()
        DuckDBConnectionManager.close_all_connections()
        messages = [f"{r.node.name}: {r.message}" for r in getattr(done.result, "results", []) if r.message]
        assert done.success, done.exception or messages

    def replace(self, model: str, query: str, materialized: str = "table") -> None:
        """Put another query, without any reference, in the place of a model's."""
        node = self._manifest.nodes[f"model.cx.{model}"]
        node.raw_code, node.config.materialized = query, materialized

    @contextmanager
    def _environment(self, home: Path) -> Iterator[None]:
        given = {
            "CX_WAREHOUSE": str(home / "warehouse.duckdb"),
            "CX_WORK": str(home / "cx.duckdb"),
            "CX_LAKE": str(self._lake or ""),
            "DO_NOT_TRACK": "1",
        }
        before = {name: os.environ.get(name) for name in given}
        os.environ.update(given)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


@dataclass(frozen=True)
class CompiledModels:
    """SQL of models by name, as dbt compiled it."""

    sql: Mapping[str, str]

    @classmethod
    def of(cls, factory: pytest.TempPathFactory, select: str, **variables: Any) -> CompiledModels:
        """Compile the models and singular tests that `select` names, once per test run for all workers."""
        # Without "empty" every test of the models named would be compiled too.
        arguments = ["compile", "--select", select, "--indirect-selection", "empty"]
        manifest = str(parsed(factory))
        home = built_once(
            factory,
            "compiled",
            lambda folder: invoke_dbt(folder, arguments, dbt_vars(**variables), CX_DBT_MANIFEST=manifest),
        )
        files = (home / "target" / "compiled" / "cx").glob("[mt]*/**/*.sql")
        return cls({file.stem: file.read_text(encoding="utf-8") for file in files})

    def build(self, connection: duckdb.DuckDBPyConnection, *models: str) -> None:
        """Create the tables of these models, in the order given."""
        for model in models:
            connection.execute(f"create or replace table {relation(model)} as {self.sql[model]}")


def relation(model: str) -> str:
    """Qualified name of a model or seed."""
    for prefix, schema in SCHEMAS.items():
        if model.startswith(prefix):
            return f"{schema}.{model}"
    return f"cx.marts.{model}"


@cache
def model_columns(model: str) -> dict[str, str]:
    """Columns and types that a model's YAML declares."""
    for file in sorted(DBT_PROJECT.glob("models/**/*.yml")):
        for entry in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("models", []):
            if entry["name"] == model:
                return {c["name"]: c["data_type"] for c in entry["columns"]}
    raise AssertionError(f"no YAML describes the model {model}")


@cache
def _seed_files() -> dict[str, tuple[Path, dict[str, str]]]:
    types: dict[str, dict[str, str]] = {}
    for file in DBT_PROJECT.glob("seeds/**/*.yml"):
        for entry in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("seeds", []):
            types[entry["name"]] = entry.get("config", {}).get("column_types", {})
    return {file.stem: (file, types.get(file.stem, {})) for file in DBT_PROJECT.glob("seeds/**/*.csv")}


def open_models(*, seeds: bool = True) -> duckdb.DuckDBPyConnection:
    """A database in memory with the schemas and session settings of the build, and with all seeds if wanted."""
    connection = duckdb.connect()
    for setting in SESSION_SETTINGS:
        connection.execute(setting)
    connection.execute("attach ':memory:' as warehouse")
    connection.execute("attach ':memory:' as cx")
    for schema in ("warehouse.conformed", "warehouse.intermediate", "warehouse.seeds", "cx.marts"):
        connection.execute(f"create schema {schema}")
    if seeds:
        load_seeds(connection)
    return connection


def load_seeds(connection: duckdb.DuckDBPyConnection) -> None:
    """Load every seed file with the types of its YAML."""
    for name, (file, types) in _seed_files().items():
        with file.open(encoding="utf-8", newline="") as handle:
            header = next(csv.reader(handle))
        columns = ", ".join(f'cast("{c}" as {types.get(c, "string")}) as "{c}"' for c in header)
        connection.execute(
            f"create or replace table warehouse.seeds.{name} as select {columns} "
            f"from read_csv(?, all_varchar = true, header = true, nullstr = '', delim = ',')",
            [str(file)],
        )


def fill(
    connection: duckdb.DuckDBPyConnection, model: str, rows: Iterable[Row], defaults: Row | None = None
) -> None:
    """Create a model's table in the types of its YAML and fill it with rows; columns not given are null.

    Common columns of conformed tables (source, deletion, extraction) have defaults.
    """
    columns = model_columns(model)
    common: dict[str, Any] = {
        "source_system": "test", "source_account": "test", "source_object": "test", "source_id": "1",
        "is_deleted": False, "is_test": False, "extracted_at": "2030-01-01 00:00:00", "dlt_load_id": "1",
    }  # fmt: skip
    base = {c: common.get(c) for c in columns} | dict(defaults or {})
    schema = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    connection.execute(f"create or replace table {relation(model)} ({schema})")
    records = []
    for row in rows:
        unknown = set(row) - set(columns)
        assert not unknown, f"{model} has no columns {sorted(unknown)}"
        records.append([{**base, **row}[c] for c in columns])
    if records:
        import pyarrow as pa

        names = list(columns)
        # As text through Arrow: one insert for all rows, and DuckDB casts to the declared types.
        table = pa.table({
            name: pa.array([None if r[i] is None else str(r[i]) for r in records], pa.string())
            for i, name in enumerate(names)
        })  # fmt: skip
        connection.register("given_rows", table)
        casts = ", ".join(f"cast({name} as {kind})" for name, kind in columns.items())
        connection.execute(f"insert into {relation(model)} select {casts} from given_rows")
        connection.unregister("given_rows")


def open_build_file(home: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """The build file of a home that dbt shares; on first use with the schemas and seeds of the build."""
    file = home / "warehouse.duckdb"
    new = not file.exists()
    connection = duckdb.connect()
    for setting in SESSION_SETTINGS:
        connection.execute(setting)
    connection.execute(f"attach '{file}' as warehouse{' (read_only)' if read_only else ''}")
    if new:
        for schema in ("conformed", "intermediate", "seeds"):
            connection.execute(f"create schema warehouse.{schema}")
        load_seeds(connection)
    return connection
