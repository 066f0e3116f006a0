"""A small lake written by hand, built once per test run: staging and conformed models of every connector."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from ingestion.settings import PROJECT_ROOT
from tests.pipeline.hand_made_lake import DATASETS, GENERIC_TABLES, write_lake
from tests.support.built_once import built_once
from tests.support.lake import Lake

LAYERS = (
    "path:models/staging",
    "path:models/conformed",
    "path:seeds/maps",
    "path:tests/conformed",
    "path:tests/macros",
)


def run_dbt(
    home: Path, arguments: list[str], variables: dict[str, object]
) -> subprocess.CompletedProcess[str]:
    """dbt as a process of its own on the warehouse below `home`."""
    environment = {
        **os.environ,
        "CX_WAREHOUSE": str(home / "warehouse.duckdb"),
        "CX_WORK": str(home / "cx.duckdb"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    project = os.environ.get("CX_TEST_DBT_PROJECT", str(PROJECT_ROOT / "dbt_project"))
    command = [
        *(sys.executable, "-m", "dbt.cli.main", "--no-use-colors", *arguments),
        *("--project-dir", project, "--profiles-dir", project),
        *("--target-path", str(home / "target"), "--log-path", str(home / "logs")),
        *("--vars", json.dumps(variables)),
    ]
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=home, check=False)


@pytest.fixture(scope="session")
def hand_made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the hand-made lake's warehouse (`warehouse.duckdb`) and dbt's `target`."""
    return built_once(tmp_path_factory, "hand_made", _build)


def _build(home: Path) -> None:
    lake = Lake(home / "lake")
    write_lake(lake)
    variables = {
        "lake_root": str(lake.root),
        "datasets": DATASETS,
        "connectors": ["hubspot", "zendesk", "typeform", "ga4_export", "files", "sql"],
        "generic_tables": GENERIC_TABLES,
        "company_time_zone": "Europe/Warsaw",
        "company_currency": "EUR",
        "company_country": "PL",
        "funnels": [],
    }
    built = run_dbt(home, ["build", "--indirect-selection", "cautious", "--select", *LAYERS], variables)
    assert built.returncode == 0, built.stdout[-6000:] + built.stderr[-2000:]


@pytest.fixture(scope="session")
def hand_made(hand_made_home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The built warehouse of the hand-made lake, read-only."""
    with duckdb.connect(str(hand_made_home / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection
