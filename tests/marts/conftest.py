"""Models compiled once for the tests that run them on their own rows, and a database to run them in."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.support.attribution_models import VARIABLES
from tests.support.dbt_models import CompiledModels, open_models
from tests.support.web_funnels import web_funnels

MODELS = (
    "int_support__horizon", "int_support__status_spans", "int_support__business_intervals",
    "int_support__business_days", "int_support__ticket_times", "int_support__business_minutes",
    "int_support__ticket_scope", "int_support__repeat_contacts", "int_journey__order_refs",
    "int_journey__ticket_refs", "int_journey__contacts", "timeline_holds_every_record_once",
    "int_journey__contact_touchpoints", "int_web__touch_patterns", "fct_survey_responses", "fct_tickets",
    "mart_cx_metrics", "dim_touchpoints", "int_journey__timeline", "fct_interactions", "int_journey__steps",
    "int_journey__visits", "int_journey__horizon", "int_journey__journeys", "fct_journeys", "mart_journey_paths",
    "mart_journey_transitions", "mart_journey_loops",
    "mart_journey_dead_ends", "mart_journey_map", "assert_the_registry_is_whole",
    "assert_every_rule_can_win", "assert_rates_of_handling_are_whole",
)  # fmt: skip


@pytest.fixture(scope="session")
def cx_models(tmp_path_factory: pytest.TempPathFactory) -> CompiledModels:
    """SQL of support, timeline, journeys and CX metrics (the models above), for a company in Warsaw."""
    return CompiledModels.of(tmp_path_factory, "cx_models", " ".join(MODELS))


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> CompiledModels:
    """SQL from identifiers over sessions to leaks, with the funnels of tests/support/web_funnels.py."""
    select = (
        "path:models/intermediate/identity path:models/intermediate/web path:models/intermediate/funnel "
        "path:models/marts/funnel fct_sessions"
    )
    return CompiledModels.of(tmp_path_factory, "web_models", select, funnels=web_funnels())


@pytest.fixture(scope="session")
def attribution_models(tmp_path_factory: pytest.TempPathFactory) -> CompiledModels:
    """SQL of attribution; its settings are variables of the connection."""
    select = "path:models/intermediate/attribution path:models/marts/attribution"
    return CompiledModels.of(tmp_path_factory, "attribution_models", select, **VARIABLES)


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the seeds; each test puts its own rows in place of those before."""
    connection = open_models()
    yield connection
    connection.close()
