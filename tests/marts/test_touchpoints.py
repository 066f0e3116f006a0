"""The touchpoint registry: what a contact of each kind is mapped to, and that order of rows does not matter."""

from __future__ import annotations

import csv
import random
from collections import Counter
from typing import Any

import pytest

from tests.support.dbt_models import DBT_PROJECT, CompiledModels, fill, open_models, relation

SEEDS = DBT_PROJECT / "seeds" / "business"


def seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_touchpoint_has_an_owner_a_stage_and_a_rule() -> None:
    owners = {row["owner_id"] for row in seed("owners") if not row["valid_to"]}
    stages = {row["journey_stage"] for row in seed("journey_stages")}
    by_rule = {row["touchpoint_id"] for row in seed("touchpoint_rules")}
    for row in seed("touchpoints"):
        assert row["owner_id"] in owners, row["touchpoint_id"]
        assert row["journey_stage"] in stages, row["touchpoint_id"]
        assert row["touchpoint_id"] in by_rule, row["touchpoint_id"]


CONTACTS: list[tuple[dict[str, Any], str]] = [
    ({"interaction_type": "order", "channel": "web", "order_type": "order"}, "online_order"),
    ({"interaction_type": "order", "channel": "web", "order_type": "deal"}, "sales_deal"),
    ({"interaction_type": "order", "channel": "crm", "order_type": "order"}, "sales_deal"),
    ({"interaction_type": "order", "channel": "unknown", "order_type": "order"}, "unmapped"),
    ({"interaction_type": "store_visit", "channel": "store", "visit_type": "return"}, "store_return"),
    ({"interaction_type": "ticket", "channel": "phone"}, "phone_support"),
    ({"interaction_type": "ticket", "channel": "other"}, "unmapped"),
    ({"interaction_type": "message", "channel": "other", "ticket_channel": "chat"}, "chat_support"),
    ({"interaction_type": "call", "channel": "phone", "queue": "sales"}, "phone_support"),
    ({"interaction_type": "survey_response", "channel": "email", "survey_name": "Your DELIVERY"}, "delivery"),
    ({"interaction_type": "survey_response", "channel": "email", "ticket_channel": "email"}, "email_support"),
    (
        {"interaction_type": "survey_response", "channel": "email", "has_order": "true"},
        "post_purchase_survey",
    ),
    (
        {"interaction_type": "survey_response", "channel": "web", "survey_metric": "nps"},
        "relationship_survey",
    ),
    ({"interaction_type": "survey_response", "channel": "web", "survey_metric": "ces"}, "unmapped"),
    (
        {
            "interaction_type": "survey_response",
            "channel": "web",
            "stated_touchpoint_id": "cart",
            "has_order": "true",
        },
        "cart",
    ),
    (
        {
            "interaction_type": "survey_response",
            "channel": "web",
            "stated_touchpoint_id": "kart",
            "has_order": "true",
        },
        "post_purchase_survey",
    ),
]
PAGES = {
    ("page_view", "/"): "website_home",
    ("page_view", "/Product/red-shoe"): "product_page",
    ("view_item", "/red-shoe"): "product_page",
    ("page_view", "/category/shoes"): "category_listing",
    ("page_view", "/products"): "category_listing",
    ("search", "/find"): "site_search",
    ("page_view", "/cart"): "cart",
    ("add_to_cart", "/product/red-shoe"): "product_page",
    ("add_to_cart", None): "cart",
    ("page_view", "/checkout/payment"): "checkout",
    ("page_view", "/checkout/confirmation"): "order_confirmation",
    ("purchase", "/checkout/thank-you"): "order_confirmation",
    ("purchase", "/checkout"): "checkout",
    ("begin_checkout", None): "checkout",
    ("purchase", None): "order_confirmation",
    ("page_view", "/help/returns"): "help_centre",
    ("page_view", "/account/orders"): "account_area",
    ("page_view", "/blog/care"): "content_blog",
    ("page_view", "/imprint"): "unmapped",
}


@pytest.mark.parametrize("shuffle", [0, 1])
def test_a_contact_of_each_kind(cx_models: CompiledModels, shuffle: int) -> None:
    connection = open_models()
    rules = relation("touchpoint_rules").replace("cx.marts", "warehouse.seeds")
    if shuffle:
        connection.execute(f"create or replace table {rules} as select * from {rules} order by md5(rule_id)")
    contacts = [
        {
            "interaction_key": str(i), "record_key": str(i), "interaction_at": "2026-03-01 10:00:00",
            "direction": "inbound", **contact,
        }
        for i, (contact, _) in enumerate(CONTACTS)
    ]  # fmt: skip
    random.Random(shuffle).shuffle(contacts)
    fill(connection, "int_journey__contacts", contacts)
    cx_models.build(connection, "int_journey__contact_touchpoints")
    found = connection.execute(
        f"select interaction_key, touchpoint_id from {relation('int_journey__contact_touchpoints')}"
    ).fetchall()
    assert dict(found) == {str(i): touchpoint for i, (_, touchpoint) in enumerate(CONTACTS)}
    assert len(found) == len(CONTACTS)


def test_pages_and_events_of_a_shop(cx_models: CompiledModels) -> None:
    connection = open_models()
    fill(
        connection,
        "cx_web_event",
        [
            {
                "web_event_key": str(i), "event_name": name, "raw_event_name": name, "page_path": path,
                "event_at": "2026-03-01 10:00:00", "event_date_local": "2026-03-01",
            }
            for i, (name, path) in enumerate(PAGES)
        ],
    )  # fmt: skip
    cx_models.build(connection, "int_web__touch_patterns")
    found = connection.execute(
        f"select event_name, page_path, touchpoint_id from {relation('int_web__touch_patterns')}"
    ).fetchall()
    assert {(name, path): touchpoint for name, path, touchpoint in found} == PAGES


def test_no_two_rules_share_a_place() -> None:
    places = Counter(row["priority"] for row in seed("touchpoint_rules"))
    assert [place for place, count in places.items() if count > 1] == []
