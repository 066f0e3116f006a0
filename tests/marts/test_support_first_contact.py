"""First-contact resolution of drawn customers against a comparison of every solution with every later contact."""

from __future__ import annotations

import datetime as dt
import random

from tests.support.dbt_models import CompiledModels, open_models
from tests.support.support_rows import Ticket, build_tickets

WEEK = dt.timedelta(days=7)


def draw(seed: int) -> tuple[list[Ticket], list[tuple[str, dt.datetime]]]:
    """300 tickets and 60 calls of 25 customers in ten weeks; instants on a grid of hours, so that many coincide."""
    source = random.Random(seed)
    start = dt.datetime(2026, 1, 5, 8)
    tickets = []
    for number in range(300):
        opened = start + dt.timedelta(hours=source.randrange(70 * 24))
        ticket = Ticket(
            f"{number}",
            opened,
            customer=None if number % 40 == 0 else f"customer {source.randrange(25)}",
            reason=source.choice(["delivery", "payment", "delivery", None]),
            statuses=[(opened, "new")],
            messages=[(opened, "customer")],
        )
        at = opened
        for _ in range(source.randrange(0, 3)):
            at += dt.timedelta(hours=source.choice([0, 2, 24, 24 * 6, 24 * 8]))
            ticket.statuses.append((at, "solved"))
            ticket.messages.append((at, "agent"))
            if source.random() < 0.3:
                at += dt.timedelta(hours=source.choice([1, 48, 24 * 7, 24 * 9]))
                ticket.statuses.append((at, "open"))
        tickets.append(ticket)
    calls = [
        (f"customer {source.randrange(25)}", start + dt.timedelta(hours=source.randrange(70 * 24)))
        for _ in range(60)
    ]
    return tickets, calls


def expected(
    ticket: Ticket, tickets: list[Ticket], calls: list[tuple[str, dt.datetime]], until: dt.datetime
) -> bool | None:
    """The definition: null while unknown, else neither a repeat nor a reopening within the window."""
    solved = [at for at, status in ticket.statuses if status == "solved"]
    if (
        not solved
        or ticket.statuses[-1][1] != "solved"
        or ticket.customer is None
        or solved[0] + WEEK > until
    ):
        return None
    end = solved[0] + WEEK
    contacts = [(t.opened_at, t.reason) for t in tickets if t.customer == ticket.customer and t is not ticket]
    contacts += [(at, None) for customer, at in calls if customer == ticket.customer]
    repeated = any(
        solved[0] < at <= end and (reason is None or ticket.reason is None or reason == ticket.reason)
        for at, reason in contacts
    )
    seen_solved, reopened = False, False
    for at, status in ticket.statuses:
        reopened |= seen_solved and status == "open" and at <= end
        seen_solved |= status == "solved"
    return not repeated and not reopened


def test_drawn_customers_equal_the_definition(models: CompiledModels) -> None:
    tickets, calls = draw(seed=3)
    connection = open_models()
    build_tickets(connection, models, tickets, calls)
    until = max(
        [at for t in tickets for at, _ in t.statuses]
        + [at for t in tickets for at, _ in t.messages]
        + [t.opened_at for t in tickets]
    )
    found = dict(connection.execute("select ticket_key, fcr_repeat from cx.marts.fct_tickets").fetchall())
    wanted = {t.key: expected(t, tickets, calls, until) for t in tickets}
    assert found == wanted
    assert {True, False, None} == set(wanted.values())
