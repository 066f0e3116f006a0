"""Visits of the web shop: who came when, on which browser, from where, how far they went and whether they logged in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingestion.demo.company import people as cast
from ingestion.demo.company import vocabulary as words
from ingestion.demo.company.clock import DAY, WEB_HOURS, Clock, instant
from ingestion.demo.company.draw import BoolArray, IntArray, Stream
from ingestion.demo.company.people import People
from ingestion.demo.company.plan import Calendar, Plan

LANDED, BROWSED, VIEWED, CONSIDERED, CARTED, CHECKOUT, BOUGHT = range(7)
"""How far a visit went; each level includes those before it."""

NO_LOGIN, FROM_START, LOGIN_EARLY, LOGIN_AT_CHECKOUT, SIGN_UP = range(5)

SESSIONS_PER_CUSTOMER_PERCENT = 548
"""Gives about 40 web events per customer: 200,000 at the default size (measured)."""
APART = 3 * 3600
"""Two visits on one browser start at least this far apart: longer than any visit plus the 30 minutes of a session."""


@dataclass
class Sessions:
    """Columns of the visits, all of length ``n``, in order of start.

    ``person`` is the row of the person, or -1 for a visitor nobody knows; ``visitor`` numbers every human being,
    known or not; ``browser`` is a row of ``pseudo_ids``. ``items`` (n, 3) are articles looked at; the first is the one
    put into the cart, with ``quantity``; ``second_in_cart`` tells whether the second is in the cart at the end.
    """

    n: int
    start: IntArray
    person: IntArray
    visitor: IntArray
    browser: IntArray
    number: IntArray
    device: IntArray
    traffic: IntArray
    season: IntArray
    depth: IntArray
    login: IntArray
    items: IntArray
    quantity: IntArray
    second_in_cart: BoolArray
    denies_consent: BoolArray
    is_bot: BoolArray
    pseudo_ids: list[str]
    first_seen: IntArray

    def is_mobile(self) -> BoolArray:
        """Visits on a phone."""
        return np.array([d[0] == "mobile" for d in words.DEVICES])[self.device]


def make_sessions(
    plan: Plan, clock: Clock, calendar: Calendar, people: People, article_weights: list[int]
) -> Sessions:
    """Draw all visits of the period, bots included.

    A person without a shop account who reaches the checkout first opens one there when ``has_account`` says so: that
    visit gets ``SIGN_UP``, and ``people.registered_at`` is set to its start (the event itself comes minutes later).
    """
    s = Stream(plan.seed, "web.sessions")
    wanted = plan.customers * SESSIONS_PER_CUSTOMER_PERCENT // 100
    by_customers = wanted // 2
    person = np.concatenate([
        s.pick(people.activity, by_customers), np.full(wanted - by_customers, -1, dtype=np.int64)
    ])  # fmt: skip
    strangers = people.n + s.below(max(1, (wanted - by_customers) * 10 // 14), wanted)
    visitor = np.where(person >= 0, person, strangers)
    start = clock.moments(s, wanted, WEB_HOURS)
    second_device = s.chance(220_000, wanted)
    key = _browser_key(visitor, person, second_device, clock.day_index(start))

    order = np.lexsort((start, key))
    key, start, person, visitor = key[order], start[order], person[order], visitor[order]
    clear = np.ones(wanted, dtype=bool)
    clear[1:] = (key[1:] != key[:-1]) | (start[1:] - start[:-1] >= APART)
    key, start, person, visitor = key[clear], start[clear], person[clear], visitor[clear]
    n = len(key)
    names, browser, counts = np.unique(key, return_inverse=True, return_counts=True)
    begins = np.concatenate([[0], np.cumsum(counts)[:-1]])
    first_seen = start[begins]
    number = np.arange(n) - begins[browser] + 1
    pseudo = [
        f"{a}.{b}"
        for a, b in zip(s.between(10**9, 2 * 10**9, len(names)).tolist(), first_seen.tolist(), strict=True)
    ]
    device = s.pick([d[3] for d in words.DEVICES], len(names))[browser]
    desktops = [i for i, d in enumerate(words.DEVICES) if d[0] == "desktop"]
    device = np.where(np.isin(person, cast.SHARED_DEVICE), desktops[0], device)

    order = np.lexsort((browser, start))
    start, person, visitor, browser = start[order], person[order], visitor[order], browser[order]
    number, device = number[order], device[order]
    day = clock.day_index(start)
    month = np.array([d.month for d in clock.days], dtype=np.int64)[day]
    sessions = Sessions(
        n=n, start=start, person=person, visitor=visitor, browser=browser, number=number, device=device,
        traffic=s.pick([t[3] for t in words.TRAFFIC], n), season=month,
        depth=np.zeros(n, dtype=np.int64), login=np.zeros(n, dtype=np.int64),
        items=np.stack([s.pick(article_weights, n) for _ in range(3)], axis=1),
        quantity=np.stack([s.pick((78, 16, 6), n) + 1, s.pick((85, 15), n) + 1], axis=1),
        second_in_cart=np.zeros(n, dtype=bool),
        denies_consent=(person < 0) & s.chance(30_000, n),
        is_bot=np.zeros(n, dtype=bool), pseudo_ids=pseudo, first_seen=first_seen,
    )  # fmt: skip
    same = sessions.items[:, 1] == sessions.items[:, 0]
    sessions.items[same, 1] = (sessions.items[same, 0] + 1) % len(article_weights)
    sessions.depth = _depths(s, sessions, calendar)
    sessions.depth[sessions.denies_consent] = np.minimum(sessions.depth[sessions.denies_consent], VIEWED)
    sessions.login = _logins(s, sessions, people)
    return _add_bots(plan, clock, sessions)


def _browser_key(visitor: IntArray, person: IntArray, second: BoolArray, day: IntArray) -> IntArray:
    """One number per browser (visitor, device, life of its cookie); see the planted persons for the exceptions."""
    slot = second.astype(np.int64)
    slot[np.isin(person, cast.SHARED_DEVICE)] = 0
    owner = np.where(person == cast.SHARED_DEVICE[1], cast.SHARED_DEVICE[0], visitor)
    slot[person == cast.COOKIE_DELETER] = 0
    generation = np.where(
        visitor % 17 == 13, day // 45, 0
    )  # some browsers forget their cookies every 45 days
    mine = person == cast.COOKIE_DELETER
    generation[mine] = np.arange(int(mine.sum()))
    return (owner * 2 + slot) * 4096 + generation


def _depths(s: Stream, visits: Sessions, calendar: Calendar) -> IntArray:
    """How far each visit goes. Rates give 2–3 % buyers and about 70 % abandoned carts."""
    n = visits.n
    known = visits.person >= 0
    mobile = visits.is_mobile()
    leaking = mobile & (visits.start >= instant(calendar.leak_from))
    mail = visits.traffic == 3
    depth = np.zeros(n, dtype=np.int64)
    going = np.ones(n, dtype=bool)
    steps = (
        (BROWSED, np.where(mobile, 690_000, 760_000)),
        (VIEWED, np.where(mail, 760_000, 670_000)),
        (CONSIDERED, np.full(n, 450_000)),
        (CARTED, np.where(known, 460_000, 230_000)),
        (CHECKOUT, np.where(known, 770_000, 0)),
        (BOUGHT, np.where(leaking, 190_000, np.where(mobile, 600_000, 690_000))),
    )
    for level, ppm in steps:
        going &= s.chance(ppm.astype(np.int64), n)
        depth[going] = level
    return depth


def _logins(s: Stream, visits: Sessions, people: People) -> IntArray:
    """Whether and where each visit logs in; opens accounts at the first checkout of those who have none yet."""
    n = visits.n
    known = visits.person >= 0
    who = np.where(known, visits.person, 0)
    may = known & people.has_account[who]
    late_joiner = people.registered_at > visits.start.min()
    checkout = np.flatnonzero(may & (visits.depth >= CHECKOUT) & late_joiner[who])
    joined, place = np.unique(visits.person[checkout], return_index=True)
    first = checkout[place]
    people.registered_at[joined] = visits.start[first]

    kind = s.pick((48, 34, 18), n)
    login = np.where(kind == 1, FROM_START, np.where(kind == 2, LOGIN_EARLY, NO_LOGIN))
    at_checkout = (login == NO_LOGIN) & (visits.depth >= CHECKOUT) & s.chance(640_000, n)
    login[at_checkout] = LOGIN_AT_CHECKOUT
    always = (cast.COOKIE_DELETER, *cast.SHARED_DEVICE, *cast.FAMILY_MAIL, *cast.ROLE_MAIL)
    login[np.isin(visits.person, always)] = LOGIN_EARLY
    login[~may | (visits.start < people.registered_at[who])] = NO_LOGIN
    login[first] = SIGN_UP
    return login


def _add_bots(plan: Plan, clock: Clock, visits: Sessions) -> Sessions:
    """Append the visits of machines: each on a browser of its own, recognisable by ``HeadlessChrome``."""
    s = Stream(plan.seed, "web.bots")
    n = max(4, visits.n // 800)
    start = np.sort(clock.opens + s.below(len(clock.days) * DAY - 7200, n))
    more = len(visits.pseudo_ids)
    zeros, none = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=bool)
    month = np.array([d.month for d in clock.days], dtype=np.int64)[clock.day_index(start)]
    pseudo = [
        f"{a}.{b}" for a, b in zip(s.between(10**9, 2 * 10**9, n).tolist(), start.tolist(), strict=True)
    ]

    def join(left: IntArray, right: IntArray) -> IntArray:
        return np.concatenate([left, right])

    return Sessions(
        n=visits.n + n,
        start=join(visits.start, start),
        person=join(visits.person, zeros - 1),
        visitor=join(visits.visitor, np.arange(n) + int(visits.visitor.max()) + 1),
        browser=join(visits.browser, np.arange(n) + more),
        number=join(visits.number, zeros + 1),
        device=join(visits.device, zeros + 3),
        traffic=join(visits.traffic, zeros + 1),
        season=join(visits.season, month),
        depth=join(visits.depth, zeros + VIEWED),
        login=join(visits.login, zeros),
        items=np.concatenate([visits.items, np.zeros((n, 3), dtype=np.int64)]),
        quantity=np.concatenate([visits.quantity, np.ones((n, 2), dtype=np.int64)]),
        second_in_cart=np.concatenate([visits.second_in_cart, none]),
        denies_consent=np.concatenate([visits.denies_consent, none]),
        is_bot=np.concatenate([visits.is_bot, ~none]),
        pseudo_ids=visits.pseudo_ids + pseudo,
        first_seen=join(visits.first_seen, start),
    )
