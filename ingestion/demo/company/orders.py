"""Orders of the three own channels (web, app, shop), their lines, life and refunds. Money in cents."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from ingestion.demo.company import people as cast
from ingestion.demo.company import vocabulary as words
from ingestion.demo.company.catalogue import Article
from ingestion.demo.company.clock import DAY, SHOP_HOURS, WEB_HOURS, Clock, instant, local
from ingestion.demo.company.draw import Stream
from ingestion.demo.company.people import People
from ingestion.demo.company.plan import Plan
from ingestion.demo.company.web_events import PLACE, Events
from ingestion.demo.company.web_sessions import NO_LOGIN, Sessions

FREE_SHIPPING_FROM = 15_000
SHIPPING = 1_290
VAT_PERCENT = 23
FIRST_ORDER = 1_000_001
APP_ORDERS_PER_1000 = 85
SHOP_ORDERS_PER_1000 = 520


@dataclass
class Line:
    """One article of an order; amounts in cents, tax included."""

    article: Article
    quantity: int
    discount: int

    @property
    def net(self) -> int:
        """Price of the line after discount."""
        return self.article.price * self.quantity - self.discount


@dataclass
class Refund:
    """Money given back for an order."""

    refund_id: int
    amount: int
    refunded_at: int
    reason: str


@dataclass
class Order:
    """One order and its whole life; instants that never come are None.

    ``total`` = lines after discount + shipping, tax included. ``session`` is the web visit that made it (-1 otherwise).
    """

    number: int
    person: int
    channel: str
    store: int
    created_at: int
    lines: list[Line]
    shipping: int
    coupon: str | None
    payment: str
    email: str | None
    card: str | None
    as_guest: bool
    session: int
    paid_at: int | None = None
    shipped_at: int | None = None
    delivered_at: int | None = None
    cancelled_at: int | None = None
    removed_at: int | None = None
    refunds: list[Refund] = field(default_factory=list)

    @property
    def total(self) -> int:
        """What the customer pays."""
        return sum(line.net for line in self.lines) + self.shipping

    @property
    def order_number(self) -> str:
        """Number printed on the confirmation; web orders carry it into GA4 with the prefix ``T-``."""
        return f"LL-{self.number}"

    @property
    def transaction_id(self) -> str | None:
        """GA4 ``ecommerce.transaction_id`` of a web order."""
        return f"T-{self.number}" if self.channel == "web" else None

    def refunded(self, cutoff: int) -> int:
        """Money given back before an instant."""
        return sum(r.amount for r in self.refunds if r.refunded_at < cutoff)

    def status(self, cutoff: int) -> str:
        """Status as the order database shows it just before an instant."""
        back = self.refunded(cutoff)
        if self.cancelled_at is not None and self.cancelled_at < cutoff:
            return "cancelled"
        if back:
            return "refunded" if back == self.total else "partially_refunded"
        for name, moment in (
            ("delivered", self.delivered_at), ("shipped", self.shipped_at), ("paid", self.paid_at),
        ):  # fmt: skip
            if moment is not None and moment < cutoff:
                return name
        return "new"

    def updated_at(self, cutoff: int) -> int:
        """Latest change before an instant."""
        moments = [self.paid_at, self.shipped_at, self.delivered_at, self.cancelled_at]
        moments += [r.refunded_at for r in self.refunds]
        return max([self.created_at, *(m for m in moments if m is not None and m < cutoff)])

    def exists(self, cutoff: int) -> bool:
        """Created before an instant and not removed before it (test orders are removed)."""
        return self.created_at < cutoff and (self.removed_at is None or self.removed_at >= cutoff)


def make_orders(
    plan: Plan, clock: Clock, people: People, catalogue: list[Article], visits: Sessions, events: Events
) -> list[Order]:
    """All orders in order of creation: one per web purchase event, plus app and shop orders.

    Numbers run in order of creation over the whole period, so that an earlier day never sees another number.
    """
    s = Stream(plan.seed, "orders")
    drafts = [
        *_web_orders(s, people, catalogue, visits, events),
        *_app_orders(s, plan, clock, people, catalogue),
        *_shop_orders(s, plan, clock, people, catalogue),
    ]
    drafts.sort(key=lambda order: (order.created_at, order.channel, order.person))
    refunds = 1
    for i, order in enumerate(drafts):
        order.number = FIRST_ORDER + i
        refunds = _live(s, order, refunds)
    return drafts


def _lines(articles: list[Article], quantities: list[int], percent_off: int) -> list[Line]:
    return [Line(a, q, a.price * q * percent_off // 100) for a, q in zip(articles, quantities, strict=True)]


def _shipping(lines: list[Line]) -> int:
    return 0 if sum(line.net for line in lines) >= FREE_SHIPPING_FROM else SHIPPING


def _web_orders(
    s: Stream, people: People, catalogue: list[Article], visits: Sessions, events: Events
) -> list[Order]:
    bought = np.flatnonzero(events.place == PLACE["purchase"])
    n = len(bought)
    coupon, other_mail, payment = s.chance(140_000, n), s.chance(300_000, n), s.pick((52, 30, 18), n)
    orders = []
    for j, event in enumerate(bought.tolist()):
        session = int(events.session[event])
        person = int(visits.person[session])
        items = visits.items[session].tolist()
        take = 2 if visits.second_in_cart[session] else 1
        off = 10 if coupon[j] else 0
        lines = _lines([catalogue[i] for i in items[:take]], visits.quantity[session, :take].tolist(), off)
        second = people.email2[person]
        guest = int(visits.login[session]) == NO_LOGIN
        email = (
            second
            if second and (guest or person == cast.TWO_MAILS) and other_mail[j]
            else people.email[person]
        )
        orders.append(
            Order(
                number=0, person=person, channel="web", store=-1, created_at=int(events.at[event]) // 1_000_000,
                lines=lines, shipping=_shipping(lines), coupon="LEN10" if off else None,
                payment=("blik", "card", "transfer")[payment[j]], email=email, card=None, as_guest=guest,
                session=session,
            )
        )  # fmt: skip
    return orders


def _basket(s: Stream, catalogue: list[Article], n: int) -> tuple[list[list[Article]], list[list[int]]]:
    weights = [a.weight for a in catalogue]
    size = s.pick((55, 28, 12, 5), n) + 1
    total = int(size.sum())
    article, quantity = s.pick(weights, total).tolist(), (s.pick((80, 15, 5), total) + 1).tolist()
    baskets, counts, at = [], [], 0
    for k in size.tolist():
        chosen = dict(
            zip(article[at : at + k], quantity[at : at + k], strict=True)
        )  # an article once per order
        baskets.append([catalogue[i] for i in chosen])
        counts.append(list(chosen.values()))
        at += k
    return baskets, counts


def _app_orders(s: Stream, plan: Plan, clock: Clock, people: People, catalogue: list[Article]) -> list[Order]:
    n = plan.customers * APP_ORDERS_PER_1000 // 1000
    able = people.uses_app & people.has_account
    person = s.pick(np.where(able, people.activity, 0), n)
    at = clock.moments(s, n, WEB_HOURS)
    baskets, counts = _basket(s, catalogue, n)
    coupon = s.chance(80_000, n)
    orders = []
    for j in range(n):
        who = int(person[j])
        if at[j] < people.registered_at[who] + 3600:
            continue
        lines = _lines(baskets[j], counts[j], 10 if coupon[j] else 0)
        orders.append(
            Order(
                number=0, person=who, channel="app", store=-1, created_at=int(at[j]), lines=lines,
                shipping=_shipping(lines), coupon="APP10" if coupon[j] else None, payment="card",
                email=people.email[who], card=people.card[who], as_guest=False, session=-1,
            )
        )  # fmt: skip
    return orders


def _shop_orders(
    s: Stream, plan: Plan, clock: Clock, people: People, catalogue: list[Article]
) -> list[Order]:
    """Receipts of the tills; a third of the buyers with a card forget it, buyers without one stay anonymous."""
    n = plan.customers * SHOP_ORDERS_PER_1000 // 1000
    person = s.pick(np.where(people.visits_shops, people.activity, 0), n)
    store = s.pick([w for _, _, w in words.STORES], n)
    day_time = clock.moments(s, n, SHOP_HOURS, shop=True)
    any_time = clock.moments(s, n, (6, 4, 3, 4, 8) + (12,) * 19)
    baskets, counts = _basket(s, catalogue, n)
    forgets, stranger = s.chance(300_000, n), s.chance(120_000, n)
    payment = s.pick((70, 30), n)
    orders = []
    for j in range(n):
        who = int(person[j])
        created = int(any_time[j] if store[j] == words.AIRPORT else day_time[j])
        card = people.card[who]
        if forgets[j] or stranger[j] or created < people.registered_at[who]:
            card = None
        orders.append(
            Order(
                number=0, person=who if card else -1, channel="store", store=int(store[j]), created_at=created,
                lines=_lines(baskets[j], counts[j], 5 if card else 0), shipping=0, coupon=None,
                payment=("card", "cash")[payment[j]], email=None, card=card, as_guest=card is None, session=-1,
            )
        )  # fmt: skip
    return orders


def _live(s: Stream, order: Order, next_refund: int) -> int:
    """Let an order be paid, sent, delivered, cancelled or refunded; returns the next free refund number."""
    fate = s.one(0, 999)
    hours = [s.one(20, 600), s.one(8 * 3600, 40 * 3600), s.one(20 * 3600, 90 * 3600)]
    reason = ("wrong_colour", "damaged", "too_late", "changed_mind")[s.one(0, 3)]
    back_after, share = s.one(3, 16) * DAY + s.one(0, 20_000), s.one(0, 2)
    if order.channel == "store":
        order.paid_at = order.delivered_at = order.created_at
    else:
        order.paid_at = order.created_at + hours[0]
        if fate < 28:
            order.cancelled_at = order.paid_at + hours[1] // 4
            return next_refund
        order.shipped_at = order.paid_at + hours[1]
        order.delivered_at = order.shipped_at + hours[2]
        if order.channel == "app" and 28 <= fate < 36:
            # a test order of the developers, removed three weeks later
            order.removed_at = instant(local(order.created_at).date(), 3) + 21 * DAY
            return next_refund
    if 30 <= fate < 95:
        whole = share == 0 or (len(order.lines) == 1 and order.lines[0].quantity == 1)
        amount = order.total if whole else order.lines[0].net
        moment = order.delivered_at + back_after
        if order.channel == "store":  # brought back in opening hours
            day = local(moment).date()
            day += timedelta(days=day.weekday() == 6)
            moment = instant(day, 10 + back_after % 9, back_after % 60, back_after % 59)
        order.refunds.append(Refund(next_refund, amount, moment, reason))
        return next_refund + 1
    return next_refund


def kept(orders: list[Order], cutoff: int) -> list[Order]:
    """Orders that the database holds just before an instant."""
    return [order for order in orders if order.exists(cutoff)]


def by_person(orders: list[Order]) -> dict[int, list[Order]]:
    """Orders of each known person, oldest first."""
    found: dict[int, list[Order]] = {}
    for order in orders:
        if order.person >= 0:
            found.setdefault(order.person, []).append(order)
    return found
