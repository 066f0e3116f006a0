"""Events of the visits: each visit walks a fixed list of places, a mask says which of them it touches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from ingestion.demo.company.clock import Clock, instant
from ingestion.demo.company.draw import BoolArray, IntArray, Stream
from ingestion.demo.company.plan import Calendar, Plan
from ingestion.demo.company.web_sessions import (
    BOUGHT,
    BROWSED,
    CARTED,
    CHECKOUT,
    CONSIDERED,
    LOGIN_AT_CHECKOUT,
    LOGIN_EARLY,
    SIGN_UP,
    VIEWED,
    Sessions,
)

# place, GA4 event name, seconds since the place before (least, most), article looked at (-1 none)
PLACES = (
    ("start", "session_start", 0, 0, -1),
    ("first", "first_visit", 0, 0, -1),
    ("landing", "page_view", 0, 0, -1),
    ("engaged", "user_engagement", 10, 45, -1),
    ("login", "login", 6, 40, -1),
    ("search", "view_search_results", 4, 40, -1),
    ("category", "page_view", 3, 60, -1),
    ("list", "view_item_list", 0, 1, -1),
    ("form", "form_start", 5, 60, -1),
    ("form_sent", "form_submit", 10, 70, -1),
    ("select", "select_item", 4, 120, 0),
    ("page_a", "page_view", 1, 3, 0),
    ("item_a", "view_item", 0, 1, 0),
    ("error", "error_shown", 5, 60, -1),
    ("page_b", "page_view", 10, 240, 1),
    ("item_b", "view_item", 0, 1, 1),
    ("page_c", "page_view", 10, 240, 2),
    ("item_c", "view_item", 0, 1, 2),
    ("scroll", "scroll", 5, 90, 0),
    ("reviews", "view_reviews", 5, 150, 0),
    ("compare", "compare_items", 5, 200, 0),
    ("wish", "add_to_wishlist", 3, 120, 0),
    ("chat", "chat_open", 10, 150, -1),
    ("help", "page_view", 10, 180, -1),
    ("add_a", "add_to_cart", 5, 200, 0),
    ("add_b", "add_to_cart", 20, 300, 1),
    ("cart_page", "page_view", 3, 120, -1),
    ("cart", "view_cart", 0, 1, -1),
    ("remove", "remove_from_cart", 5, 60, 1),
    ("checkout_page", "page_view", 5, 150, -1),
    ("checkout", "begin_checkout", 0, 1, -1),
    ("login_late", "login", 10, 60, -1),
    ("sign_up", "sign_up", 20, 120, -1),
    ("shipping", "add_shipping_info", 20, 150, -1),
    ("payment", "add_payment_info", 15, 120, -1),
    ("pay_error", "error_shown", 2, 40, -1),
    ("rage", "rage_click", 1, 10, -1),
    ("purchase", "purchase", 10, 120, -1),
    ("thanks_page", "page_view", 0, 2, -1),
    ("ask", "feedback_shown", 2, 8, -1),
    ("answer", "feedback_submitted", 5, 60, -1),
)
PLACE = {row[0]: i for i, row in enumerate(PLACES)}
EVENT_NAMES = sorted({row[1] for row in PLACES})
_EVENT_OF_PLACE = np.array([EVENT_NAMES.index(row[1]) for row in PLACES], dtype=np.int64)
FUNNEL: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("view", ("view_item",)),
    ("consider", ("view_reviews", "compare_items", "add_to_wishlist")),
    ("add_to_cart", ("add_to_cart",)),
    ("checkout", ("begin_checkout",)),
    ("purchase", ("purchase",)),
)
"""Steps of the shop funnel and the GA4 events that make them."""
PAGES_PER_BOT = 50


@dataclass
class Events:
    """Columns of the web events, sorted by instant; ``at`` in microseconds.

    ``session`` is a row of the visits, ``place`` of ``PLACES``; ``late`` marks events that reach the export only with
    the second version of their day's file; ``copies`` is 2 for an event that the collector delivers twice.
    """

    session: IntArray
    place: IntArray
    at: IntArray
    late: BoolArray
    logged_in: BoolArray
    day: IntArray
    copies: IntArray

    def names(self) -> IntArray:
        """Row of ``EVENT_NAMES`` for each event."""
        return _EVENT_OF_PLACE[self.place]


def _mask(s: Stream, v: Sessions, calendar: Calendar) -> BoolArray:
    """Which visit touches which place, shape (visits, places)."""
    n, depth = v.n, v.depth
    mask = np.zeros((n, len(PLACES)), dtype=bool)

    def touch(place: str, when: BoolArray, ppm: int = 1_000_000) -> BoolArray:
        """Touch a place where ``when`` holds, with a probability; the draws are made for every visit."""
        mask[:, PLACE[place]] = when & s.chance(ppm, n)
        return mask[:, PLACE[place]]

    everyone = np.ones(n, dtype=bool)
    touch("start", ~v.denies_consent)
    touch("first", (v.number == 1) & ~v.denies_consent)
    touch("landing", everyone)
    touch("engaged", depth >= BROWSED, 400_000)
    touch("login", v.login == LOGIN_EARLY)
    touch("search", depth >= BROWSED, 190_000)
    touch("category", depth >= BROWSED, 830_000)
    touch("list", mask[:, PLACE["category"]])
    started = touch("form", depth >= BROWSED, 18_000)
    touch("form_sent", started, 610_000)
    viewed = depth >= VIEWED
    touch("select", viewed, 720_000)
    touch("page_a", viewed)
    touch("item_a", viewed)
    touch("error", viewed, 9_000)
    second = touch("page_b", viewed, 560_000)
    touch("item_b", second)
    third = touch("page_c", second, 430_000)
    touch("item_c", third)
    touch("scroll", viewed, 520_000)
    quick = (depth >= CARTED) & s.chance(60_000, n)  # straight from the first look into the cart
    considered = (depth >= CONSIDERED) & ~quick
    compare = touch("compare", considered, 300_000)
    wish = touch("wish", considered, 240_000)
    reads = touch("reviews", considered, 620_000)
    mask[:, PLACE["reviews"]] = reads | (considered & ~compare & ~wish)
    touch("chat", viewed, 12_000)
    touch("help", viewed, 45_000)
    carted = depth >= CARTED
    touch("add_a", carted)
    added = touch("add_b", carted & second, 450_000)
    touch("cart_page", carted, 900_000)
    touch("cart", mask[:, PLACE["cart_page"]])
    removed = touch("remove", added, 120_000)
    v.second_in_cart = added & ~removed
    checkout = depth >= CHECKOUT
    bought = depth >= BOUGHT
    touch("checkout_page", checkout)
    touch("checkout", checkout)
    touch("login_late", v.login == LOGIN_AT_CHECKOUT)
    touch("sign_up", v.login == SIGN_UP)
    touch("shipping", checkout & (bought | s.chance(700_000, n)))
    touch("payment", mask[:, PLACE["shipping"]] & (bought | s.chance(650_000, n)))
    stuck = v.is_mobile() & (v.start >= instant(calendar.leak_from)) & checkout & ~bought
    failing = mask[:, PLACE["payment"]] & (stuck | s.chance(60_000, n))
    touch("pay_error", failing, 850_000)
    touch("rage", failing & stuck, 400_000)
    touch("purchase", bought)
    touch("thanks_page", bought, 970_000)
    asked = touch("ask", bought, 400_000)
    touch("answer", asked, 330_000)
    mask[v.is_bot] = False
    return mask


def make_events(plan: Plan, clock: Clock, calendar: Calendar, visits: Sessions) -> Events:
    """Let every visit walk its places and every bot its pages.

    Gaps between two places are below ten minutes, so that no visit falls apart at 30 minutes of silence.
    """
    s = Stream(plan.seed, "web.events")
    mask = _mask(s, visits, calendar)
    passed = np.zeros(mask.shape, dtype=np.int64)
    for i, (_, _, least, most, _) in enumerate(PLACES):
        if most:
            u = s.below(1 << 20, visits.n)
            passed[:, i] = least * 1_000_000 + ((most - least) * 1_000_000 * (u * u >> 20) >> 20)
    passed[~mask] = 0
    at = visits.start * 1_000_000 + s.below(1_000_000, visits.n)
    at = at[:, None] + np.cumsum(passed, axis=1)
    session, place = np.nonzero(mask)
    moment = at[session, place]

    bots = np.flatnonzero(visits.is_bot)
    steps = np.arange(PAGES_PER_BOT * 2 + 1)
    bot_place = np.where(
        steps == 0, PLACE["start"], np.where(steps % 2 == 1, PLACE["page_a"], PLACE["item_a"])
    )
    bot_at = (visits.start[bots] * 1_000_000)[:, None] + (steps * 600_000)[None, :]
    session = np.concatenate([session, np.repeat(bots, len(steps))])
    place = np.concatenate([place, np.tile(bot_place, len(bots))])
    moment = np.concatenate([moment, bot_at.ravel()])

    order = np.lexsort((place, session, moment))
    session, place, moment = session[order], place[order], moment[order]
    inside = moment < clock.closes * 1_000_000
    session, place, moment = session[inside], place[inside], moment[inside]
    day = clock.day_index(moment // 1_000_000)
    late_days = [clock.days.index(d) for d in calendar.late_days if d in clock.days]
    late = np.isin(day, late_days) & visits.is_mobile()[session] & s.chance(90_000, len(session))
    late &= place != PLACE["purchase"]  # an order never waits for its event
    login_place = np.select(
        [
            visits.login == 1,
            visits.login == LOGIN_EARLY,
            visits.login == LOGIN_AT_CHECKOUT,
            visits.login == SIGN_UP,
        ],
        [0, PLACE["login"], PLACE["login_late"], PLACE["sign_up"]],
        default=len(PLACES),
    )
    copies = 1 + (s.chance(600, len(session)) & ~late & ~visits.is_bot[session]).astype(np.int64)
    return Events(session, place, moment, late, place >= login_place[session], day, copies)


def is_in_files(events: Events, clock: Clock, calendar: Calendar, until: date, late: bool) -> BoolArray:
    """Events that the day files hold once ``until`` is over; ``late``: with every rewritten file in place."""
    there = events.day <= clock.days.index(until)
    for day, rewritten in calendar.late_days.items():
        if day in clock.days and until < rewritten and not late:
            there &= ~(events.late & (events.day == clock.days.index(day)))
    return there
