"""Visits of the shops as their tills write them: receipts, returns, service visits, voided receipts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from ingestion.demo.company import vocabulary as words
from ingestion.demo.company.clock import SHOP_HOURS, Clock, instant, local
from ingestion.demo.company.draw import Stream
from ingestion.demo.company.orders import Order
from ingestion.demo.company.people import PLANTED, People
from ingestion.demo.company.plan import Plan

DAY_ENDS_AT = 3
"""The business day of the airport shop ends at 03:00 local time."""
SERVICE_PER_1000 = 60
LATE_STORE = 2
"""The shop whose till was offline for three days and sent them in one file."""


@dataclass
class Visit:
    """One row of a till file; ``basket`` in cents, negative for a return. ``sent_on``: day of the file it comes in."""

    store: int
    till: int
    at: int
    kind: str
    card: str | None
    person: int
    basket: int
    items: int
    order: Order | None
    business_day: date
    sent_on: date
    staff: str
    receipt: str = ""

    @property
    def key(self) -> str:
        """Key of the row: receipts start again for each till and business day."""
        return f"{words.STORES[self.store][0]}|{self.till}|{self.business_day.isoformat()}|{self.receipt}"


def business_day(store: int, moment: int) -> date:
    """Business day of an instant in one shop."""
    wall = local(moment)
    if store == words.AIRPORT and wall.hour < DAY_ENDS_AT:
        return wall.date() - timedelta(days=1)
    return wall.date()


def make_visits(plan: Plan, clock: Clock, people: People, orders: list[Order]) -> list[Visit]:
    """All visits in order of time, with receipt numbers per shop, till and business day."""
    s = Stream(plan.seed, "stores")
    visits = []
    for order in orders:
        if order.channel == "store":
            visits.append(_visit(s, order.store, order.created_at, "purchase", order, order.total))
            visits += [
                _visit(s, order.store, refund.refunded_at, "return", order, -refund.amount)
                for refund in order.refunds
            ]
    n = plan.customers * SERVICE_PER_1000 // 1000
    who = s.pick([int(a) if c else 0 for a, c in zip(people.activity, people.card, strict=True)], n)
    for person, moment, store in zip(
        who.tolist(), clock.moments(s, n, SHOP_HOURS, shop=True).tolist(), s.below(3, n).tolist(), strict=True
    ):
        visits.append(_visit(s, store, moment, "service", None, 0, person, people.card[person]))
    voided = max(2, plan.customers // 500)
    for moment in clock.moments(s, voided, SHOP_HOURS, shop=True).tolist():
        visits.append(_visit(s, 0, moment, "void", None, 0))
    for offset, (_, moment) in enumerate(clock_change_visits(clock)):
        person = PLANTED + offset
        people.card[person] = people.card[person] or f"LC{4_000_000 + 13 * person}"
        visits.append(_visit(s, words.AIRPORT, moment, "service", None, 0, person, people.card[person]))
    visits = [v for v in visits if clock.opens <= v.at < clock.closes]
    visits.sort(key=lambda v: (v.at, v.store, v.till, v.kind, v.basket))
    counters: dict[tuple[int, int, date], int] = {}
    for visit in visits:
        place = (visit.store, visit.till, visit.business_day)
        counters[place] = counters.get(place, 0) + 1
        visit.receipt = f"{counters[place]:04d}"
    late = late_days(clock)
    for visit in visits:
        if visit.store == LATE_STORE and visit.business_day in late:
            visit.sent_on = late[-1]
    return visits


def late_days(clock: Clock) -> list[date]:
    """The three business days whose rows of one shop all come in the file of the last of them."""
    middle = len(clock.days) * 4 // 10
    return clock.days[middle : middle + 3]


def clock_change_visits(clock: Clock) -> list[tuple[str, int]]:
    """Visits of the airport shop around the clock changes inside the period: (what, instant)."""
    found = []
    for day in clock.days:
        hours = (instant(day + timedelta(days=1)) - instant(day)) // 3600
        if hours == 25:
            found += [
                ("last hour of summer time", instant(day, 1, 50)),
                ("first pass of the repeated hour", instant(day, 2, 10)),
                ("second pass of the repeated hour", instant(day, 2, 40, fold=1)),
                ("first hour of winter time", instant(day, 3, 5)),
            ]
        if hours == 23:
            found += [
                ("last minutes before the gap", instant(day, 1, 55)),
                ("first minutes after the gap", instant(day, 3, 5)),
            ]
    return found


def _visit(
    s: Stream, store: int, moment: int, kind: str, order: Order | None, basket: int, person: int = -1,
    card: str | None = None,
) -> Visit:  # fmt: skip
    return Visit(
        store=store,
        till=s.one(1, 2),
        at=moment,
        kind=kind,
        card=order.card if order else card,
        person=order.person if order else person,
        basket=basket,
        items=sum(line.quantity for line in order.lines) if order else 0,
        order=order,
        business_day=business_day(store, moment),
        sent_on=business_day(store, moment),
        staff=f"S{store + 1}{s.one(1, 6)}",
    )


def written_card(card: str | None, visit_no: int) -> str:
    """The card number as tills write it: plain, lower case, with blanks, with a blank before it."""
    if card is None:
        return ""
    style = visit_no % 4
    return (card, card.lower(), f"{card[:2]} {card[2:5]} {card[5:]}", f" {card}")[style]
