"""Models compiled once for the tests that run them on their own rows, and a database to run them in."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.support.attribution_models import VARIABLES
from tests.support.dbt_models import CompiledModels, open_models
from tests.support.web_funnels import web_funnels

MODELS = (
    "path:models/intermediate", "path:models/marts", "timeline_holds_every_record_once", "assert_the_registry_is_whole",
    "assert_every_rule_can_win", "assert_rates_of_handling_are_whole",
)  # fmt: skip


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> CompiledModels:
    """SQL of all models from identifiers to marts, for a company in Warsaw, with the funnels of
    tests/support/web_funnels.py; settings of attribution are variables of the connection."""
    return CompiledModels.of(tmp_path_factory, " ".join(MODELS), funnels=web_funnels(), **VARIABLES)


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the seeds; each test puts its own rows in place of those before."""
    connection = open_models()
    yield connection
    connection.close()
