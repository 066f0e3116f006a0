"""The pages of touchpoints: they say what the registry and the connections say, and those in docs/ are current."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from ingestion.connections import load_connections
from ingestion.core.entities import canonical_entities
from ingestion.settings import load_settings
from orchestration import briefs
from orchestration.errors import CxError
from tests.support.dbt_models import DBT_PROJECT, PROJECT_ROOT


@pytest.fixture(scope="module")
def registry() -> briefs.Registry:
    return briefs.Registry.read(DBT_PROJECT / "seeds" / "business")


def test_the_pages_in_the_docs_are_current(registry: briefs.Registry, tmp_path: Path) -> None:
    settings = load_settings(tmp_path, PROJECT_ROOT / "connections.yml")
    wanted = briefs.pages(registry, briefs.providers(settings, load_connections(settings)))
    assert briefs.stale(PROJECT_ROOT / "docs" / "touchpoints", wanted) == [], "write them with: cx docs"


def test_a_page_answers_the_owner(registry: briefs.Registry) -> None:
    page = briefs.pages(registry, {"web_event": ["web", "shop app"]})["checkout.md"]
    for line in (
        "| Goal | Checkouts end in an order |",
        "| Stage | Purchase: The customer buys |",
        "| Channel | Website |",
        "| Owner | Product manager checkout, Product |",
        "| Expected outcome | The order is placed |",
        "| Intended next action | Place the order |",
        "| It shows at | [Order confirmation](order_confirmation.md), [Order in the web shop](online_order.md) |",
        "| web events | web, shop app |",
        "| surveys | nothing yet |",
        "2. Web event whose page path begins with `/checkout` (rule `web_checkout_page`, priority 110)",
        "4. Web event whose event name is `begin_checkout` (rule `web_checkout_event`, priority 212)",
        # 0.30, 0.20 and 0.15 apply to a purchase: 0.30 / 0.65.
        "| Satisfaction, share of satisfied answers | 46% | 0.60 | 0.75 | 0.90 |",
        "* share of sessions that go on to `purchase` (`conversion_rate`)",
    ):
        assert line in page.splitlines(), line


def test_connections_are_named_where_they_fill_the_data(tmp_path: Path) -> None:
    """The demo company: GA4 brings events, Zendesk tickets and their ratings, Typeform surveys."""
    settings = load_settings(tmp_path, PROJECT_ROOT / "examples" / "demo.yml")
    found = briefs.providers(settings, load_connections(settings))
    assert found["web_event"] == ["web"]
    assert found["support_ticket"] == ["support"]
    assert found["survey_response"] == ["support", "surveys"]
    assert {"crm", "orders"} <= set(found["order"])
    assert "call" not in found


def test_every_word_for_data_is_a_conformed_record(registry: briefs.Registry) -> None:
    assert set(briefs.ENTITIES.values()) <= set(canonical_entities())
    broken = dataclasses.replace(
        registry, touchpoints=[{**registry.touchpoints[0], "data_needed": "web events; faxes"}]
    )
    with pytest.raises(CxError, match=r"website_home: data_needed names 'faxes'[\s\S]*store visits"):
        briefs.pages(broken, {})


def test_pages_that_differ_are_written_and_those_of_nobody_go(
    registry: briefs.Registry, tmp_path: Path
) -> None:
    wanted = briefs.pages(registry, {})
    assert briefs.write(tmp_path, wanted) == sorted(wanted)
    assert briefs.write(tmp_path, wanted) == []
    (tmp_path / "cart.md").write_text("# Mine\n")
    (tmp_path / "kiosk.md").write_text("# Gone\n")
    assert briefs.stale(tmp_path, wanted) == ["cart.md", "kiosk.md"]
    assert briefs.write(tmp_path, wanted) == ["cart.md", "kiosk.md"]
    assert briefs.stale(tmp_path, wanted) == []
