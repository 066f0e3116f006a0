"""Records that no reader can use, planted in every source, each with its day and what is wrong with it.

They stand beside the true records, never in their place: every figure of the truth file leaves them out. The count per
table and kind is exact: a reader that sets aside more or fewer rows is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from ingestion.demo.company.clock import ZONE_NAME, Clock, instant, iso
from ingestion.demo.company.surveys import DELIVERY, NPS
from ingestion.demo.company.zendesk_records import ADMIN_ID

Record = dict[str, Any]
BAD_TYPE, MISSING_KEY, TORN_LINE, WRONG_ENCODING = "bad_type", "missing_key", "torn_line", "wrong_encoding"


@dataclass(frozen=True)
class Broken:
    """One broken record: connection and table it lands in, kind, day from which it is there."""

    connection: str
    table: str
    kind: str
    day: date
    what: str


def _days(clock: Clock, *hundredths: int) -> list[date]:
    return [clock.days[len(clock.days) * h // 100] for h in hundredths]


def hubspot(clock: Clock) -> dict[str, list[tuple[Broken, Record]]]:
    """Broken CRM objects."""

    def contact(number: int, day: date, what: str, **wrong: str) -> tuple[Broken, Record]:
        at = iso(instant(day, 9), True)
        properties = {
            "hs_object_id": str(number),
            "createdate": at,
            "lastmodifieddate": at,
            "firstname": "Broken",
        }
        record: Record = {"id": str(number), "createdAt": at, "updatedAt": at, "archived": False}
        return Broken("crm", "contacts", BAD_TYPE, day, what), {
            **record,
            "properties": {**properties, **wrong},
        }

    first, second, third = _days(clock, 15, 45, 80)
    at = iso(instant(third, 9), True)
    deal: Record = {
        "id": "79000001", "createdAt": at, "updatedAt": at, "archived": False,
        "properties": {"hs_object_id": "79000001", "createdate": at, "hs_lastmodifieddate": at, "dealname": "Broken",
                       "amount": "about 1.200 EUR"},
    }  # fmt: skip
    return {
        "contacts": [
            contact(99000001, first, "createdate is no date", createdate="yesterday"),
            contact(99000002, second, "opt-out flag is no boolean", hs_email_optout="perhaps"),
        ],
        "deals": [(Broken("crm", "deals", BAD_TYPE, third, "amount is no number"), deal)],
    }


def zendesk(clock: Clock) -> dict[str, list[tuple[Broken, Record]]]:
    """Broken desk records."""
    first, second = _days(clock, 30, 60)
    ticket: Record = {
        "id": 19_001, "requester_id": ADMIN_ID, "submitter_id": ADMIN_ID, "subject": "Broken", "status": "open",
        "via": {"channel": "web"}, "tags": [], "custom_fields": [], "created_at": None,
        "updated_at": iso(instant(first, 9)), "generated_timestamp": instant(first, 9),
    }  # fmt: skip
    user: Record = {
        "id": 1_900_900_000_001, "name": "Broken", "email": "broken@poczta.test", "role": "end-user", "active": True,
        "tags": [], "user_fields": {}, "created_at": "last week", "updated_at": iso(instant(second, 9)),
    }  # fmt: skip
    return {
        "tickets": [(Broken("support", "tickets", MISSING_KEY, first, "created_at is missing"), ticket)],
        "users": [(Broken("support", "users", BAD_TYPE, second, "created_at is no date"), user)],
    }


def typeform(clock: Clock) -> dict[str, list[tuple[Broken, Record]]]:
    """Broken survey responses."""
    found = []
    for k, (form, day) in enumerate(zip((NPS, DELIVERY), _days(clock, 35, 70), strict=True)):
        token = f"broken{k:02d}"
        record: Record = {
            "form_id": form, "landing_id": token, "token": token, "response_id": token, "response_type": "completed",
            "landed_at": "some day", "submitted_at": iso(instant(day, 9)), "metadata": {}, "hidden": {},
            "calculated": {"score": 0}, "variables": [], "tags": [], "answers": [],
        }  # fmt: skip
        found.append((Broken("surveys", "responses", BAD_TYPE, day, "landed_at is no date"), record))
    return {"responses": found}


def shop(clock: Clock) -> dict[str, list[tuple[Broken, tuple[Any, ...]]]]:
    """Broken rows of the order database, in the order of its columns. SQLite keeps text in a numeric column."""
    first, second, third, fourth = _days(clock, 25, 40, 55, 75)

    def at(day: date) -> str:
        return f"{day.isoformat()} 08:00:00"

    order = (
        900_001, "LL-900001", None, None, None, "web", None, None, None, None, "paid", "EUR", 10.0, 0.0, 0.0, 1.87,
        "n/a", "card", None, None, at(first), at(first), None, None, None, None,
    )  # fmt: skip
    line = (
        9_000_011, 900_001, 1, "BED-101", "Broken", "Bedding", "two", 10.0, 0.0, 10.0, at(second),
    )  # fmt: skip
    refund = (900_001, 900_001, "much", "EUR", None, at(fourth))
    customer = (
        None, None, "broken@poczta.test", None, "Broken", None, "pl", "PL", None, None, 0, at(third), at(third), None,
    )  # fmt: skip
    return {
        "customers": [(Broken("orders", "customers", MISSING_KEY, third, "customer_id is null"), customer)],
        "orders": [(Broken("orders", "orders", BAD_TYPE, first, "total_amount is no number"), order)],
        "order_lines": [(Broken("orders", "order_lines", BAD_TYPE, second, "quantity is no number"), line)],
        "refunds": [(Broken("orders", "refunds", BAD_TYPE, fourth, "amount is no number"), refund)],
    }


def till_lines(clock: Clock) -> dict[date, list[tuple[Broken, bytes]]]:
    """Broken lines at the end of some till files; a torn line has no newline."""
    days = _days(clock, 10, 32, 50, 65, 85)
    kinds = (
        (BAD_TYPE, "basket_total is no number", "WAW1,9,9001,{d},{d} 12:00:00,{z},purchase,,abc,EUR,1,,S11\n"),
        (MISSING_KEY, "receipt_no is empty", "KRK1,9,,{d},{d} 12:00:00,{z},purchase,,10.00,EUR,1,,S21\n"),
        (BAD_TYPE, "occurred_at is no time", "WRO1,9,9003,{d},{d} 12:61:00,{z},service,,0.00,EUR,0,,S31\n"),
        (WRONG_ENCODING, "staff_id is not UTF-8", "WAW1,9,9004,{d},{d} 12:00:00,{z},service,,0.00,EUR,0,,S1ł\n"),
        (TORN_LINE, "the line breaks off", "WAW1,9,9005,{d},{d} 12:0"),
    )  # fmt: skip
    found: dict[date, list[tuple[Broken, bytes]]] = {}
    for day, (kind, what, text) in zip(days, kinds, strict=True):
        raw = text.format(d=day.isoformat(), z=ZONE_NAME).encode(
            "cp1250" if kind == WRONG_ENCODING else "utf-8"
        )
        found.setdefault(day, []).append((Broken("stores", "visits", kind, day, what), raw))
    return found


def release_line(clock: Clock) -> tuple[Broken, str]:
    """One broken line of the list of releases."""
    (day,) = _days(clock, 20)
    line = "REL-X,Broken,0,shop,fix,product_page,31.02.2026,,100,No such day\n"
    return Broken("releases", "product_releases", BAD_TYPE, day, "released_at is no date"), line


def web(days: list[date]) -> list[Broken]:
    """Broken rows of the GA4 files; the writer of those files adds them."""
    what = ("event_name is null", "event_name is null", "event_timestamp is null")
    return [Broken("web", "events", MISSING_KEY, day, text) for day, text in zip(days, what, strict=True)]
