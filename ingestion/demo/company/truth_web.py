"""Truths about the web: events, visits, funnels, the leak."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from ingestion.demo.company.clock import DAY, ZONE_NAME, instant, iso
from ingestion.demo.company.company import Company
from ingestion.demo.company.draw import BoolArray, IntArray
from ingestion.demo.company.vocabulary import DEVICES, TRAFFIC
from ingestion.demo.company.web_events import EVENT_NAMES, FUNNEL, is_in_files

Facts = dict[str, Any]
WINDOW_SECONDS = 7 * DAY


def web(c: Company, until: date, late: bool) -> Facts:
    """Counts of events and visits in the day files; ``events`` are different ones, ``rows`` include duplicates."""
    e, v = c.events, c.sessions
    there = is_in_files(e, c.clock, c.calendar, until, late)
    bot, denied = v.is_bot[e.session], v.denies_consent[e.session]
    human = there & ~bot
    names = e.names()
    sessions = np.unique(e.session[human & ~denied])
    bought = there & (names == EVENT_NAMES.index("purchase"))
    of_session = {o.session: o for o in c.orders if o.session >= 0}
    total = sum(of_session[s].total for s in e.session[bought].tolist())
    waiting = is_in_files(e, c.clock, c.calendar, until, True) & ~there
    return {
        "rows": int(e.copies[there].sum()),
        "events": int(there.sum()),
        "duplicate_rows": int((e.copies[there] - 1).sum()),
        "human_events": int(human.sum()),
        "human_rows": int(e.copies[human].sum()),
        "bot_events": int((there & bot).sum()),
        "bot_sessions": len(np.unique(e.session[there & bot])),
        "consent_denied_events": int((there & denied).sum()),
        "sessions": len(sessions),
        "browsers": len(np.unique(v.browser[sessions])),
        "sessions_logged_in": len(np.unique(e.session[human & e.logged_in])),
        "persons_logged_in": len(np.unique(v.person[e.session[human & e.logged_in]])),
        "purchases": int(bought.sum()),
        "purchase_revenue": f"{total // 100}.{total % 100:02d}",
        "human_events_by_name": {
            name: int((human & (names == i)).sum())
            for i, name in enumerate(EVENT_NAMES)
            if (names == i).any()
        },
        "days": int(e.day[there].max()) + 1,
        "late_events_waiting": {
            c.clock.days[d].isoformat(): int((waiting & (e.day == d)).sum())
            for d in sorted(set(e.day[waiting].tolist()))
        },
        "time_zone": ZONE_NAME,
    }


def _steps(c: Company, chosen: BoolArray) -> IntArray:
    """Funnel step of each event, -1 for none, shape (events,)."""
    step_of = np.full(len(EVENT_NAMES), -1, dtype=np.int64)
    for k, (_, names) in enumerate(FUNNEL):
        for name in names:
            step_of[EVENT_NAMES.index(name)] = k
    return np.where(chosen, step_of[c.events.names()], -1)


def _touch(unit: IntArray, step: IntArray, size: int) -> BoolArray:
    """Which unit touched which step, shape (size, steps)."""
    touched = np.zeros((size, len(FUNNEL)), dtype=bool)
    at = step >= 0
    touched[unit[at], step[at]] = True
    return touched


def _table(counts: list[int]) -> dict[str, int]:
    return {name: int(n) for (name, _), n in zip(FUNNEL, counts, strict=True)}


def _modes(touched: BoolArray) -> Facts:
    """``any``: units that did a step, whatever else they did; ``all_before``: units that did all steps up to it."""
    return {
        "any": _table(touched.sum(axis=0).tolist()),
        "all_before": _table(np.logical_and.accumulate(touched, axis=1).sum(axis=0).tolist()),
    }


def funnels(c: Company, until: date, late: bool) -> Facts:
    """Units per step for sessions (all and by device), browsers and true persons; bots and denied consent are out.

    Inside a visit the steps always come in order, so ``all_before`` is also the ordered count of sessions.
    ``persons`` are human beings (known or not) as nobody but the simulation knows them; ``browsers`` are pseudo ids.
    """
    e, v = c.events, c.sessions
    there = is_in_files(e, c.clock, c.calendar, until, late)
    chosen = there & ~v.is_bot[e.session] & ~v.denies_consent[e.session]
    step = _steps(c, chosen)
    by_session = _touch(e.session, step, v.n)
    category = np.array(device_categories(c))
    facts: Facts = {"steps": {name: list(names) for name, names in FUNNEL}}
    facts["sessions"] = _modes(by_session)
    facts["sessions_by_device"] = {
        device: _modes(by_session[category == device]) for device in ("mobile", "desktop", "tablet")
    }
    facts["sessions_by_source"] = {name: _modes(by_session[mask]) for name, mask in _sources(c).items()}
    facts["browsers"] = _modes(_touch(v.browser[e.session], step, len(v.pseudo_ids)))
    facts["persons"] = _modes(_touch(v.visitor[e.session], step, int(v.visitor.max()) + 1))
    facts["persons_ordered_7_days"] = _ordered(c, step)
    facts["cart_abandonment"] = _abandonment(by_session)
    return facts


def device_categories(c: Company) -> list[str]:
    """Device category of each visit."""
    return [DEVICES[d][0] for d in c.sessions.device.tolist()]


def _sources(c: Company) -> dict[str, BoolArray]:
    return {f"{t[0]} / {t[1]}": c.sessions.traffic == i for i, t in enumerate(TRAFFIC)}


def _abandonment(by_session: BoolArray) -> Facts:
    cart, bought = by_session[:, 2], by_session[:, 4]
    return {"sessions_with_cart": int(cart.sum()), "of_them_bought": int((cart & bought).sum())}


def _ordered(c: Company, step: IntArray) -> Facts:
    """True persons: from the first view on, each step at or after the one before, all within seven days."""
    e, v = c.events, c.sessions
    rows = np.flatnonzero(step >= 0)
    visitor = v.visitor[e.session[rows]]
    order = np.lexsort((rows, visitor))
    reached = [0] * len(FUNNEL)
    mine, at_step, began = -1, 0, 0
    for i in order.tolist():
        row = rows[i]
        if visitor[i] != mine:
            mine, at_step, began = int(visitor[i]), 0, 0
        if at_step < len(FUNNEL) and step[row] == at_step:
            if at_step == 0:
                began = int(e.at[row])
            elif int(e.at[row]) > began + WINDOW_SECONDS * 1_000_000:
                continue
            reached[at_step] += 1
            at_step += 1
    return _table(reached)


def leak(c: Company, until: date, late: bool) -> Facts:
    """Sessions at the checkout and of them buyers, before and since the change, on phones and elsewhere."""
    e, v = c.events, c.sessions
    there = is_in_files(e, c.clock, c.calendar, until, late)
    touched = _touch(e.session, _steps(c, there & ~v.is_bot[e.session]), v.n)
    since = v.start >= instant(c.calendar.leak_from)
    mobile = v.is_mobile()

    def rate(mask: BoolArray) -> Facts:
        checkout = touched[:, 3] & mask
        return {"checkout": int(checkout.sum()), "purchase": int((checkout & touched[:, 4]).sum())}

    return {
        "from": c.calendar.leak_from.isoformat(),
        "from_instant": iso(instant(c.calendar.leak_from)),
        "device": "mobile",
        "step": "checkout -> purchase",
        "mobile_before": rate(mobile & ~since),
        "mobile_since": rate(mobile & since),
        "others_before": rate(~mobile & ~since),
        "others_since": rate(~mobile & since),
    }
