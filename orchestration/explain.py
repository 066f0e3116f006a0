"""Why records are one customer: what the audit models of the last build say, with contact values masked."""

from __future__ import annotations

import hashlib
import heapq
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from ingestion.settings import Settings
from orchestration.errors import CxError

_ID = re.compile(r"[0-9a-f]{32}")
_EMAIL = re.compile(r"[^\s@:|]+@[^\s@:|]+")
# Ids that a system gave a record, order or ticket; they say nothing about the person outside that system.
_PLAIN_KINDS = frozenset({"external_id", "order_id", "ticket_id", "web_transaction_id"})

_RECORDS = """
select m.customer_key, c.source_system, c.source_account, c.source_object, c.source_id,
       coalesce(c.source_created_at, c.first_seen_at) as known_from, c.is_deleted, m.cluster_key
from intermediate.int_identity__customer_map as m
join conformed.cx_customer as c on m.customer_key = c.customer_key
where m.customer_id = ? order by m.seniority
"""
_IDENTIFIERS = """
select customer_key, identifier_key, id_type, id_kind, id_value, observed_at, reject_reason
from intermediate.int_identity__identifiers where list_contains(?, customer_key) order by id_type, id_value
"""
_LINKS = """
select l.customer_key, l.other_customer_key, l.edge_type, l.identifier_key, l.id_type, l.trust, l.is_strong,
       l.linked_at, e.source_system, e.source_account
from intermediate.int_identity__links as l
join intermediate.int_identity__edges as e on l.link_key = e.edge_key
where l.cluster_key = ? order by l.trust desc, l.linked_at, l.link_key
"""
_REJECTED = """
select customer_key, subject_type, identifier_key, id_type, reason, subject_count, observed_at
from intermediate.int_identity__rejected where list_contains(?, customer_key)
order by id_type, reason, rejection_key
"""
_ALIASES = """
select a.alias_id, a.customer_key, a.merged_at, a.merged_into_id, coalesce(l.id_type, l.edge_type) as evidence
from intermediate.int_identity__aliases as a
left join intermediate.int_identity__links as l on a.link_key = l.link_key
where a.customer_id = ? and not a.is_current order by a.merged_at, a.alias_id
"""
_NEVER = """
select left_customer_ref, right_customer_ref, reason, decided_date from seeds.identity_never_merge
"""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Customer:
    """A customer of the last build with all that identity resolution knows of it.

    Attributes:
        customer_id: its id.
        asked: record that the question named, by its own id, an alias or its reference.
        records: its records, the one that names it first.
        identifiers: identifiers of these records, refused ones included.
        tree: links that hold the records together, each from a record already reached to a new one; of several ways
            the most trusted, then the oldest.
        rejected: evidence on these records that was not used.
        aliases: other ids that lead here.
    """

    customer_id: str
    asked: str
    records: Sequence[Row]
    identifiers: Sequence[Row]
    tree: Sequence[Row]
    rejected: Sequence[Row]
    aliases: Sequence[Row]

    def number(self, customer_key: str) -> int:
        """Number by which the text calls a record."""
        return next(i for i, r in enumerate(self.records, 1) if r["customer_key"] == customer_key)

    def reference(self, customer_key: str) -> str:
        """system:account:object:id of a record, without contact values."""
        record = self.records[self.number(customer_key) - 1]
        source_id = record["source_id"]
        for held in self.identifiers:
            if held["customer_key"] == customer_key and held["id_kind"] in ("email", "phone"):
                source_id = source_id.replace(held["id_value"], masked(held["id_kind"], held["id_value"]))
        source_id = _EMAIL.sub(lambda found: masked("email", found.group()), source_id)
        return ":".join((*(record[f"source_{part}"] for part in ("system", "account", "object")), source_id))

    def named(self, identifier_key: str | None) -> str:
        """An identifier by type and masked value."""
        for held in self.identifiers:
            if held["identifier_key"] == identifier_key:
                return f"{held['id_type']} {masked(held['id_kind'], held['id_value'])}"
        return "a record that was never loaded"


def masked(kind: str, value: str) -> str:
    """A value by which a person can be told from the next one, but not reached.

    Args:
        kind: type of the identifier without its system.
        value: the identifier in the clear.
    """
    if kind in _PLAIN_KINDS:
        return value
    if "@" in value:
        local, _, domain = value.partition("@")
        return f"{local[:1]}…@{domain[:1]}….{domain.rpartition('.')[2]}"
    return f"{value[:1]}…{value[-2:]}" if len(value) > 5 else "…"


def explain_customer(settings: Settings, subject: str, other: str | None = None) -> list[str]:
    """Lines that say why the records of a customer are one, or why two are, or are not.

    Args:
        settings: where the build database lies; it is opened read-only.
        subject: customer id, alias, or record as system:account:object:id.
        other: a second one of these.

    Raises:
        CxError: nothing of that name, no build yet, or a run is writing the build database.
    """
    with _build_database(settings) as connection:
        customer = _customer(connection, subject)
        if other is None:
            return _story(customer)
        second = _customer(connection, other)
        if second.customer_id == customer.customer_id:
            return _path(customer, second.asked)
        return _difference(customer, second, _rows(connection, _NEVER))


@contextmanager
def _build_database(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    if not settings.warehouse.exists():
        raise CxError(str(settings.warehouse), "nothing is built yet", "run: cx run")
    try:
        connection = duckdb.connect(str(settings.warehouse), read_only=True)
    except duckdb.IOException as error:
        raise CxError(
            str(settings.warehouse), "a run is writing the build database", "ask again when it has ended"
        ) from error
    try:
        connection.execute("set timezone = 'UTC'")
        yield connection
    except duckdb.CatalogException as error:
        raise CxError(str(settings.warehouse), str(error).splitlines()[0], "build it: cx run") from error
    finally:
        connection.close()


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, *parameters: Any) -> list[Row]:
    result = connection.execute(sql, list(parameters))
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _customer(connection: duckdb.DuckDBPyConnection, subject: str) -> Customer:
    column, value = "alias_id", subject.strip()
    if not _ID.fullmatch(value):
        parts = value.split("|" if "|" in value else ":", 3)
        column, value = "customer_key", hashlib.md5("|".join(parts).encode()).hexdigest()
    sql = f"select customer_id, customer_key from intermediate.int_identity__aliases where {column} = ?"
    found = connection.execute(sql, [value]).fetchone()
    if found is None:
        raise CxError(
            _EMAIL.sub(lambda m: masked("email", m.group()), subject),
            "no customer, alias or record of this name in the last build",
            "give a customer_id of dim_customers, an alias_id of dim_customer_aliases, or a record as "
            "system:account:object:id, for example hubspot:crm:contacts:151",
        )
    customer_id, asked = found
    records = _rows(connection, _RECORDS, customer_id)
    keys = [record["customer_key"] for record in records]
    links = _rows(connection, _LINKS, records[0]["cluster_key"])
    return Customer(
        customer_id,
        asked,
        records,
        _rows(connection, _IDENTIFIERS, keys),
        _tree(keys[0], links),
        _rows(connection, _REJECTED, keys),
        _rows(connection, _ALIASES, customer_id),
    )


def _tree(first: str, links: Sequence[Row]) -> list[Row]:
    """Links in the order in which they reach new records from `first`, best link first (Prim)."""
    at: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for place, link in enumerate(links):
        at[link["customer_key"]].append((place, link["other_customer_key"]))
        at[link["other_customer_key"]].append((place, link["customer_key"]))
    reached, waiting = {first}, [(place, first, to) for place, to in at[first]]
    tree: list[Row] = []
    heapq.heapify(waiting)
    while waiting:
        place, start, end = heapq.heappop(waiting)
        if end not in reached:
            reached.add(end)
            tree.append({**links[place], "start": start, "end": end})
            for further, to in at[end]:
                heapq.heappush(waiting, (further, end, to))
    return tree


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "an unknown time"


def _evidence(customer: Customer, link: Row) -> str:
    source = f"{link['source_system']}:{link['source_account']}"
    if link["edge_type"] == "identifier":
        how = f"both have {customer.named(link['identifier_key'])}"
    elif link["edge_type"] == "source_merge":
        how = "merged by the source"
    else:
        how = "declared the same (seed identity_always_merge)"
    weak = "" if link["is_strong"] else ", weak: it has nothing better, and touches no other customer"
    return f"{how}; trust {link['trust']:.2f}, {source}, since {_time(link['linked_at'])}{weak}"


def _story(customer: Customer) -> list[str]:
    lines = [f"customer {customer.customer_id}", "", "records (the first gives the id)"]
    for number, record in enumerate(customer.records, 1):
        notes = [f"known from {_time(record['known_from'])} on"]
        notes += ["deleted at the source"] * record["is_deleted"]
        notes += ["asked for"] * (record["customer_key"] == customer.asked and number > 1)
        lines.append(f"  {number}  {customer.reference(record['customer_key'])}  ({', '.join(notes)})")
    lines += ["", "why they are one"]
    for link in customer.tree:
        lines.append(
            f"  {customer.number(link['end'])} is {customer.number(link['start'])}: {_evidence(customer, link)}"
        )
    if not customer.tree:
        lines.append("  nothing joins the record to another")
    if customer.rejected:
        lines += ["", "evidence that was not used"]
    for refused in sorted(customer.rejected, key=lambda row: customer.number(row["customer_key"])):
        what = customer.named(refused["identifier_key"]) if refused["identifier_key"] else "the record"
        count = f" ({refused['subject_count']})" if refused["subject_count"] is not None else ""
        lines.append(
            f"  {customer.number(refused['customer_key'])}  {what}: {refused['reason']}{count}, "
            f"since {_time(refused['observed_at'])}"
        )
    if customer.aliases:
        lines += ["", "ids that lead here"]
    for alias in customer.aliases:
        into = "" if alias["merged_into_id"] == customer.customer_id else f", then {alias['merged_into_id']}"
        lines.append(
            f"  {alias['alias_id']}  record {customer.number(alias['customer_key'])}, "
            f"until {_time(alias['merged_at'])}, {alias['evidence']}{into}"
        )
    return lines


def _path(customer: Customer, other: str) -> list[str]:
    """The way from the record asked for to another one of the same customer."""
    came_by = {link["end"]: link for link in customer.tree}

    def way_up(key: str) -> list[str]:
        keys = [key]
        while keys[-1] in came_by:
            keys.append(came_by[keys[-1]]["start"])
        return keys

    up, down = way_up(customer.asked), way_up(other)
    meeting = next(key for key in up if key in down)
    climbed = up[: up.index(meeting)]
    descended = down[: down.index(meeting)][::-1]
    lines = [f"one customer {customer.customer_id}", "", f"  {customer.reference(customer.asked)}"]
    for key in climbed:
        lines += [
            f"    {_evidence(customer, came_by[key])}",
            f"  {customer.reference(came_by[key]['start'])}",
        ]
    for key in descended:
        lines += [f"    {_evidence(customer, came_by[key])}", f"  {customer.reference(key)}"]
    return lines


def _difference(customer: Customer, other: Customer, never: Sequence[Row]) -> list[str]:
    """What two customers share that did not join them."""
    lines = [f"two customers, {customer.customer_id} and {other.customer_id}", ""]
    theirs = {held["identifier_key"]: held for held in other.identifiers}
    shared = {h["identifier_key"]: h for h in customer.identifiers if h["identifier_key"] in theirs}
    cut = {r["identifier_key"] for c in (customer, other) for r in c.rejected if r["reason"] == "never_merge"}
    for key, held in shared.items():
        reason = held["reject_reason"] or ("never_merge" if key in cut else "too weak to join two customers")
        lines.append(f"  both have {customer.named(key)}: {reason}")
    mine, its = ({r["customer_key"] for r in c.records} for c in (customer, other))
    for rule in never:
        pair = {
            hashlib.md5(rule[side].encode()).hexdigest()
            for side in ("left_customer_ref", "right_customer_ref")
        }
        if pair & mine and pair & its:
            lines.append(
                f"  declared two (seed identity_never_merge, {rule['decided_date']}): {rule['reason']}"
            )
    if len(lines) == 2:
        lines.append("  they share no identifier")
    return lines
