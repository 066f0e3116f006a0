"""What is true about the company, counted from the simulation's own lists.

Nothing here reads the files or the warehouse: a figure that agrees with these was computed twice, in two ways. Money is
text with two digits. Broken records are in no figure but their own.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from ingestion.demo.company import truth_identities, truth_support, truth_surveys, truth_web
from ingestion.demo.company import vocabulary as words
from ingestion.demo.company.broken import Broken
from ingestion.demo.company.clock import DAY, ZONE_NAME, iso, local
from ingestion.demo.company.company import Company
from ingestion.demo.company.ga4_files import tax_of
from ingestion.demo.company.orders import Order, kept
from ingestion.demo.company.stores import clock_change_visits, late_days

Facts = dict[str, Any]
REPEAT_WITHIN_DAYS = (30, 60, 90, 180)


def money(cents: int) -> str:
    """Cents as text with two digits."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def tell(company: Company, until: date, late: bool, planted: list[Broken]) -> Facts:
    """All truths as of the end of a day.

    Args:
        company: The simulated company.
        until: Last day that has happened.
        late: Whether the late GA4 files are in place.
        planted: The broken records that were written.
    """
    cutoff = company.cutoff(until)
    plan = company.plan
    return {
        "company": {
            "name": words.COMPANY, "time_zone": ZONE_NAME, "currency": "EUR", "country": "PL",
            "customers": plan.customers, "days": plan.days, "seed": plan.seed, "start": company.clock.start.isoformat(),
            "end": plan.end.isoformat(), "until": until.isoformat(), "late_files_in_place": late,
            "horizon": iso(cutoff),
        },
        "calendar": _calendar(company),
        "web": truth_web.web(company, until, late),
        "funnel": truth_web.funnels(company, until, late),
        "leak": truth_web.leak(company, until, late),
        "orders": _orders(company, cutoff),
        "repeat_purchase": _repeat(kept(company.orders, cutoff), cutoff),
        "stores": _stores(company, until),
        "crm": _crm(company, cutoff),
        "support": truth_support.support(company, cutoff),
        "support_cases": truth_support.cases(company, cutoff),
        "surveys": truth_surveys.surveys(company, cutoff),
        "broken": _broken(planted),
        "identities": truth_identities.identities(company, until),
    }  # fmt: skip


def _calendar(c: Company) -> Facts:
    plan = c.calendar
    return {
        "dip": {"from": plan.dip_from.isoformat(), "until": plan.dip_until.isoformat(), "release": "REL-2"},
        "leak": {"from": plan.leak_from.isoformat(), "device": "mobile", "step": "checkout -> purchase",
                 "release": "REL-4"},
        "releases": {r.release_id: iso(r.released_at) for r in plan.releases},
        "ga4_late_files": {d.isoformat(): r.isoformat() for d, r in plan.late_days.items()},
        "clock_changes": [
            c.clock.days[i].isoformat()
            for i in range(len(c.clock.days))
            if int(c.clock.edges[i + 1] - c.clock.edges[i]) != DAY
        ],
    }  # fmt: skip


def _orders(c: Company, cutoff: int) -> Facts:
    orders = kept(c.orders, cutoff)
    refunds = [r for o in orders for r in o.refunds if r.refunded_at < cutoff]

    def sums(chosen: list[Order]) -> Facts:
        valid = [o for o in chosen if o.status(cutoff) != "cancelled"]
        return {
            "orders": len(chosen),
            "lines": sum(len(o.lines) for o in chosen),
            "units": sum(line.quantity for o in chosen for line in o.lines),
            "total": money(sum(o.total for o in chosen)),
            "line_amount": money(sum(line.net for o in chosen for line in o.lines)),
            "discount": money(sum(line.discount for o in chosen for line in o.lines)),
            "shipping": money(sum(o.shipping for o in chosen)),
            "tax": money(sum(tax_of(o) for o in chosen)),
            "not_cancelled_orders": len(valid),
            "not_cancelled_total": money(sum(o.total for o in valid)),
            "refunded": money(sum(o.refunded(cutoff) for o in chosen)),
            "net_of_refunds": money(sum(o.total - o.refunded(cutoff) for o in valid)),
            "by_status": dict(sorted(Counter(o.status(cutoff) for o in chosen).items())),
        }

    return {
        "all": sums(orders),
        **{channel: sums([o for o in orders if o.channel == channel]) for channel in ("web", "app", "store")},
        "refunds": {"count": len(refunds), "amount": money(sum(r.amount for r in refunds))},
        "removed_test_orders": [
            o.order_number for o in c.orders if o.removed_at is not None and o.removed_at < cutoff
        ],
        "without_customer": sum(o.person < 0 for o in orders),
        "guest_orders": sum(o.as_guest and o.email is not None for o in orders),
        "customer_rows": len([i for i in c.ids.shop_customer if c.people.registered_at[i] < cutoff])
        + sum(g[2] < cutoff for g in c.ids.guest.values()),
    }


def _repeat(orders: list[Order], cutoff: int) -> Facts:
    """Repeat purchase by true person; orders that were cancelled, fully refunded or not yet paid do not count."""
    days: dict[int, list[tuple[int, date]]] = {}
    count: Counter[int] = Counter()
    for order in orders:
        if order.person >= 0 and order.status(cutoff) not in ("cancelled", "refunded", "new"):
            days.setdefault(order.person, []).append((order.created_at, local(order.created_at).date()))
            count[order.person] += 1
    facts: Facts = {
        "buyers": len(days),
        "with_two_orders": sum(n >= 2 for n in count.values()),
        "with_two_order_days": sum(len({d for _, d in mine}) >= 2 for mine in days.values()),
        "orders": sum(count.values()),
    }
    for limit in REPEAT_WITHIN_DAYS:
        ripe = [sorted(mine) for mine in days.values() if min(mine)[0] <= cutoff - limit * DAY]
        again = sum(
            any(at <= mine[0][0] + limit * DAY and d != mine[0][1] for at, d in mine[1:]) for mine in ripe
        )
        facts[f"within_{limit}_days"] = {"mature_buyers": len(ripe), "repeat_buyers": again}
    return facts


def _stores(c: Company, until: date) -> Facts:
    visits = [v for v in c.visits if v.sent_on <= until]
    changes = {moment: what for what, moment in clock_change_visits(c.clock)}
    return {
        "visits": len(visits),
        "by_type": dict(sorted(Counter(v.kind for v in visits).items())),
        "by_store": dict(sorted(Counter(words.STORES[v.store][0] for v in visits).items())),
        "with_card": sum(v.card is not None for v in visits),
        "basket_total": money(sum(v.basket for v in visits)),
        "purchase_total": money(sum(v.basket for v in visits if v.kind == "purchase")),
        "late_business_days": {"store": "WRO1", "days": [d.isoformat() for d in late_days(c.clock)]},
        "after_midnight": sum(v.business_day != local(v.at).date() for v in visits),
        "clock_change_rows": [
            {"key": v.key, "local": local(v.at).strftime("%Y-%m-%d %H:%M:%S"), "utc": iso(v.at), "what": changes[v.at]}
            for v in visits
            if v.at in changes and v.kind == "service" and v.store == words.AIRPORT
        ],
    }  # fmt: skip


def _crm(c: Company, cutoff: int) -> Facts:
    there = [x for x in c.crm.contacts if x.created_at < cutoff]
    archived = [x.contact_id for x in there if x.archived_at is not None and x.archived_at < cutoff]
    merges = [m for found in c.ids.merges.values() for m in found]
    done = [m for m in merges if m.merged_at < cutoff]
    waiting = [m for m in merges if m.created_at < cutoff <= m.merged_at]
    deals = [d for d in c.crm.deals if d.created_at < cutoff]
    closed = [d for d in deals if d.closed_at < cutoff]
    won = [d for d in closed if d.won]
    return {
        "contacts_live": len(there) - len(archived) + len(waiting),
        "contacts_archived": archived,
        "contacts_merged_away": [m.contact_id for m in done],
        "merged_ids_missing_in_vids": [m.contact_id for m in done if not m.in_vids],
        "leads_only": sum(x.person < 0 for x in there),
        "companies": sum(at < cutoff for at in c.crm.company_created),
        "deals": len(deals),
        "deals_won": len(won),
        "deals_lost": len(closed) - len(won),
        "deals_won_amount": money(sum(d.amount for d in won)),
        "won_by_source": dict(sorted(Counter(d.source for d in won).items())),
        "deals_by_source": dict(sorted(Counter(d.source for d in deals).items())),
        "contacts_by_source": dict(
            sorted(Counter(x.source for x in there if x.contact_id not in set(archived)).items())
        ),
    }


def _broken(planted: list[Broken]) -> Facts:
    counts: dict[str, dict[str, Counter[str]]] = {}
    for b in planted:
        counts.setdefault(b.connection, {}).setdefault(b.table, Counter())[b.kind] += 1
    return {
        "total": len(planted),
        "counts": {
            name: {table: dict(sorted(kinds.items())) for table, kinds in sorted(tables.items())}
            for name, tables in sorted(counts.items())
        },
        "records": [
            {"connection": b.connection, "table": b.table, "kind": b.kind, "day": b.day.isoformat(), "what": b.what}
            for b in planted
        ],
    }  # fmt: skip
