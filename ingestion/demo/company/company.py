"""The whole company: simulate it, and write it down as it stands at the end of a day."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ingestion.demo.company import broken, crm, ga4_files, shop_tables, store_files, typeform_records, writers
from ingestion.demo.company import zendesk_records as desk
from ingestion.demo.company.catalogue import Article, make_catalogue
from ingestion.demo.company.clock import Clock, instant
from ingestion.demo.company.identities import Identities, make_identities
from ingestion.demo.company.orders import Order, make_orders
from ingestion.demo.company.people import People, make_people
from ingestion.demo.company.plan import Calendar, Plan
from ingestion.demo.company.stores import Visit, make_visits
from ingestion.demo.company.support import Ticket, make_tickets
from ingestion.demo.company.surveys import Surveys, make_surveys
from ingestion.demo.company.web_events import Events, make_events
from ingestion.demo.company.web_sessions import Sessions, make_sessions


@dataclass
class Company:
    """One simulated company over its whole period."""

    plan: Plan
    clock: Clock
    calendar: Calendar
    people: People
    catalogue: list[Article]
    sessions: Sessions
    events: Events
    orders: list[Order]
    visits: list[Visit]
    tickets: list[Ticket]
    surveys: Surveys
    ids: Identities
    crm: crm.Crm

    def cutoff(self, until: date) -> int:
        """Instant at which the local day ``until`` is over."""
        return instant(until + timedelta(days=1))


def simulate(plan: Plan) -> Company:
    """Live through the whole period; always all of it, so that every day is the same whatever is written later."""
    clock = plan.clock()
    calendar = Calendar.of(clock)
    people = make_people(plan.customers, plan.seed, clock)
    catalogue = make_catalogue(plan.seed)
    sessions = make_sessions(plan, clock, calendar, people, [a.weight for a in catalogue])
    events = make_events(plan, clock, calendar, sessions)
    orders = make_orders(plan, clock, people, catalogue, sessions, events)
    visits = make_visits(plan, clock, people, orders)
    tickets = make_tickets(plan, clock, calendar, people, orders)
    surveys = make_surveys(plan, clock, calendar, people, orders, tickets, sessions, events)
    ids = make_identities(plan, clock, people, orders, tickets)
    records = crm.make_crm(plan, clock, people, ids, orders)
    return Company(
        plan,
        clock,
        calendar,
        people,
        catalogue,
        sessions,
        events,
        orders,
        visits,
        tickets,
        surveys,
        ids,
        records,
    )


def write(
    company: Company, folder: Path, until: date | None = None, late: bool = False
) -> list[broken.Broken]:
    """Write all sources as they stand when the local day ``until`` is over.

    Args:
        company: The simulated company.
        folder: Target; files that have not changed are left alone, files of later days are removed.
        until: Last day that has happened; default the end of the period.
        late: Put the late versions of the GA4 files in place instead of beside them in ``ga4_late``.

    Returns:
        The broken records that are in the files.

    Raises:
        ValueError: ``until`` lies outside the period.
    """
    until = until or company.clock.end
    if not company.clock.start <= until <= company.clock.end:
        raise ValueError(f"until is {until}; the period is {company.clock.start} to {company.clock.end}")
    cutoff = company.cutoff(until)
    planted: list[broken.Broken] = []

    def with_broken(records: list[Any], extra: list[tuple[broken.Broken, Any]]) -> list[Any]:
        here = [(b, record) for b, record in extra if b.day <= until]
        planted.extend(b for b, _ in here)
        return records + [record for _, record in here]

    _write_hubspot(company, folder, cutoff, with_broken)
    _write_zendesk(company, folder, cutoff, with_broken)
    _write_typeform(company, folder, cutoff, with_broken)
    _write_shop(company, folder, cutoff, with_broken)
    planted += _write_files(company, folder, cutoff, until)
    planted += _write_web(company, folder, until, late)
    return planted


def _write_hubspot(c: Company, folder: Path, cutoff: int, with_broken: Any) -> None:
    bad = broken.hubspot(c.clock)
    files = {
        "contacts": with_broken(
            crm.contact_records(c.crm, c.people, c.ids, c.orders, cutoff), bad["contacts"]
        ),
        "companies": crm.company_records(c.crm, cutoff),
        "deals": with_broken(crm.deal_records(c.crm, cutoff), bad["deals"]),
        "owners": crm.owner_records(c.clock),
        "associations": crm.association_records(c.crm, c.ids, cutoff),
    }
    for name, records in files.items():
        writers.put(folder / "hubspot" / f"{name}.jsonl", writers.jsonl(records))


def _write_zendesk(c: Company, folder: Path, cutoff: int, with_broken: Any) -> None:
    bad = broken.zendesk(c.clock)
    users = desk.user_records(c.clock, c.people, c.ids, c.tickets, cutoff)
    files = {
        "users": with_broken(users, bad["users"]),
        "organizations": desk.organization_records(c.clock),
        "groups": desk.group_records(c.clock),
        "tickets": with_broken(desk.ticket_records(c.people, c.ids, c.tickets, cutoff), bad["tickets"]),
        "ticket_events": desk.audit_records(c.ids, c.tickets, cutoff),
        "satisfaction_ratings": desk.rating_records(c.ids, c.tickets, cutoff),
    }
    for name, records in files.items():
        writers.put(folder / "zendesk" / f"{name}.jsonl", writers.jsonl(records))


def _write_typeform(c: Company, folder: Path, cutoff: int, with_broken: Any) -> None:
    bad = broken.typeform(c.clock)
    responses = typeform_records.response_records(c.people, c.ids, c.surveys, cutoff)
    writers.put(folder / "typeform" / "forms.jsonl", writers.jsonl(typeform_records.form_records(c.clock)))
    writers.put(
        folder / "typeform" / "responses.jsonl", writers.jsonl(with_broken(responses, bad["responses"]))
    )


def _write_shop(c: Company, folder: Path, cutoff: int, with_broken: Any) -> None:
    bad = broken.shop(c.clock)
    tables = {
        "customers": shop_tables.customer_rows(c.people, c.ids, cutoff),
        "orders": shop_tables.order_rows(c.orders, c.ids, shop_tables.receipts_of(c.visits), cutoff),
        "order_lines": shop_tables.line_rows(c.orders, cutoff),
        "refunds": shop_tables.refund_rows(c.orders, cutoff),
    }
    fresh = folder / ".building.sqlite"
    fresh.parent.mkdir(parents=True, exist_ok=True)
    shop_tables.write_database(fresh, {name: with_broken(rows, bad[name]) for name, rows in tables.items()})
    writers.put(folder / "orders.sqlite", fresh.read_bytes())
    fresh.unlink()


def _write_files(c: Company, folder: Path, cutoff: int, until: date) -> list[broken.Broken]:
    planted = []
    bad = broken.till_lines(c.clock)
    names = set()
    for day, text in store_files.visit_files(c.visits, cutoff, until).items():
        content = text.encode()
        for record, raw in bad.get(day, []):
            content += raw
            planted.append(record)
        names.add(f"visits_{day:%Y%m%d}.csv")
        writers.put(folder / "store" / f"visits_{day:%Y%m%d}.csv", content)
    writers.keep_only(folder / "store", names, "visits_*.csv")
    releases = store_files.release_text(c.calendar, cutoff)
    record, line = broken.release_line(c.clock)
    if record.day <= until:
        releases += line
        planted.append(record)
    writers.put(folder / "releases.csv", releases.encode())
    months = store_files.invitation_files(c.surveys, c.people, c.ids, cutoff)
    for month, text in months.items():
        writers.put(folder / "surveys" / f"invitations_{month}.csv", text.encode())
    writers.keep_only(folder / "surveys", {f"invitations_{m}.csv" for m in months}, "invitations_*.csv")
    return planted


def _write_web(c: Company, folder: Path, until: date, late: bool) -> list[broken.Broken]:
    days = ga4_files.build(c.plan, c.clock, c.people, c.catalogue, c.sessions, c.events, c.orders)
    names, late_names = set(), set()
    for day in c.clock.days[: c.clock.days.index(until) + 1]:
        name = f"events_{day:%Y%m%d}.parquet"
        names.add(name)
        table = ga4_files.day_table(days, c.clock, c.calendar, day, until, late)
        writers.put(folder / "ga4" / name, writers.parquet(table))
        rewritten = c.calendar.late_days.get(day)
        if rewritten is not None and until < rewritten and not late:
            late_names.add(name)
            whole = ga4_files.day_table(days, c.clock, c.calendar, day, until, True)
            writers.put(folder / "ga4_late" / name, writers.parquet(whole))
    writers.keep_only(folder / "ga4", names, "events_*.parquet")
    if (folder / "ga4_late").is_dir():
        writers.keep_only(folder / "ga4_late", late_names, "events_*.parquet")
    return [b for b in broken.web(ga4_files.broken_days(c.clock)) if b.day <= until]


def drop_late(folder: Path) -> list[str]:
    """Put the late versions of the GA4 files in place, as the export does some days later; returns their names."""
    names = []
    for path in sorted((folder / "ga4_late").glob("events_*.parquet")):
        writers.put(folder / "ga4" / path.name, path.read_bytes())
        names.append(path.name)
    return names


def write_company(plan: Plan, folder: Path, until: date | None = None, late: bool = False) -> dict[str, Any]:
    """Simulate, write all sources and ``truth.json``; returns the truth.

    Args:
        plan: Size, seed and period.
        folder: Target, usually ``$CX_HOME/demo``.
        until: Last day that has happened; default the end of the period.
        late: With the late versions of the GA4 files in place.

    Raises:
        ValueError: ``until`` lies outside the period.
    """
    from ingestion.demo.company.truth import tell

    company = simulate(plan)
    planted = write(company, folder, until, late)
    truth = tell(company, until or plan.end, late, planted)
    text = json.dumps(truth, ensure_ascii=False, indent=1)
    writers.put(folder / "truth.json", f"{text}\n".encode())
    return truth
