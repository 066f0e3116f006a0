"""Tickets written by hand or drawn, as rows of the conformed tables, and the way from there to fct_tickets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import duckdb

from tests.support.dbt_models import CompiledModels, fill

WARSAW = ZoneInfo("Europe/Warsaw")
SUPPORT_CHAIN = (
    "int_support__horizon", "int_support__status_spans", "int_support__business_intervals",
    "int_support__business_days", "int_support__ticket_times", "int_support__business_minutes",
    "int_support__ticket_scope", "int_support__repeat_contacts", "fct_tickets",
)  # fmt: skip
"""Models from the conformed tables to fct_tickets, in the order in which they are built."""


def utc(local: str) -> dt.datetime:
    """Local time in Warsaw as a naive instant in UTC; a trailing `b` is the second pass of the repeated hour."""
    wall = dt.datetime.fromisoformat(local.removesuffix("b"))
    return wall.replace(tzinfo=WARSAW, fold=int(local.endswith("b"))).astimezone(dt.UTC).replace(tzinfo=None)


@dataclass
class Ticket:
    """One ticket: status changes and messages as (instant in UTC, what).

    Attributes:
        key: ticket key, also its number.
        customer: customer key and customer id of the requester; None: nobody known.
        reason: category.
        statuses: (instant, status) in order.
        messages: (instant, author) in order; author is customer, agent, note or bot.
    """

    key: str
    opened_at: dt.datetime
    customer: str | None = "ann"
    reason: str | None = None
    statuses: list[tuple[dt.datetime, str]] = field(default_factory=list)
    messages: list[tuple[dt.datetime, str]] = field(default_factory=list)


def build_tickets(
    connection: duckdb.DuckDBPyConnection,
    models: CompiledModels,
    tickets: Sequence[Ticket],
    calls: Iterable[tuple[str, dt.datetime]] = (),
) -> None:
    """Fill the conformed tables with these tickets and calls (customer, instant) and build up to fct_tickets."""
    fill(connection, "cx_support_ticket", [
        {
            "support_ticket_key": t.key, "source_id": t.key, "requester_customer_key": t.customer,
            "channel": "email", "category": t.reason, "status": t.statuses[-1][1] if t.statuses else "new",
            "opened_at": t.opened_at,
        }
        for t in tickets
    ])  # fmt: skip
    fill(connection, "cx_ticket_event", [
        {
            "ticket_event_key": f"{t.key}/{i}", "source_id": f"{i:09}", "ticket_key": t.key, "field": "status",
            "new_value": status, "occurred_at": at,
        }
        for t in tickets for i, (at, status) in enumerate(t.statuses)
    ])  # fmt: skip
    fill(connection, "cx_message", [
        {
            "message_key": f"{t.key}/{i}", "source_id": f"{i}", "ticket_key": t.key, "sent_at": at,
            "author_type": "agent" if author == "note" else author,
            "direction": {"customer": "inbound", "note": "internal"}.get(author, "outbound"),
            "is_public": author != "note",
        }
        for t in tickets for i, (at, author) in enumerate(t.messages)
    ])  # fmt: skip
    fill(connection, "cx_call", [
        {"call_key": f"call {i}", "customer_key": customer, "direction": "inbound", "started_at": at}
        for i, (customer, at) in enumerate(calls)
    ])  # fmt: skip
    customers = {t.customer for t in tickets if t.customer} | {customer for customer, _ in calls}
    fill(connection, "int_identity__customer_map", [
        {"customer_key": c, "customer_id": c, "cluster_key": c, "anchor_customer_key": c, "anchor_rank": 1}
        for c in sorted(customers)
    ])  # fmt: skip
    for model in (
        "cx_agent",
        "cx_store_visit",
        "fct_survey_responses",
        "int_journey__contact_touchpoints",
        "int_journey__order_refs",
    ):
        fill(connection, model, [])
    models.build(connection, *SUPPORT_CHAIN)
