"""Surveys: who was asked when, who answered what. Scores follow from what happened to the person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingestion.demo.company import vocabulary as words
from ingestion.demo.company.clock import DAY, Clock, instant, local
from ingestion.demo.company.draw import Stream
from ingestion.demo.company.orders import Order
from ingestion.demo.company.people import FAMILY_MAIL, ROLE_MAIL, People
from ingestion.demo.company.plan import Calendar, Plan
from ingestion.demo.company.support import Ticket
from ingestion.demo.company.web_events import PLACE, Events
from ingestion.demo.company.web_sessions import Sessions

NPS, DELIVERY, SUPPORT, CHECKOUT = "LlNps001", "LlDel002", "LlCes003", "LlChk004"
SUPPORT_TOUCHPOINT = {
    "email": "email_support", "web": "web_form_support", "chat": "chat_support", "native_messaging": "chat_support",
    "voice": "phone_support", "facebook": "social_support",
}  # fmt: skip
NPS_RATE, DELIVERY_RATE, SUPPORT_RATE = 175_000, 260_000, 230_000
PARTIAL_RATE = 40_000
TWICE_EVERY = 97
"""Every so many relationship answers come twice: the person answers the same invitation again a day later."""


@dataclass
class Answer:
    """One survey answer. ``score`` is None for a partial answer; ``wave`` groups relationship invitations."""

    form: str
    token: str
    person: int
    touchpoint: str
    invited_at: int
    submitted_at: int
    score: int | None
    reason: str | None
    comment: str | None
    language: str
    wave: str = ""
    order: Order | None = None
    ticket: Ticket | None = None
    logged_in: bool = True
    phone: bool = False


@dataclass(frozen=True)
class Invitation:
    """One person asked once; answered or not."""

    form: str
    person: int
    touchpoint: str
    invited_at: int
    wave: str


@dataclass
class Surveys:
    """All invitations and answers of the period."""

    invitations: list[Invitation]
    answers: list[Answer]


def make_surveys(
    plan: Plan, clock: Clock, calendar: Calendar, people: People, orders: list[Order], tickets: list[Ticket],
    visits: Sessions, events: Events,
) -> Surveys:  # fmt: skip
    """Ask and answer all four surveys; answers in order of submission."""
    s = Stream(plan.seed, "surveys")
    made = Surveys([], [])
    _relationship(s, made, clock, calendar, people, tickets)
    _delivery(s, made, calendar, people, orders)
    _support(s, made, people, tickets)
    _checkout(s, made, calendar, people, orders, visits, events)
    made.answers.sort(key=lambda a: (a.submitted_at, a.form, a.person))
    made.invitations.sort(key=lambda i: (i.invited_at, i.form, i.person))
    tokens = s.below(1 << 62, len(made.answers)).tolist()
    for i, answer in enumerate(made.answers):
        answer.token = f"{tokens[i]:016x}{i:06x}"
    return made


def _in_dip(calendar: Calendar, moment: int) -> bool:
    return instant(calendar.dip_from) <= moment < instant(calendar.dip_until)


def _say(s: Stream, mood: int, language: str) -> tuple[str | None, str | None]:
    """Reason and comment of an answer; mood 1 pleased, 0 indifferent, -1 displeased."""
    reason = words.REASONS[s.one(0, len(words.REASONS) - 1)] if s.yes(700_000) else None
    texts = {1: words.PRAISE, 0: words.NEUTRAL, -1: words.BLAME}[mood][language]
    comment = texts[s.one(0, len(texts) - 1)] if s.yes(350_000 if mood >= 0 else 600_000) else None
    return reason, comment


def _delay(s: Stream) -> int:
    """Seconds from invitation to answer: most within hours, the last after six days."""
    return int(s.curve((90, 1_200, 7_200, 30_000, 90_000, 250_000, 520_000), 1)[0])


def _relationship(
    s: Stream, made: Surveys, clock: Clock, calendar: Calendar, people: People, tickets: list[Ticket]
) -> None:
    """Relationship NPS: everyone in the CRM once a quarter, spread evenly over its days."""
    trouble: dict[int, list[int]] = {}
    for t in tickets:
        if t.reopens(clock.closes) or t.score(clock.closes) == "bad":
            trouble.setdefault(t.requester, []).append(t.created_at)
    able = [i for i in range(people.n) if people.in_crm[i] and i not in (*FAMILY_MAIL, *ROLE_MAIL)]
    answered = 0
    for number, day in enumerate(clock.days):
        wave = f"{day.year}Q{(day.month + 2) // 3}"
        asked = [i for i in able if i * 37 % 91 == number % 91]
        for person in asked:
            invited = instant(day, 10) + s.one(0, 1800)
            if people.registered_at[person] > invited - 7 * DAY:
                continue
            made.invitations.append(Invitation(NPS, person, "relationship_survey", invited, wave))
            if not s.yes(NPS_RATE):
                continue
            moment = invited + _delay(s)
            latent = s.one(0, 999) + 70 * int(people.mood[person])
            latent -= 330 if _in_dip(calendar, moment) else 0
            latent -= 220 if any(0 < moment - t < 40 * DAY for t in trouble.get(person, [])) else 0
            group = -1 if latent < 160 else 0 if latent < 500 else 1
            at = int(s.pick({-1: (2, 1, 2, 3, 4, 8, 10), 0: (40, 60), 1: (55, 45)}[group], 1)[0])
            score = at + {-1: 0, 0: 7, 1: 9}[group]
            made.answers.append(
                _answer(s, NPS, people, person, "relationship_survey", invited, moment, score, group)
            )
            made.answers[-1].wave = wave
            answered += 1
            if answered % TWICE_EVERY == 0:
                again = max(0, score - 1)
                later = moment + DAY
                mood = 1 if again >= 9 else 0 if again >= 7 else -1
                made.answers.append(
                    _answer(s, NPS, people, person, "relationship_survey", invited, later, again, mood)
                )
                made.answers[-1].wave = wave


def _answer(
    s: Stream, form: str, people: People, person: int, touchpoint: str, invited: int, moment: int, score: int,
    mood: int,
) -> Answer:  # fmt: skip
    reason, comment = _say(s, mood, people.language[person])
    partial = s.yes(PARTIAL_RATE)
    return Answer(
        form=form, token="", person=person, touchpoint=touchpoint, invited_at=invited, submitted_at=moment,
        score=None if partial else score, reason=None if partial else reason, comment=None if partial else comment,
        language=people.language[person], phone=s.yes(600_000),
    )  # fmt: skip


def _delivery(s: Stream, made: Surveys, calendar: Calendar, people: People, orders: list[Order]) -> None:
    """CSAT (1–5) two days after delivery of a web or app order."""
    for order in orders:
        if (
            order.channel == "store"
            or order.delivered_at is None
            or order.person in (*FAMILY_MAIL, *ROLE_MAIL)
        ):
            continue
        invited = order.delivered_at + 2 * DAY
        made.invitations.append(Invitation(DELIVERY, order.person, "delivery", invited, ""))
        if not s.yes(DELIVERY_RATE):
            continue
        moment = invited + _delay(s)
        latent = s.one(0, 999) + 40 * int(people.mood[order.person])
        latent -= 400 if _in_dip(calendar, moment) else 0
        latent -= 180 if order.delivered_at - order.created_at > 4 * DAY else 0
        score = 1 + int(np.searchsorted([55, 100, 190, 540], latent, side="right"))
        answer = _answer(s, DELIVERY, people, order.person, "delivery", invited, moment, score, _mood5(score))
        answer.order = order
        made.answers.append(answer)


def _mood5(score: int) -> int:
    return 1 if score >= 4 else 0 if score == 3 else -1


def _support(s: Stream, made: Surveys, people: People, tickets: list[Ticket]) -> None:
    """CES 2.0 (1–7) a day after a ticket was solved for the last time."""
    for ticket in tickets:
        solved = ticket.solved(1 << 62)
        if not solved or ticket.case or ticket.deleted_at or ticket.requester in (*FAMILY_MAIL, *ROLE_MAIL):
            continue
        invited = solved[-1] + DAY
        touchpoint = SUPPORT_TOUCHPOINT[ticket.channel]
        made.invitations.append(Invitation(SUPPORT, ticket.requester, touchpoint, invited, ""))
        if not s.yes(SUPPORT_RATE):
            continue
        moment = invited + _delay(s)
        latent = s.one(0, 999) + 50 * int(people.mood[ticket.requester])
        latent -= min(300, (solved[-1] - ticket.created_at) // 1500)
        latent -= 250 if ticket.reopens(1 << 62) else 0
        score = 1 + int(np.searchsorted([-90, -30, 30, 110, 330, 660], latent, side="right"))
        mood = 1 if score >= 5 else 0 if score == 4 else -1
        answer = _answer(s, SUPPORT, people, ticket.requester, touchpoint, invited, moment, score, mood)
        answer.ticket = ticket
        made.answers.append(answer)


def _checkout(
    s: Stream, made: Surveys, calendar: Calendar, people: People, orders: list[Order], visits: Sessions,
    events: Events,
) -> None:  # fmt: skip
    """Checkout CSAT (1–5), asked on the thank-you page: one answer for each GA4 ``feedback_submitted``."""
    of_session = {order.session: order for order in orders if order.session >= 0}
    asked = {int(events.session[i]): int(events.at[i]) // 1_000_000 for i in _at(events, "ask")}
    sent = {int(events.session[i]): i for i in _at(events, "answer")}
    mobile = visits.is_mobile()
    for session, moment in asked.items():
        order = of_session[session]
        made.invitations.append(Invitation(CHECKOUT, order.person, "checkout", moment, ""))
        if session not in sent:
            continue
        event = sent[session]
        latent = s.one(0, 999) + 30 * int(people.mood[order.person])
        latent -= 350 if mobile[session] and local(moment).date() >= calendar.leak_from else 0
        score = 1 + int(np.searchsorted([30, 70, 140, 480], latent, side="right"))
        at = int(events.at[event]) // 1_000_000
        answer = _answer(s, CHECKOUT, people, order.person, "checkout", moment, at, score, _mood5(score))
        answer.order, answer.phone = order, bool(mobile[session])
        answer.logged_in = bool(events.logged_in[event])
        made.answers.append(answer)


def _at(events: Events, place: str) -> list[int]:
    return np.flatnonzero(events.place == PLACE[place]).tolist()
