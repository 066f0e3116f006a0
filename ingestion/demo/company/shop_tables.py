"""The order database of the shop: tables customers, orders, order_lines, refunds in SQLite. Times in UTC."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from ingestion.demo.company import vocabulary as words
from ingestion.demo.company.clock import local, sql_time
from ingestion.demo.company.ga4_files import tax_of
from ingestion.demo.company.identities import Identities
from ingestion.demo.company.orders import Order, kept
from ingestion.demo.company.people import People, say
from ingestion.demo.company.stores import Visit

Row = tuple[Any, ...]

_SCHEMA = """
create table customers (
  customer_id text primary key, user_id text, email text, phone text, first_name text, last_name text, language text,
  country text, loyalty_card text, birth_year integer, is_guest integer not null, created_at datetime not null,
  updated_at datetime not null, deleted_at datetime
);
create table orders (
  order_id integer primary key, order_number text not null, customer_id text, email text, loyalty_card text,
  channel text not null, store_id text, till integer, receipt_no text, business_date date, status text not null,
  currency text not null, items_amount numeric(12,2), discount_amount numeric(12,2), shipping_amount numeric(12,2),
  tax_amount numeric(12,2), total_amount numeric(12,2), payment_method text, coupon_code text, web_transaction_id text,
  created_at datetime not null, updated_at datetime not null, paid_at datetime, shipped_at datetime,
  delivered_at datetime, cancelled_at datetime
);
create table order_lines (
  line_id integer primary key, order_id integer not null, line_no integer not null, sku text not null,
  product_name text, category text, quantity integer not null, unit_price numeric(12,2), discount_amount numeric(12,2),
  line_amount numeric(12,2), updated_at datetime not null
);
create table refunds (
  refund_id integer primary key, order_id integer not null, amount numeric(12,2) not null, currency text not null,
  reason text, refunded_at datetime not null
);
create index orders_updated_at on orders (updated_at);
create index order_lines_updated_at on order_lines (updated_at);
"""


def _money(cents: int) -> float:
    return cents / 100


def customer_rows(people: People, ids: Identities, cutoff: int) -> list[Row]:
    """Accounts, loyalty members and guests before an instant; a few delete their account three weeks after."""
    rows: list[Row] = []
    for i, customer in ids.shop_customer.items():
        created = int(people.registered_at[i])
        if created >= cutoff:
            continue
        left = deleted_at(i, created)
        gone = left is not None and left < cutoff
        rows.append((
            customer, people.user_id[i] if people.has_account[i] else None, people.email[i],
            say(people.phone[i], (i + 1) % 3), people.first[i], people.last[i], people.language[i], people.country[i],
            people.card[i], int(people.birth_year[i]) if i % 3 else None, 0, sql_time(created),
            sql_time(left if gone and left is not None else created),
            sql_time(left) if gone and left is not None else None,
        ))  # fmt: skip
    for email, (guest, i, created) in ids.guest.items():
        if created < cutoff:
            at = sql_time(created)
            last, country = people.last[i], people.country[i]
            rows.append((guest, None, email, None, None, last, None, country, None, None, 1, at, at, None))
    return rows


def deleted_at(person: int, registered_at: int) -> int | None:
    """Instant at which a person deletes the account, for very few."""
    return registered_at + 21 * 86_400 if person % 397 == 200 else None


def order_rows(orders: list[Order], ids: Identities, receipts: dict[int, Visit], cutoff: int) -> list[Row]:
    """Orders before an instant, with the status they have then."""

    def moment(value: int | None) -> str | None:
        return sql_time(value) if value is not None and value < cutoff else None

    rows = []
    for o in kept(orders, cutoff):
        receipt = receipts.get(o.number)
        items = sum(line.article.price * line.quantity for line in o.lines)
        customer = _customer(o, ids)
        rows.append((
            o.number, o.order_number, customer, o.email, o.card, o.channel,
            words.STORES[o.store][0] if o.store >= 0 else None, receipt.till if receipt else None,
            receipt.receipt if receipt else None, receipt.business_day.isoformat() if receipt else None,
            o.status(cutoff), "EUR", _money(items), _money(sum(line.discount for line in o.lines)), _money(o.shipping),
            _money(tax_of(o)), _money(o.total), o.payment, o.coupon, o.transaction_id, sql_time(o.created_at),
            sql_time(o.updated_at(cutoff)), moment(o.paid_at), moment(o.shipped_at), moment(o.delivered_at),
            moment(o.cancelled_at),
        ))  # fmt: skip
    return rows


def _customer(order: Order, ids: Identities) -> str | None:
    """Customer record of an order: the guest's, the account's or the card's, or none."""
    if order.as_guest:
        return ids.guest[order.email][0] if order.email else None
    return ids.shop_customer[order.person]


def line_rows(orders: list[Order], cutoff: int) -> list[Row]:
    """Lines of the orders before an instant; they never change."""
    return [
        (
            o.number * 10 + k, o.number, k, line.article.sku, line.article.name, line.article.category_name,
            line.quantity, _money(line.article.price), _money(line.discount), _money(line.net), sql_time(o.created_at),
        )
        for o in kept(orders, cutoff)
        for k, line in enumerate(o.lines, 1)
    ]  # fmt: skip


def refund_rows(orders: list[Order], cutoff: int) -> list[Row]:
    """Refunds before an instant."""
    return [
        (r.refund_id, o.number, _money(r.amount), "EUR", r.reason, sql_time(r.refunded_at))
        for o in kept(orders, cutoff)
        for r in o.refunds
        if r.refunded_at < cutoff
    ]


def write_database(path: Path, tables: dict[str, list[Row]]) -> None:
    """Write the tables in key order into a new file.

    SQLite stamps its library version into bytes 96 to 99 of the header; it is blanked so that the file is the same on
    every machine.
    """
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as db:
        db.executescript(_SCHEMA)
        for table, rows in tables.items():
            if rows:
                db.executemany(f"insert into {table} values ({', '.join('?' * len(rows[0]))})", rows)
    db.close()
    with path.open("r+b") as file:
        file.seek(96)
        file.write(b"\0\0\0\0")


def receipts_of(visits: list[Visit]) -> dict[int, Visit]:
    """The till's receipt of each shop order, by order number."""
    return {v.order.number: v for v in visits if v.order is not None and v.kind == "purchase"}


def wall(moment: int) -> str:
    """Local wall-clock text of a till."""
    return local(moment).strftime("%Y-%m-%d %H:%M:%S")
