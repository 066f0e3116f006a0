"""Support tickets: what happened to each, step by step. How Zendesk shows them is written elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from ingestion.demo.company import vocabulary as words
from ingestion.demo.company.clock import (
    DAY,
    SERVICE_HOURS,
    Clock,
    after_business,
    business_seconds,
    instant,
    local,
)
from ingestion.demo.company.draw import Stream
from ingestion.demo.company.orders import Order
from ingestion.demo.company.people import (
    COOKIE_DELETER,
    FAMILY_MAIL,
    MERGED_ONCE,
    MERGED_TWICE,
    PLANTED,
    ROLE_MAIL,
    SHARED_DEVICE,
    TWO_MAILS,
    People,
)
from ingestion.demo.company.plan import Calendar, Plan
from ingestion.demo.company.support_cases import CASES, Case

FIRST_CASE = PLANTED + 10
"""Row of the person behind the first named case; the others follow."""
GENERAL_PER_1000 = 185
"""Tickets that no order starts, per 1,000 persons."""
CHANNELS = ("email", "web", "chat", "native_messaging", "voice", "facebook")
CHANNEL_WEIGHTS = (44, 22, 14, 6, 10, 4)
AGENTS = 12
GROUPS = ("First line", "Orders and returns", "Shops and app")
CLOSES_AFTER = 4 * DAY
RATING_AFTER = DAY


@dataclass
class Step:
    """One update of a ticket. ``who``: customer, agent, bot or system; ``text`` None when nothing is said."""

    at: int
    who: str
    text: str | None = None
    public: bool = True
    changes: dict[str, str] = field(default_factory=dict)


@dataclass
class Ticket:
    """One ticket with all its steps in order of time; ``requester`` is a person, or -1 for a stranger by e-mail."""

    number: int
    requester: int
    topic: str
    channel: str
    order: Order | None
    language: str
    subject: str
    group: int
    agent: int
    priority: str
    steps: list[Step] = field(default_factory=list)
    case: Case | None = None
    opened_by_agent: bool = False
    rating: str | None = None
    rating_comment: str | None = None
    offered_at: int | None = None
    rated_at: int | None = None
    deleted_at: int | None = None
    merged_into: Ticket | None = None

    @property
    def created_at(self) -> int:
        """Instant of the first step."""
        return self.steps[0].at

    def status(self, cutoff: int) -> str:
        """Status just before an instant."""
        if self.deleted_at is not None and self.deleted_at < cutoff:
            return "deleted"
        return [s.changes["status"] for s in self.steps if s.at < cutoff and "status" in s.changes][-1]

    def score(self, cutoff: int) -> str:
        """Satisfaction score just before an instant: unoffered, offered, good or bad."""
        if self.rated_at is not None and self.rated_at < cutoff:
            return str(self.rating)
        return "offered" if self.offered_at is not None and self.offered_at < cutoff else "unoffered"

    def updated_at(self, cutoff: int) -> int:
        """Latest change before an instant."""
        moments = [s.at for s in self.steps] + [self.offered_at, self.rated_at, self.deleted_at]
        return max(m for m in moments if m is not None and m < cutoff)

    def solved(self, cutoff: int) -> list[int]:
        """Instants before ``cutoff`` at which the ticket was set to solved."""
        return [s.at for s in self.steps if s.changes.get("status") == "solved" and s.at < cutoff]

    def first_response(self, cutoff: int) -> int | None:
        """Instant of the first public comment of a human agent; the opening comment of an agent is none."""
        for i, step in enumerate(self.steps):
            if step.at < cutoff and step.who == "agent" and step.text and step.public and i:
                return step.at
        return None

    def reopens(self, cutoff: int) -> int:
        """Times the ticket went from solved back to an open status."""
        before, count = "", 0
        for step in self.steps:
            after = step.changes.get("status")
            if after and step.at < cutoff:
                count += before == "solved" and after not in ("solved", "closed")
                before = after
        return count


def make_tickets(
    plan: Plan, clock: Clock, calendar: Calendar, people: People, orders: list[Order]
) -> list[Ticket]:
    """All tickets in order of creation; ticket numbers follow that order."""
    s = Stream(plan.seed, "support")
    tickets = [*_about_orders(s, calendar, people, orders), *_general(s, plan, clock, people)]
    tickets += [_named(case, FIRST_CASE + i, people) for i, case in enumerate(CASES) if _fits(case, clock)]
    tickets.sort(key=lambda t: (t.created_at, t.requester, t.topic))
    for i, ticket in enumerate(tickets):
        ticket.number = 20_001 + i
    _merge_some(s, tickets)
    for i, ticket in enumerate(t for t in tickets if t.case is None and t.merged_into is None):
        if i % 170 == 90:
            ticket.deleted_at = ticket.created_at + 2 * DAY + 3600
            ticket.steps = [step for step in ticket.steps if step.at < ticket.deleted_at]
            ticket.offered_at = ticket.rated_at = ticket.rating = None
    return tickets


def _about_orders(s: Stream, calendar: Calendar, people: People, orders: list[Order]) -> Iterator[Ticket]:
    for order in orders:
        if order.channel == "store" or order.shipped_at is None or not _writes_freely(order.person):
            continue
        day = local(order.created_at).date()
        troubled = calendar.dip_from <= day < calendar.dip_until
        topics = []
        if order.refunds and s.yes(600_000):
            topics.append(("return", order.refunds[0].refunded_at - s.one(DAY // 2, 3 * DAY)))
        if s.yes(300_000 if troubled else 130_000):
            topics.append(("delivery", order.shipped_at + s.one(DAY // 2, 5 * DAY)))
        if s.yes(25_000):
            topics.append(("payment", order.created_at + s.one(600, DAY)))
        if s.yes(45_000):
            topics.append(("complaint", (order.delivered_at or order.created_at) + s.one(DAY, 12 * DAY)))
        for topic, moment in topics:
            yield _draw(s, people, order.person, topic, moment, order)


def _general(s: Stream, plan: Plan, clock: Clock, people: People) -> Iterator[Ticket]:
    n = plan.customers * GENERAL_PER_1000 // 1000
    who = s.pick([3 + int(a) for a in people.activity], n)
    topic = s.pick(list(words.TOPIC_WEIGHTS.values()), n)
    names = list(words.TOPIC_WEIGHTS)
    for person, moment, t in zip(
        who.tolist(), clock.moments(s, n, SERVICE_HOURS).tolist(), topic.tolist(), strict=True
    ):
        if not _writes_freely(person):
            continue
        yield _draw(s, people, person, names[t], moment, None)
    certain = (
        *ROLE_MAIL,
        FAMILY_MAIL[0],
        MERGED_TWICE,
        MERGED_ONCE,
        TWO_MAILS,
        COOKIE_DELETER,
        *SHARED_DEVICE,
    )
    for person, moment in zip(certain, clock.moments(s, len(certain), SERVICE_HOURS).tolist(), strict=True):
        yield _draw(s, people, person, "product", moment, None)


def _writes_freely(person: int) -> bool:
    """False for the requesters of the named cases, who write nothing else, and for one half of the family mail."""
    return not FIRST_CASE <= person < FIRST_CASE + len(CASES) and person != FAMILY_MAIL[1]


def _draw(s: Stream, people: People, person: int, topic: str, moment: int, order: Order | None) -> Ticket:
    channel = CHANNELS[int(s.pick(CHANNEL_WEIGHTS, 1)[0])]
    language = people.language[person]
    subject, opening = words.TICKET_TOPICS[topic][language]
    group = 1 if topic in ("delivery", "return", "payment") else 2 if order and order.channel == "app" else 0
    ticket = Ticket(
        number=0, requester=person, topic=topic, channel=channel, order=order, language=language, subject=subject,
        group=group, agent=group * 4 + s.one(0, 3),
        priority=("low", "normal", "high", "urgent")[int(s.pick((15, 65, 16, 4), 1)[0])],
    )  # fmt: skip
    _live(s, ticket, moment, opening)
    return ticket


def _live(s: Stream, t: Ticket, moment: int, opening: str) -> None:
    """Lead a ticket from its first word to its closing; later steps may lie after the period."""
    language, live = t.language, t.channel in ("chat", "native_messaging", "voice")
    open_now = business_seconds(moment, moment + 60) == 60
    t.steps.append(Step(moment, "customer", opening, changes={"status": "new", "priority": t.priority}))
    if t.channel in ("chat", "native_messaging") and s.yes(350_000):
        t.steps.append(
            Step(moment + s.one(3, 9), "bot", "Lena here, an assistant. A colleague will join soon.")
        )
    if live and open_now:
        answered = moment + int(s.curve((20, 40, 75, 150, 600), 1)[0])
        taken = answered - 5
    else:
        taken = after_business(moment + 30, int(s.curve((120, 900, 2400, 5400, 14400), 1)[0]))
        answered = after_business(taken, int(s.curve((120, 600, 1800, 5400, 16000, 40000), 1)[0]))
    if s.yes(8_000):
        return  # nobody ever takes it
    t.steps.append(Step(taken, "agent", changes={"status": "open", "assignee_id": str(t.agent)}))
    if s.yes(180_000):
        t.steps.append(Step(taken + (answered - taken) // 2, "agent", words.INTERNAL_NOTE, public=False))
    way = int(s.pick((40, 45, 15), 1)[0])
    last = answered
    if way == 0:
        t.steps.append(Step(answered, "agent", words.AGENT_SOLUTION[language], changes={"status": "solved"}))
    elif way == 1:
        t.steps.append(Step(answered, "agent", words.AGENT_REPLY[language], changes={"status": "pending"}))
        if s.yes(100_000):  # the customer never comes back
            last = answered + 5 * DAY
            t.steps.append(Step(last, "system", changes={"status": "solved"}))
        else:
            back = answered + int(s.curve((300, 3600, 14400, 50000, 140000), 1)[0])
            t.steps.append(Step(back, "customer", words.CUSTOMER_REPLY[language], changes={"status": "open"}))
            last = _finish(s, t, back)
    else:
        t.steps.append(Step(answered, "agent", words.AGENT_REPLY[language]))
        last = _finish(s, t, answered)
    if s.yes(75_000):
        back = last + s.one(4 * 3600, 88 * 3600)
        t.steps.append(Step(back, "customer", words.CUSTOMER_BACK[language], changes={"status": "open"}))
        last = _finish(s, t, back)
    t.steps.append(Step(last + CLOSES_AFTER, "system", changes={"status": "closed"}))
    _rate(s, t, last)


def _finish(s: Stream, t: Ticket, moment: int) -> int:
    """Work on an open ticket until it is solved; returns that instant."""
    if s.yes(90_000):
        held = after_business(moment, s.one(600, 9000))
        t.steps.append(Step(held, "agent", changes={"status": "hold"}))
        moment = after_business(held, s.one(3 * 3600, 20 * 3600))
        t.steps.append(Step(moment, "agent", changes={"status": "open"}))
    done = after_business(moment, int(s.curve((300, 1800, 5400, 14400, 43200), 1)[0]))
    t.steps.append(Step(done, "agent", words.AGENT_SOLUTION[t.language], changes={"status": "solved"}))
    return done


def _rate(s: Stream, t: Ticket, solved: int) -> None:
    """Offer a rating a day after the last solution; about a third answer, four in five of them content."""
    if t.channel in ("voice", "facebook"):
        return
    t.offered_at = solved + RATING_AFTER
    if not s.yes(340_000):
        return
    waited = solved - t.created_at
    unhappy = 120_000 + (160_000 if waited > 3 * DAY else 0) + (250_000 if t.reopens(solved + 1) else 0)
    t.rating = "bad" if s.yes(unhappy) else "good"
    t.rated_at = t.offered_at + int(s.curve((120, 1800, 9000, 40000, 150000), 1)[0])
    if s.yes(400_000):
        texts = (words.PRAISE if t.rating == "good" else words.BLAME)[t.language]
        t.rating_comment = texts[s.one(0, len(texts) - 1)]


def _merge_some(s: Stream, tickets: list[Ticket]) -> None:
    """Merge the second of two tickets that one person opened within two days: the loser is closed by the merge."""
    latest: dict[int, Ticket] = {}
    for ticket in tickets:
        before = latest.get(ticket.requester)
        latest[ticket.requester] = ticket
        near = before is not None and ticket.created_at - before.created_at < 2 * DAY
        if (
            not near
            or before is None
            or ticket.case
            or before.case
            or before.merged_into
            or not s.yes(500_000)
        ):
            continue
        moment = ticket.steps[1].at if len(ticket.steps) > 1 else ticket.created_at + 3600
        ticket.steps = [
            ticket.steps[0],
            Step(moment, "agent", f"Merged into ticket {before.number}.", False, {"status": "closed"}),
        ]
        ticket.merged_into = before
        ticket.offered_at = ticket.rated_at = ticket.rating = None


def _fits(case: Case, clock: Clock) -> bool:
    days = [date.fromisoformat(at[:10]) for at, _ in case.steps]
    return clock.start <= days[0] and days[-1] <= clock.end


def case_instant(text: str) -> int:
    """Instant of a step of a named case."""
    day, wall = text.rstrip("b").split()
    hour, minute = wall.split(":")
    return instant(date.fromisoformat(day), int(hour), int(minute), fold=int(text.endswith("b")))


def _named(case: Case, person: int, people: People) -> Ticket:
    language = people.language[person]
    ticket = Ticket(
        number=0, requester=person, topic="account", channel="email", order=None, language=language,
        subject=f"Named case: {case.name}", group=0, agent=1, priority="normal", case=case,
        opened_by_agent=case.steps[0][1] == "agent_create",
    )  # fmt: skip
    for at, what in case.steps:
        moment = case_instant(at)
        act, _, status = what.partition(":")
        changes = {"status": status} if status else {}
        if act in ("create", "agent_create"):
            who = "customer" if act == "create" else "agent"
            changes = {"status": "new", "priority": "normal"}
            ticket.steps.append(Step(moment, who, case.why, changes=changes))
        elif act == "status":
            ticket.steps.append(Step(moment, "agent", changes=changes))
        elif act == "note":
            ticket.steps.append(Step(moment, "agent", words.INTERNAL_NOTE, public=False))
        else:
            said = (words.AGENT_REPLY if act == "agent" else words.CUSTOMER_REPLY)[language]
            ticket.steps.append(Step(moment, act, said, changes=changes))
    return ticket
