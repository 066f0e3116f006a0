"""The timeline: what a record says, what it takes from its ticket, order or survey; none is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from tests.support.dbt_models import CompiledModels, fill, open_models

AT = "2026-03-01 10:00:00"
CHAIN = (
    "int_journey__order_refs", "int_journey__ticket_refs", "int_journey__contacts",
    "int_journey__contact_touchpoints", "int_journey__timeline", "fct_interactions",
)  # fmt: skip
# Ann ordered A-1 on the web and wrote ticket 7 about it by e-mail; Bob is known to the desk only. Ticket 9 is deleted.
RECORDS: dict[str, list[dict[str, Any]]] = {
    "cx_customer": [{"customer_key": "ann"}, {"customer_key": "bob"}],
    "int_identity__customer_map": [
        {"customer_key": "ann", "customer_id": "Ann"},
        {"customer_key": "bob", "customer_id": "Bob"},
    ],
    "cx_order": [
        {"order_key": "o1", "order_type": "order", "order_number": "A-1", "customer_key": "ann", "channel": "web"},
        {"order_key": "o2", "order_type": "deal", "channel": None, "is_test": True},
    ],
    "cx_support_ticket": [
        {"support_ticket_key": "t1", "ticket_number": "7", "requester_customer_key": "ann", "channel": "email",
         "order_ref": "A-1", "category": "delivery", "team": "desk"},
        {"support_ticket_key": "t2", "ticket_number": "8", "requester_customer_key": "bob", "channel": "phone"},
        {"support_ticket_key": "t9", "ticket_number": "9", "requester_customer_key": "bob", "is_deleted": True},
    ],
    "cx_message": [
        {"message_key": "m1", "ticket_key": "t1", "direction": "inbound", "author_type": "customer"},
        {"message_key": "m2", "ticket_key": "t1", "direction": "outbound", "author_type": "bot", "channel": "chat"},
        {"message_key": "m3", "ticket_key": "t9", "direction": "inbound", "channel": "chat"},
    ],
    "cx_call": [
        {"call_key": "c1", "ticket_key": "t2", "direction": "inbound", "talk_s": 100, "wrap_s": 20, "queue": "sales"},
        {"call_key": "c2", "customer_key": "ann", "direction": "outbound", "hold_s": 5},
        {"call_key": "c3", "direction": "inbound", "wait_s": 30, "wrap_s": 9},
    ],
    "cx_survey": [
        {"survey_key": "s1", "name": "After help", "metric_type": "csat", "channel": "chat",
         "touchpoint_key": "returns"}
    ],
    "cx_survey_response": [
        {"survey_response_key": "r1", "survey_key": "s1", "ticket_ref": "7"},
        {"survey_response_key": "r2", "survey_key": "s1", "order_ref": "A-1", "channel": "web",
         "touchpoint_key": "cart"},
        {"survey_response_key": "r3", "submitted_at": None, "started_at": None},
    ],
    "cx_store_visit": [
        {"store_visit_key": "v1", "order_ref": "A-1", "visit_type": "purchase", "basket_amount": 12, "currency": "EUR",
         "dwell_s": 60},
        {"store_visit_key": "v2", "visit_type": "footfall", "basket_amount": 3, "currency": "EUR"},
    ],
    "int_web__events": [
        {"web_event_key": k, "session_key": s, "touchpoint_id": "cart", "customer_id": c}
        for k, s, c in (("e1", "w1", "Ann"), ("e2", "w1", "Ann"), ("e3", "w2", None), ("e4", None, None))
    ],
    "int_web__touches": [
        {"touch_key": "x1", "session_key": "w1", "touchpoint_id": "cart", "customer_id": "Ann", "person_id": "Ann",
         "event_count": 2},
        {"touch_key": "x2", "session_key": "w2", "touchpoint_id": "cart", "person_id": "device", "event_count": 1},
    ],
    "fct_orders": [{"order_key": "o1", "net_amount": 40, "currency": "EUR"}],
}  # fmt: skip
INSTANTS = {
    "cx_order": "ordered_at", "cx_support_ticket": "opened_at", "cx_message": "sent_at", "cx_call": "started_at",
    "cx_survey_response": "submitted_at", "cx_store_visit": "occurred_at", "int_web__touches": "first_event_at",
}  # fmt: skip


@pytest.fixture(scope="module")
def db(models: CompiledModels) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = open_models()
    for table, rows in RECORDS.items():
        fill(connection, table, rows, {INSTANTS[table]: AT} if table in INSTANTS else None)
    models.build(connection, *CHAIN)
    yield connection
    connection.close()


def contacts(
    db: duckdb.DuckDBPyConnection, columns: str, interaction_type: str
) -> dict[str, tuple[Any, ...]]:
    """Columns by key of the record."""
    found = db.execute(
        f"select record_key, {columns} from warehouse.intermediate.int_journey__contacts where interaction_type = ?",
        [interaction_type],
    ).fetchall()
    assert len({row[0] for row in found}) == len(found)
    return {row[0]: row[1:] for row in found}


def test_a_record_takes_from_its_ticket_order_and_survey_what_it_does_not_say(
    db: duckdb.DuckDBPyConnection,
) -> None:
    links = "customer_id, channel, order_key, ticket_key, ticket_channel, category, has_order, order_type"
    assert contacts(db, links, "order") == {"o1": ("Ann", "web", "o1", None, None, None, "true", "order")}
    assert contacts(db, links, "ticket") == {
        "t1": ("Ann", "email", "o1", "t1", "email", "delivery", "true", None),
        "t2": ("Bob", "phone", None, "t2", "phone", None, "false", None),
    }
    assert contacts(db, links + ", is_automated", "message") == {
        "m1": ("Ann", "email", "o1", "t1", "email", "delivery", "true", None, False),
        "m2": ("Ann", "chat", "o1", "t1", "email", "delivery", "true", None, True),
        # Its ticket is deleted, not the message: the ticket still says whose it is.
        "m3": ("Bob", "chat", None, "t9", "chat", None, "false", None, False),
    }
    assert contacts(db, links + ", stated_touchpoint_id, survey_name, survey_metric", "survey_response") == {
        # About the ticket, so about no order of its own, though the ticket has one.
        "r1": (
            "Ann",
            "chat",
            "o1",
            "t1",
            "email",
            "delivery",
            "false",
            None,
            "returns",
            "After help",
            "csat",
        ),
        "r2": ("Ann", "web", "o1", None, None, None, "true", "order", "cart", "After help", "csat"),
    }


def test_times_and_values(db: duckdb.DuckDBPyConnection) -> None:
    """Talk and hold are the customer's time, work after the call is the company's too; a call without talk has none."""
    assert contacts(db, "customer_id, channel, duration_seconds, handling_seconds, queue", "call") == {
        "c1": ("Bob", "phone", 100, 120, "sales"),
        "c2": ("Ann", "phone", 5, 5, None),
        "c3": (None, "phone", None, None, None),
    }
    assert contacts(
        db, "customer_id, duration_seconds, value_amount, currency, order_key", "store_visit"
    ) == {
        "v1": ("Ann", 60, None, None, "o1"),
        "v2": (None, None, 3, "EUR", None),
    }
    assert db.execute(
        "select interaction_type, sum(value_amount) from cx.marts.fct_interactions "
        "where value_amount is not null group by 1 order by 1"
    ).fetchall() == [("order", 40), ("store_visit", 3)]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "problems"),
    [
        (None, set()),
        ("delete from cx.marts.fct_interactions where ticket_key = 't2'", {"not on the timeline"}),
        ("delete from cx.marts.fct_interactions where session_key = 'w2'",
         {"web touches are not the sessions at touchpoints"}),
        ("update cx.marts.fct_interactions set customer_id = null where interaction_type = 'order'",
         {"its person is missing"}),
        ("update cx.marts.fct_interactions set customer_id = null where session_key = 'w1'",
         {"web touches are not the sessions at touchpoints"}),
        # The naive join of tickets with their messages.
        ("insert into cx.marts.fct_interactions select * replace ('again' as interaction_key) "
         "from cx.marts.fct_interactions where ticket_key = 't1'", {"no such record"}),
        ("delete from warehouse.intermediate.int_web__touches where touch_key = 'x1'",
         {"web touches are not the sessions at touchpoints"}),
    ],
)  # fmt: skip
def test_a_record_that_is_lost_doubled_or_without_its_person_is_found(
    db: duckdb.DuckDBPyConnection, models: CompiledModels, fault: str | None, problems: set[str]
) -> None:
    db.execute("begin")
    if fault:
        db.execute(fault)
    found = db.execute(models.sql["timeline_holds_every_record_once"]).fetchall()
    db.execute("rollback")
    assert {problem for _, problem in found} == problems
