"""The reference figures, computed from the raw files with the standard library alone.

Nothing here uses DuckDB, dlt or dbt, so an error in the pipeline cannot hide in the test that looks for it.
Sums of money are exact decimals.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from statistics import fmean, median
from zoneinfo import ZoneInfo

from tests.support.reference_data import read_rows, require_reference_data

# review_creation_date is a midnight in every row but two: those read 2017-10-15 01:00:00, and in Sao Paulo
# that night had no midnight (the clock went from 00:00 to 01:00). So the files keep Sao Paulo wall-clock time.
OLIST_ZONE = ZoneInfo("America/Sao_Paulo")

FUNNEL_STEPS = ("product_view", "add_to_cart", "cart", "shipping_details", "payment_details", "purchase")


@dataclass(frozen=True)
class OlistFigures:
    """Figures of the marketplace sample; hours are averages over reviews."""

    orders: int
    persons: int
    persons_with_two_orders: int
    persons_with_orders_on_two_days: int
    payment_rows: int
    payment_total: Decimal
    order_item_total: Decimal
    reviews_by_score: dict[int, int]
    mean_score: float
    satisfied_percent: float
    wall_clock_answer_hours_in_whole_minutes: float
    elapsed_answer_hours: float
    leads_by_origin: dict[str | None, int]
    won_by_origin: dict[str | None, int]


@lru_cache(maxsize=1)
def olist() -> OlistFigures:
    """Compute the figures of real/olist from its CSV files."""
    folder = require_reference_data("real", "olist")
    person_of = {
        row["customer_id"]: row["customer_unique_id"]
        for row in read_rows(folder / "olist_customers_dataset.csv.gz")
    }
    orders = list(read_rows(folder / "olist_orders_dataset.csv.gz"))
    order_count = Counter(person_of[row["customer_id"]] for row in orders)
    order_days = defaultdict(set)
    for row in orders:
        if row["order_status"] not in ("canceled", "unavailable"):
            order_days[person_of[row["customer_id"]]].add(row["order_purchase_timestamp"][:10])
    payments = [
        Decimal(row["payment_value"]) for row in read_rows(folder / "olist_order_payments_dataset.csv.gz")
    ]
    items = [Decimal(row["price"]) for row in read_rows(folder / "olist_order_items_dataset.csv.gz")]
    reviews = list(read_rows(folder / "olist_order_reviews_dataset.csv.gz"))
    scores = [int(row["review_score"]) for row in reviews]
    sent = [datetime.fromisoformat(row["review_creation_date"]) for row in reviews]
    answered = [datetime.fromisoformat(row["review_answer_timestamp"]) for row in reviews]
    origin_of = {
        row["mql_id"]: row["origin"] or None
        for row in read_rows(folder / "olist_marketing_qualified_leads_dataset.csv.gz")
    }
    won = [row["mql_id"] for row in read_rows(folder / "olist_closed_deals_cleaned.csv.gz")]
    return OlistFigures(
        orders=len(orders),
        persons=len(set(person_of.values())),
        persons_with_two_orders=sum(count == 2 for count in order_count.values()),
        persons_with_orders_on_two_days=sum(len(days) > 1 for days in order_days.values()),
        payment_rows=len(payments),
        payment_total=sum(payments, Decimal(0)),
        order_item_total=sum(items, Decimal(0)),
        reviews_by_score=dict(sorted(Counter(scores).items())),
        mean_score=fmean(scores),
        satisfied_percent=100 * sum(score >= 4 for score in scores) / len(scores),
        wall_clock_answer_hours_in_whole_minutes=fmean(
            (end - start) // timedelta(minutes=1) / 60 for start, end in zip(sent, answered, strict=True)
        ),
        elapsed_answer_hours=fmean(
            (end.replace(tzinfo=OLIST_ZONE).timestamp() - start.replace(tzinfo=OLIST_ZONE).timestamp()) / 3600
            for start, end in zip(sent, answered, strict=True)
        ),
        leads_by_origin=dict(Counter(origin_of.values())),
        won_by_origin=dict(Counter(origin_of[lead] for lead in won)),
    )


@dataclass(frozen=True)
class RetailFigures:
    """Figures of the UK shop. A valid sale has a customer, no C invoice, quantity and price above zero."""

    lines: int
    invoices: int
    customers: int
    line_total: Decimal
    lines_without_customer: int
    cancelled_lines: int
    duplicate_lines: int
    buyers: int
    buyers_with_two_invoices: int
    buyers_with_invoices_on_two_days: int
    revenue: Decimal
    revenue_by_day: dict[str, Decimal]

    @property
    def repeat_purchase_percent(self) -> float:
        """Share of buyers with more than one invoice, in percent."""
        return 100 * self.buyers_with_two_invoices / self.buyers

    @property
    def mean_spend(self) -> Decimal:
        """Revenue per buyer, in pounds."""
        return self.revenue / self.buyers


@lru_cache(maxsize=1)
def uci_online_retail() -> RetailFigures:
    """Compute the figures of real/uci_online_retail from its 305 daily files."""
    folder = require_reference_data("real", "uci_online_retail", "by-day")
    lines = lines_without_customer = cancelled = 0
    invoices, customers, seen = set(), set(), set()
    invoices_of, days_of = defaultdict(set), defaultdict(set)
    line_total = revenue = Decimal(0)
    revenue_by_day: dict[str, Decimal] = defaultdict(Decimal)
    for path in sorted(folder.glob("*.csv.gz")):
        for row in read_rows(path):
            lines += 1
            invoices.add(row["InvoiceNo"])
            seen.add(tuple(row.values()))
            quantity, price, customer = int(row["Quantity"]), Decimal(row["UnitPrice"]), row["CustomerID"]
            is_cancelled = row["InvoiceNo"].startswith("C")
            line_total += quantity * price
            cancelled += is_cancelled
            if not customer:
                lines_without_customer += 1
                continue
            customers.add(customer)
            if not is_cancelled and quantity > 0 and price > 0:
                invoices_of[customer].add(row["InvoiceNo"])
                days_of[customer].add(row["InvoiceDate"][:10])
                revenue += quantity * price
                revenue_by_day[row["InvoiceDate"][:10]] += quantity * price
    return RetailFigures(
        lines=lines,
        invoices=len(invoices),
        customers=len(customers),
        line_total=line_total,
        lines_without_customer=lines_without_customer,
        cancelled_lines=cancelled,
        duplicate_lines=lines - len(seen),
        buyers=len(invoices_of),
        buyers_with_two_invoices=sum(len(numbers) > 1 for numbers in invoices_of.values()),
        buyers_with_invoices_on_two_days=sum(len(days) > 1 for days in days_of.values()),
        revenue=revenue,
        revenue_by_day=dict(revenue_by_day),
    )


@dataclass(frozen=True)
class ShopEventFigures:
    """Figures of the shop events; the funnel lists count units that reach each of FUNNEL_STEPS."""

    events: int
    sessions: int
    users: int
    sessions_any_order: list[int]
    users_any_order: list[int]
    sessions_in_order: list[int]


@lru_cache(maxsize=1)
def shop_events() -> ShopEventFigures:
    """Compute the figures of real/retentioneering_ecom from its event file."""
    rows = list(read_rows(require_reference_data("real", "retentioneering_ecom", "ecom.csv.gz")))
    by_session = defaultdict(list)
    for row in rows:
        by_session[row["session_id"]].append((row["timestamp"], row["event"]))
    in_order = [0] * len(FUNNEL_STEPS)
    for events in by_session.values():
        earliest = ""
        for place, step in enumerate(FUNNEL_STEPS):
            # A later step may carry the same second as the one before it: batched events share a stamp.
            following = [time for time, name in events if name == step and time >= earliest]
            if not following:
                break
            earliest = min(following)
            in_order[place] += 1
    return ShopEventFigures(
        events=len(rows),
        sessions=len(by_session),
        users=len({row["user_id"] for row in rows}),
        sessions_any_order=[
            len({row["session_id"] for row in rows if row["event"] == step}) for step in FUNNEL_STEPS
        ],
        users_any_order=[
            len({row["user_id"] for row in rows if row["event"] == step}) for step in FUNNEL_STEPS
        ],
        sessions_in_order=in_order,
    )


@dataclass(frozen=True)
class IncidentFigures:
    """What the peers' package computed per ticket (minutes, counts), and its summary."""

    tickets: dict[str, dict[str, float]]
    first_resolution_mean: float
    first_resolution_median: float
    final_resolution_mean: float
    requester_wait_mean: float
    on_hold_mean: float
    reopens: dict[int, int]


INCIDENT_COLUMNS = {
    "first_resolution_calendar_minutes": "first_resolution_calendar_minutes",
    "final_resolution_calendar_minutes": "full_resolution_calendar_minutes",
    "requester_wait_time_in_calendar_minutes": "requester_wait_calendar_minutes",
    "agent_wait_time_in_calendar_minutes": "agent_wait_calendar_minutes",
    "on_hold_time_in_calendar_minutes": "on_hold_calendar_minutes",
    "count_reopens": "reopen_count",
}
"""Column of the expected file -> column of fct_tickets."""


@lru_cache(maxsize=1)
def incidents() -> IncidentFigures:
    """Read the per-ticket values of peers/zendesk_incidents and summarise them."""
    path = require_reference_data("peers", "zendesk_incidents", "expected_ticket_metrics.csv")
    tickets = {
        row["ticket_id"]: {ours: float(row[theirs]) for theirs, ours in INCIDENT_COLUMNS.items()}
        for row in read_rows(path)
    }

    def column(name: str) -> list[float]:
        return [values[name] for values in tickets.values()]

    return IncidentFigures(
        tickets=tickets,
        first_resolution_mean=fmean(column("first_resolution_calendar_minutes")),
        first_resolution_median=median(column("first_resolution_calendar_minutes")),
        final_resolution_mean=fmean(column("full_resolution_calendar_minutes")),
        requester_wait_mean=fmean(column("requester_wait_calendar_minutes")),
        on_hold_mean=fmean(column("on_hold_calendar_minutes")),
        reopens=dict(Counter(int(value) for value in column("reopen_count"))),
    )


@lru_cache(maxsize=1)
def incidents_from_history() -> dict[str, dict[str, float]]:
    """Compute the same per-ticket values from the status history, in minutes.

    The history states each change once; two changes of one second stand in the order of the file.
    """
    folder = require_reference_data("peers", "zendesk_incidents")
    opened = {row["id"]: _instant(row["created_at"]) for row in read_rows(folder / "ticket_data.csv")}
    changes = defaultdict(list)
    for line, row in enumerate(read_rows(folder / "ticket_field_history_data.csv")):
        if row["field_name"] == "status":
            changes[row["ticket_id"]].append((_instant(row["updated"]), line, row["value"]))
    result = {}
    for ticket, history in changes.items():
        history.sort()
        spent: Counter[str] = Counter()
        reopens = 0
        for (start, _, status), (end, _, following) in pairwise(history):
            spent[status] += (end - start) / timedelta(minutes=1)
            reopens += status == "solved" and following not in ("solved", "closed")
        solved = [at for at, _, status in history if status == "solved"] or [
            at for at, _, status in history if status == "closed"
        ]
        result[ticket] = {
            "first_resolution_calendar_minutes": (solved[0] - opened[ticket]) / timedelta(minutes=1),
            "full_resolution_calendar_minutes": (solved[-1] - opened[ticket]) / timedelta(minutes=1),
            "requester_wait_calendar_minutes": spent["new"] + spent["open"] + spent["hold"],
            "agent_wait_calendar_minutes": spent["pending"],
            "on_hold_calendar_minutes": spent["hold"],
            "reopen_count": reopens,
        }
    return result


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
