"""Files of the tills (one a day), of the product releases and of the survey invitations."""

from __future__ import annotations

from datetime import date

from ingestion.demo.company import vocabulary as words
from ingestion.demo.company.clock import ZONE_NAME, iso, local
from ingestion.demo.company.identities import Identities
from ingestion.demo.company.people import People
from ingestion.demo.company.plan import Calendar
from ingestion.demo.company.stores import Visit, written_card
from ingestion.demo.company.surveys import NPS, Surveys
from ingestion.demo.company.writers import csv_text

VISIT_COLUMNS = (
    "store_id", "till", "receipt_no", "business_date", "occurred_at", "time_zone", "visit_type", "loyalty_card",
    "basket_total", "currency", "items", "order_number", "staff_id",
)  # fmt: skip
RELEASE_COLUMNS = (
    "release_id", "name", "version", "area", "kind", "touchpoint_id", "released_at", "ended_at", "rollout_percent",
    "description",
)  # fmt: skip
INVITATION_COLUMNS = ("invitation_id", "form_id", "email", "touchpoint", "wave", "invited_at")


def visit_files(visits: list[Visit], cutoff: int, until: date) -> dict[date, str]:
    """Text of each day's file; a file exists once its day is over, with every row sent on that day."""
    days: dict[date, list[tuple[object, ...]]] = {}
    for k, v in enumerate(visits):
        if v.sent_on > until:
            continue
        days.setdefault(v.sent_on, []).append((
            words.STORES[v.store][0], v.till, v.receipt, v.business_day.isoformat(),
            local(v.at).strftime("%Y-%m-%d %H:%M:%S"), ZONE_NAME, v.kind, written_card(v.card, k),
            f"{'-' if v.basket < 0 else ''}{abs(v.basket) // 100}.{abs(v.basket) % 100:02d}", "EUR", v.items,
            v.order.order_number if v.order else None, v.staff,
        ))  # fmt: skip
    return {day: csv_text(VISIT_COLUMNS, rows) for day, rows in sorted(days.items())}


def release_text(calendar: Calendar, cutoff: int) -> str:
    """Releases before an instant; the end of one is blank until it has come."""
    rows = [
        (
            r.release_id, r.name, r.version, r.area, r.kind, r.touchpoint_id, iso(r.released_at),
            iso(r.ended_at) if r.ended_at is not None and r.ended_at < cutoff else None, r.rollout_percent,
            r.description,
        )
        for r in calendar.releases
        if r.released_at < cutoff
    ]  # fmt: skip
    return csv_text(RELEASE_COLUMNS, rows)


def invitation_files(surveys: Surveys, people: People, ids: Identities, cutoff: int) -> dict[str, str]:
    """Text of each month's file of invitations (YYYYMM)."""
    months: dict[str, list[tuple[object, ...]]] = {}
    for k, i in enumerate(surveys.invitations):
        if i.invited_at >= cutoff:
            continue
        email = ids.contact_mail.get(i.person) if i.form == NPS else people.email[i.person]
        months.setdefault(local(i.invited_at).strftime("%Y%m"), []).append(
            (f"I{k + 1:07d}", i.form, email, i.touchpoint, i.wave or None, iso(i.invited_at))
        )
    return {month: csv_text(INVITATION_COLUMNS, rows) for month, rows in sorted(months.items())}
