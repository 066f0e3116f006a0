"""A small lake written by hand, built once per test run: staging and conformed models of every connector."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.pipeline.hand_made_lake import DATASETS, GENERIC_TABLES, write_lake
from tests.support.built_once import built_once
from tests.support.dbt_models import dbt_vars, invoke_dbt
from tests.support.lake import Lake

LAYERS = (
    "path:models/staging",
    "path:models/conformed",
    "path:seeds/maps",
    "path:tests/conformed",
    "path:tests/macros",
)


@pytest.fixture(scope="session")
def hand_made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the hand-made lake's warehouse (`warehouse.duckdb`) and dbt's `target`."""
    return built_once(tmp_path_factory, "hand_made", _build)


def _build(home: Path) -> None:
    lake = Lake(home / "lake")
    write_lake(lake)
    variables = dbt_vars(
        datasets=DATASETS,
        connectors=["hubspot", "zendesk", "typeform", "ga4_export", "files", "sql"],
        generic_tables=GENERIC_TABLES,
    )
    arguments = ["build", "--indirect-selection", "cautious", "--select", *LAYERS]
    invoke_dbt(home, arguments, variables, CX_LAKE=str(lake.root))


@pytest.fixture(scope="session")
def hand_made(hand_made_home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The built warehouse of the hand-made lake, read-only."""
    with duckdb.connect(str(hand_made_home / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection
