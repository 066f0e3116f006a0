"""The touchpoint registry: what a contact of each kind is mapped to, and that order of rows does not matter."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest

from tests.support.dbt_models import CompiledModels, fill, open_models, relation

SEED_TESTS = (
    "assert_the_registry_is_whole",
    "assert_every_rule_can_win",
    "assert_rates_of_handling_are_whole",
)
TOUCHPOINT = (
    "insert into warehouse.seeds.touchpoints by name select * replace ('kiosk' as touchpoint_id) "
    "from warehouse.seeds.touchpoints where touchpoint_id = 'cart'"
)
RULE = "insert into warehouse.seeds.touchpoint_rules values ('late', 'cart', {}, 999)"
KIOSK_RULE = RULE.format("'web_touch', '*', 'page_path', 'prefix', '/kiosk'").replace("'cart'", "'kiosk'")
RATE = "insert into warehouse.seeds.handling_costs values ({})"


def problems(models: CompiledModels, *changes: str) -> list[tuple[Any, ...]]:
    """Rows that the tests of the registry's seeds find after these changes of the seeds."""
    connection = open_models()
    for change in changes:
        connection.execute(change)
    return [row for name in SEED_TESTS for row in connection.execute(models.sql[name]).fetchall()]


def test_the_registry_that_ships_is_whole(models: CompiledModels) -> None:
    assert problems(models) == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ([TOUCHPOINT], [("kiosk", "no rule in seed touchpoint_rules")]),
        ([TOUCHPOINT, KIOSK_RULE], []),
        (
            ["update warehouse.seeds.owners set valid_to = '2026-01-01' where owner_id = 'sales'"],
            [
                (t, "no owner who is valid today")
                for t in ("marketplace_order", "phone_order", "sales_deal")
            ],
        ),
        (
            [
                "update warehouse.seeds.touchpoints set journey_stage = 'buying', channel = 'fax', goal = null "
                "where touchpoint_id = 'cart'"
            ],
            [
                ("cart", "no channel of seed channels"),
                ("cart", "no name, goal, data_needed, expected_outcome or next_action"),
                ("cart", "no stage of seed journey_stages"),
            ],
        ),
        (
            ["insert into warehouse.seeds.touchpoint_next_steps values ('cart', 'cart'), ('cart', 'chekout')"],
            [("cart", "its next step is itself or no touchpoint")] * 2,
        ),
        # Two rules of one priority: nothing but their names would decide.
        (
            [RULE.format("'web_touch', '*', 'page_path', 'prefix', '/bag'").replace("999", "100")],
            [("web_confirmation_page", "it has the priority of rule late")],
        ),
        # The checkout takes every page below it, and calls of any queue are taken already.
        (
            [RULE.format("'web_touch', 'web', 'page_path', 'equals', '/Checkout/bag'")],
            [("late", "rule web_checkout_page takes all its contacts")],
        ),
        (
            [RULE.format("'call', 'phone', 'queue', 'equals', 'sales'")],
            [("late", "rule call_any takes all its contacts")],
        ),
        # Not wholly taken: another field, a longer reach, an earlier place.
        ([RULE.format("'web_touch', '*', 'event_name', 'prefix', '/checkout/bag'")], []),
        ([RULE.format("'web_touch', '*', 'page_path', 'prefix', '/check'")], []),
        ([RULE.format("'*', '*', 'queue', 'equals', 'sales'")], []),
        ([RULE.format("'web_touch', '*', 'page_path', 'prefix', '/checkout/bag'").replace("999", "1")], []),
        # A field that such contacts do not have, and a channel that nobody has.
        (
            [RULE.format("'web_touch', '*', 'category', 'equals', 'bag'")],
            [("late", "its contacts have no field category")],
        ),
        (
            [RULE.format("'ticket', 'fax', 'page_path', 'equals', '/bag'")],
            [("late", "its contacts have no field page_path"), ("late", "no channel fax")],
        ),
        # Rates: the period of another, no amount.
        (
            [RATE.format("'message', 'email', 'outbound', 4, null, 'EUR', '2026-03-01', null, 'contract'")],
            [("message", "email", "outbound", dt.date(2026, 3, 1), "overlaps another rate")],
        ),
        (
            [
                "update warehouse.seeds.handling_costs set valid_to = '2026-03-01'",
                RATE.format("'message', 'email', 'outbound', 4, null, 'EUR', '2026-03-01', null, 'contract'"),
            ],
            [],
        ),
        (
            [RATE.format("'order', 'phone', 'inbound', null, null, 'EUR', '2026-03-01', null, 'contract'")],
            [("order", "phone", "inbound", dt.date(2026, 3, 1), "says no amount, no currency or no first day")],
        ),
    ],
)  # fmt: skip
def test_a_broken_registry_is_refused(
    models: CompiledModels, changes: list[str], found: list[tuple[Any, ...]]
) -> None:
    assert sorted(problems(models, *changes)) == found


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
def test_a_contact_of_each_kind(models: CompiledModels, shuffle: int) -> None:
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
    models.build(connection, "int_journey__contact_touchpoints")
    found = connection.execute(
        f"select interaction_key, touchpoint_id from {relation('int_journey__contact_touchpoints')}"
    ).fetchall()
    assert dict(found) == {str(i): touchpoint for i, (_, touchpoint) in enumerate(CONTACTS)}
    assert len(found) == len(CONTACTS)


def test_pages_and_events_of_a_shop(models: CompiledModels) -> None:
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
    models.build(connection, "int_web__touch_patterns")
    found = connection.execute(
        f"select event_name, page_path, touchpoint_id from {relation('int_web__touch_patterns')}"
    ).fetchall()
    assert {(name, path): touchpoint for name, path, touchpoint in found} == PAGES
