"""Times of tickets: cases worked out by hand, and drawn ones against a walk minute by minute."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import random
from collections.abc import Iterator

import pytest

from ingestion.demo.company.support_cases import CASES, Case
from tests.support.dbt_models import DBT_PROJECT, CompiledModels, open_models
from tests.support.support_rows import WARSAW, Ticket, build_tickets, utc

FIRST, LAST = dt.date(2025, 10, 1), dt.date(2026, 5, 1)
"""Days of the walk: both clock changes, Christmas Eve as a new holiday, Easter."""


def holidays_of_poland() -> set[dt.date]:
    with (DBT_PROJECT / "seeds" / "business" / "holidays.csv").open(encoding="utf-8") as file:
        return {
            dt.date.fromisoformat(r["holiday_date"]) for r in csv.DictReader(file) if r["country"] == "PL"
        }


@pytest.fixture(scope="module")
def open_minutes() -> dict[dt.datetime, int]:
    """Open minutes before each UTC minute of the walk: Monday to Friday 09-17 in Warsaw, no holiday."""
    shut = holidays_of_poland()
    counted, before = {}, 0
    minute = dt.datetime.combine(FIRST, dt.time())
    while minute.date() <= LAST:
        counted[minute] = before
        local = minute.replace(tzinfo=dt.UTC).astimezone(WARSAW)
        before += local.weekday() < 5 and 9 <= local.hour < 17 and local.date() not in shut
        minute += dt.timedelta(minutes=1)
    return counted


def ticket_of(number: int, case: Case) -> Ticket:
    """The steps of a named case as status changes and messages."""
    steps = [(utc(at), what) for at, what in case.steps]
    ticket = Ticket(f"{number}", steps[0][0], customer=f"customer {number}")
    ticket.statuses.append((steps[0][0], "new"))
    for at, what in steps:
        author, _, status = what.partition(":")
        if author in ("create", "customer"):
            ticket.messages.append((at, "customer"))
        elif author == "agent_create":
            ticket.messages.append((at, "agent"))
        elif author in ("agent", "note", "bot"):
            ticket.messages.append((at, author))
        if status:
            ticket.statuses.append((at, status))
    return ticket


@pytest.fixture(scope="module")
def cases(models: CompiledModels) -> dict[str, dict[str, float | None]]:
    connection = open_models()
    build_tickets(connection, models, [ticket_of(i, case) for i, case in enumerate(CASES)])
    result = connection.execute("select * from cx.marts.fct_tickets")
    names = [column[0] for column in result.description]
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    return {CASES[int(row["ticket_key"])].name: row for row in rows}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_worked_out_by_hand(case: Case, cases: dict[str, dict[str, float | None]]) -> None:
    row = cases[case.name]
    found = {
        "first_response": (row["first_response_calendar_minutes"], row["first_response_business_minutes"]),
        "first_resolution": (
            row["first_resolution_calendar_minutes"],
            row["first_resolution_business_minutes"],
        ),
        "full_resolution": (row["full_resolution_calendar_minutes"], row["full_resolution_business_minutes"]),
        "requester_wait": row["requester_wait_calendar_minutes"],
        "agent_wait": row["agent_wait_calendar_minutes"],
        "on_hold": row["on_hold_calendar_minutes"],
        "reopens": row["reopen_count"],
    }
    assert found == {name: getattr(case, name) for name in found}


def drawn_tickets(count: int, seed: int) -> Iterator[Ticket]:
    """Tickets with a random walk through the states, many of them around clock changes and holidays."""
    draw = random.Random(seed)
    edges = [
        dt.datetime(2025, 10, 25),
        dt.datetime(2025, 12, 23),
        dt.datetime(2026, 3, 28),
        dt.datetime(2026, 4, 2),
    ]
    for number in range(count):
        start = draw.choice(edges) if number % 2 else dt.datetime(2025, 10, 5)
        at = start + dt.timedelta(minutes=draw.randrange(0, 3 * 1440 if number % 2 else 170 * 1440))
        ticket = Ticket(f"{number}", at, customer=f"customer {number}", messages=[(at, "customer")])
        ticket.statuses.append((at, "new"))
        for _ in range(draw.randrange(2, 7)):
            at += dt.timedelta(minutes=draw.choice([0, 3, 40, 300, 1440, draw.randrange(1, 8000)]))
            ticket.statuses.append((at, draw.choice(["open", "pending", "hold", "solved"])))
            if draw.random() < 0.7:
                ticket.messages.append((at, draw.choice(["agent", "note", "customer", "bot"])))
        at += dt.timedelta(minutes=draw.randrange(1, 3000))
        ticket.statuses.append((at, "solved"))
        yield ticket


def test_drawn_tickets_equal_a_walk_minute_by_minute(
    models: CompiledModels, open_minutes: dict[dt.datetime, int]
) -> None:
    tickets = list(drawn_tickets(300, seed=11))
    connection = open_models()
    build_tickets(connection, models, tickets)
    found = dict(
        (row[0], row[1:])
        for row in connection.execute(
            "select ticket_key, first_response_business_minutes, first_resolution_business_minutes,"
            " full_resolution_business_minutes, requester_wait_business_minutes, agent_wait_business_minutes,"
            " on_hold_business_minutes, requester_wait_calendar_minutes, agent_wait_calendar_minutes,"
            " on_hold_calendar_minutes, reopen_count from cx.marts.fct_tickets"
        ).fetchall()
    )
    assert len(found) == len(tickets)
    for ticket in tickets:
        assert found[ticket.key] == expected_times(ticket, open_minutes), ticket


def expected_times(ticket: Ticket, open_minutes: dict[dt.datetime, int]) -> tuple[float | None, ...]:
    """Business and calendar minutes of a ticket, from the definition."""
    opened = ticket.opened_at

    def business(start: dt.datetime, end: dt.datetime) -> int:
        return open_minutes[end] - open_minutes[start]

    answers = [at for at, author in ticket.messages[1:] if author == "agent"]
    solved = [at for at, status in ticket.statuses if status == "solved"]
    stays = list(itertools.pairwise(ticket.statuses))
    waits: dict[str, list[float]] = {}
    for who, states in (("requester", ("new", "open", "hold")), ("agent", ("pending",)), ("hold", ("hold",))):
        mine = [(start, end) for (start, state), (end, _) in stays if state in states]
        waits[who] = [
            sum(business(start, end) for start, end in mine),
            sum((end - start).total_seconds() / 60 for start, end in mine),
        ]
    return (
        business(opened, answers[0]) if answers else None,
        business(opened, solved[0]),
        business(opened, solved[-1]),
        *(waits[who][0] for who in ("requester", "agent", "hold")),
        *(waits[who][1] for who in ("requester", "agent", "hold")),
        sum(before == "solved" and after != "solved" for (_, before), (_, after) in stays),
    )
