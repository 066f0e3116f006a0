"""The demo company, served and run as a user would: `cx run` in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.connections import load_connections
from ingestion.core.lake import completed_loads, row_counts
from ingestion.settings import load_settings
from orchestration import dbt_build
from tests.support.built_once import built_once
from tests.support.reference_data import PROJECT_ROOT
from tests.support.warehouse import EXAMPLES, Warehouse

CX = str(Path(sys.executable).parent / "cx")
# Load times are facts of a run, not of the data: tables that hold them differ between two homes.
TABLES_OF_LOADS = {"mart_source_freshness", "mart_rejected_rows"}


@dataclass(frozen=True)
class DemoWarehouse(Warehouse):
    """A home with the sources of the demo company under `demo/`, published after the first `run`."""

    @cached_property
    def truth(self) -> dict[str, Any]:
        """What the simulator knows about its own company."""
        return json.loads((self.settings.home / "demo" / "truth.json").read_text())

    def serve(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command on this home while the vendors' stand-ins answer."""
        serve = [sys.executable, "-m", "ingestion.demo", "serve", "--home", str(self.settings.home), "--"]
        done = subprocess.run(
            [*serve, *command],
            cwd=PROJECT_ROOT,
            env={
                **os.environ,
                "CX_HOME": str(self.settings.home),
                "CX_CONNECTIONS": str(self.settings.connections_file),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return done

    def run(self) -> str:
        """`cx run`; its last line."""
        return self.serve(CX, "run").stdout.splitlines()[-1]

    def late_events(self) -> None:
        """More events come in for days that are loaded already."""
        late = [sys.executable, "-m", "ingestion.demo", "late", "--home", str(self.settings.home)]
        subprocess.run(late, cwd=PROJECT_ROOT, check=True, capture_output=True)

    def build_query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows from the build database."""
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            con.execute("set timezone = 'UTC'")
            return con.execute(sql).fetchall()

    def published_tables(self) -> dict[str, Any]:
        """Rows, columns and checksum of each published table that does not hold load times."""
        manifest = json.loads((self.settings.published / "current" / "manifest.json").read_text())
        return {name: table for name, table in manifest["tables"].items() if name not in TABLES_OF_LOADS}

    def lake_rows(self) -> dict[str, int]:
        """Completed rows per landed table, without the bookkeeping that counts loads."""
        found = {}
        for dataset in sorted(self.settings.lake.iterdir()):
            counts = row_counts(dataset, completed_loads(dataset))
            found.update(
                {f"{dataset.name}/{table}": n for table, n in counts.items() if table != "load_metrics"}
            )
        assert found
        return found


def generate(factory: pytest.TempPathFactory, home: Path) -> DemoWarehouse:
    """Write the sources of the demo company into a new home.

    Its dbt manifest is prepared: it is the same for every home and parsed once per test run.
    """
    command = [sys.executable, "-m", "ingestion.demo", "generate", "--home", str(home)]
    subprocess.run(command, cwd=PROJECT_ROOT, check=True, capture_output=True)
    company = at_home(home)
    prepared = dbt_build.manifest_path(at_home(built_once(factory, "demo_graph", _prepare)).settings).parent
    shutil.copytree(prepared, dbt_build.manifest_path(company.settings).parent)
    assert dbt_build.is_prepared(company.settings, company.connections)
    return company


def _prepare(home: Path) -> None:
    company = at_home(home)
    dbt_build.prepare(company.settings.prepare(), company.connections)


def at_home(home: Path) -> DemoWarehouse:
    """The demo company that lies in a home."""
    settings = load_settings(home, EXAMPLES / "demo.yml")
    return DemoWarehouse(settings, load_connections(settings))


def copy_of(company: DemoWarehouse, home: Path) -> DemoWarehouse:
    """The company in a home of its own, as if it had been run there."""
    shutil.copytree(company.settings.home, home, symlinks=True, dirs_exist_ok=True)
    return at_home(home)
