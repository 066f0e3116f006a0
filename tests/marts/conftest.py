"""Models of support, timeline, journeys and CX metrics, compiled once for the tests that run them on their own rows."""

from __future__ import annotations

import pytest

from tests.support.dbt_models import CompiledModels

MODELS = (
    "int_support__horizon", "int_support__status_spans", "int_support__business_intervals",
    "int_support__business_days", "int_support__ticket_times", "int_support__business_minutes",
    "int_support__ticket_scope", "int_support__repeat_contacts", "int_journey__order_refs",
    "int_journey__ticket_refs", "int_journey__contacts", "timeline_holds_every_record_once",
    "int_journey__contact_touchpoints", "int_web__touch_patterns", "fct_survey_responses", "fct_tickets",
    "mart_cx_metrics", "dim_touchpoints", "fct_interactions", "int_journey__steps", "int_journey__visits",
    "int_journey__horizon", "fct_journeys", "mart_journey_paths", "mart_journey_transitions", "mart_journey_loops",
    "mart_journey_dead_ends", "mart_journey_map", "assert_the_registry_is_whole",
    "assert_every_rule_can_win", "assert_rates_of_handling_are_whole",
)  # fmt: skip


@pytest.fixture(scope="session")
def cx_models(tmp_path_factory: pytest.TempPathFactory) -> CompiledModels:
    """SQL of the models above, for a company in Warsaw."""
    return CompiledModels.of(tmp_path_factory, "cx_models", " ".join(MODELS))
