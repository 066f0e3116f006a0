"""HubSpot records: contacts, companies, deals, owners and their links, as they stand before an instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ingestion.demo.company import vocabulary as words
from ingestion.demo.company.clock import DAY, Clock, iso
from ingestion.demo.company.draw import Stream
from ingestion.demo.company.identities import Identities
from ingestion.demo.company.orders import Order, by_person
from ingestion.demo.company.people import COOKIE_DELETER, People, leaves_crm, say
from ingestion.demo.company.plan import Plan

Record = dict[str, Any]
OWNERS = 6
SOURCES = (
    "ORGANIC_SEARCH", "DIRECT_TRAFFIC", "PAID_SEARCH", "EMAIL_MARKETING", "SOCIAL_MEDIA", "REFERRALS", "OFFLINE",
)  # fmt: skip
SOURCE_WEIGHTS = (28, 22, 16, 10, 11, 6, 7)
LEADS_PER_1000 = 70
INDUSTRIES = ("HOSPITALITY", "RETAIL", "REAL_ESTATE", "HEALTH_CARE", "EDUCATION")


@dataclass
class Contact:
    """One contact of a known person or, with person -1, of a newsletter reader who never bought."""

    contact_id: str
    person: int
    source: str
    owner: int
    created_at: int
    email: str | None
    changed_at: int | None
    archived_at: int | None
    opted_out: bool


@dataclass
class Deal:
    """One business deal; amount in cents."""

    deal_id: str
    company: int
    amount: int
    created_at: int
    closed_at: int
    won: bool
    source: str
    owner: int


@dataclass
class Crm:
    """Everything HubSpot keeps; ``members`` lists the persons of each company."""

    contacts: list[Contact]
    deals: list[Deal]
    members: list[list[int]]
    company_created: list[int]


def make_crm(plan: Plan, clock: Clock, people: People, ids: Identities, orders: list[Order]) -> Crm:
    """Create the CRM's records with their dates of creation, change, archiving."""
    s = Stream(plan.seed, "crm")
    first_order = {person: mine[0].created_at for person, mine in by_person(orders).items()}
    contacts = []
    for person, contact_id in ids.contact.items():
        created = int(people.registered_at[person]) + 60
        if not people.has_account[person]:
            created = min(created, first_order.get(person, created) + 60)
        changes = s.yes(120_000)
        later = clock.opens + s.one(0, len(clock.days) * DAY - 1)
        gone = leaves_crm(person)
        contacts.append(
            Contact(
                contact_id, person, SOURCES[int(s.pick(SOURCE_WEIGHTS, 1)[0])], s.one(1, OWNERS), created,
                ids.contact_mail[person],
                later if changes and later > created else None,
                max(created, clock.opens) + s.one(2, 90) * DAY if gone else None,
                s.yes(60_000),
            )
        )  # fmt: skip
    for k in range(plan.customers * LEADS_PER_1000 // 1000):
        created = clock.opens + s.one(-60, len(clock.days) - 1) * DAY + s.one(0, DAY - 1)
        contacts.append(
            Contact(
                str(60_000_013 + 17 * k), -1, SOURCES[int(s.pick(SOURCE_WEIGHTS, 1)[0])], s.one(1, OWNERS), created,
                f"reader{k}@{words.MAIL_DOMAINS[k % 4]}", None, None, s.yes(60_000),
            )
        )  # fmt: skip
    business = [i for i in range(people.n) if people.is_business[i] and i in ids.contact]
    members = [business[:3]] + [business[k : k + 2] for k in range(3, len(business), 2)]
    founded = [clock.opens - s.one(10, 400) * DAY for _ in members]
    deals: list[Deal] = []
    for company in range(len(members)):
        for _ in range(s.one(1, 4)):
            start = clock.opens + s.one(0, max(1, len(clock.days) - 20)) * DAY + s.one(25_000, 60_000)
            deals.append(
                Deal(
                    str(70_000_003 + 19 * len(deals)), company, s.one(300, 9000) * 100 + 50 * s.one(0, 1), start,
                    start + s.one(3, 40) * DAY, s.yes(420_000), SOURCES[int(s.pick(SOURCE_WEIGHTS, 1)[0])],
                    s.one(1, OWNERS),
                )
            )  # fmt: skip
    return Crm(contacts, deals, members, founded)


def company_id(number: int) -> str:
    """HubSpot id of a company."""
    return str(50_000_007 + 23 * number)


def contact_records(
    crm: Crm, people: People, ids: Identities, orders: list[Order], cutoff: int
) -> list[Record]:
    """Contacts before an instant; a merged-away one is there until its merge and then only named by the winner."""
    first_order: dict[int, int] = {}
    for order in orders:
        if order.person >= 0 and order.created_at < cutoff:
            first_order.setdefault(order.person, order.created_at)
    records = []
    for contact in crm.contacts:
        if contact.created_at < cutoff:
            records.append(_contact(contact, people, ids, first_order, cutoff))
        for merge in ids.merges.get(contact.person, []):
            if merge.created_at < cutoff <= merge.merged_at:
                records.append(
                    _lost_contact(merge.contact_id, merge.email, merge.created_at, people, contact.person)
                )
    return records


def _contact(c: Contact, people: People, ids: Identities, first_order: dict[int, int], cutoff: int) -> Record:
    moments = [c.created_at]
    properties: dict[str, str | None] = {"hs_object_id": c.contact_id, "createdate": iso(c.created_at, True)}
    email, i = c.email, c.person
    if email and i >= 0 and i % 9 == 4:
        email = email.title()  # as somebody typed it
    stage = "subscriber" if i < 0 else "lead"
    properties |= {"email": email, "hs_additional_emails": None, "firstname": None, "lastname": None}
    properties |= {"phone": None, "mobilephone": None, "hs_language": None, "country": None, "city": None}
    merged = [m for m in ids.merges.get(i, []) if m.merged_at < cutoff] if i >= 0 else []
    if i >= 0:
        if i in first_order:
            stage = "customer"
            moments.append(max(c.created_at, first_order[i]))
        moments += [m.merged_at for m in merged]
        second = people.email2[i]
        has_second = second is not None and (not ids.merges[i] or any(m.email for m in merged))
        changed = c.changed_at is not None and c.changed_at < cutoff
        properties |= {
            "hs_additional_emails": second if has_second else None,
            "firstname": people.first[i],
            "lastname": people.last[i],
            "phone": say(people.phone[i], i % 3) if i % 4 != 1 else None,
            "mobilephone": people.phone[i] if i % 4 == 1 else None,
            "hs_language": people.language[i],
            "country": words.COUNTRY_NAMES[people.country[i]],
            "city": people.city[i]
            if not changed or i == COOKIE_DELETER
            else words.CITIES[people.country[i]][0],
            "user_id": people.user_id[i]
            if people.has_account[i] and c.created_at >= people.registered_at[i]
            else None,
            "loyalty_card": ids.contact_card[i],
        }
        if changed and c.changed_at is not None:
            moments.append(c.changed_at)
    properties |= {
        "lifecyclestage": stage,
        "hs_analytics_source": c.source,
        "hubspot_owner_id": str(9000 + c.owner),
        "hs_email_optout": "true" if c.opted_out else "false",
        "hs_merged_object_ids": ";".join(m.contact_id for m in merged) or None,
        "hs_calculated_merged_vids": ";".join(f"{m.contact_id}:{m.merged_at}000" for m in merged if m.in_vids)
        or None,
    }
    archived = c.archived_at is not None and c.archived_at < cutoff
    if archived and c.archived_at is not None:
        moments.append(c.archived_at)
    gone_at = c.archived_at if archived else None
    return _object(c.contact_id, c.created_at, max(moments), properties, "lastmodifieddate", gone_at)


def _lost_contact(contact_id: str, email: str | None, created: int, people: People, i: int) -> Record:
    properties: dict[str, str | None] = {
        "hs_object_id": contact_id, "createdate": iso(created, True), "email": email, "firstname": people.first[i],
        "lastname": people.last[i], "phone": people.phone[i], "lifecyclestage": "lead",
        "hs_analytics_source": "OFFLINE", "hs_email_optout": "false",
    }  # fmt: skip
    return _object(contact_id, created, created, properties, "lastmodifieddate", None)


def _object(
    object_id: str, created: int, updated: int, properties: dict[str, str | None], modified: str,
    archived_at: int | None,
) -> Record:  # fmt: skip
    record: Record = {
        "id": object_id,
        "createdAt": iso(created, True),
        "updatedAt": iso(updated, True),
        "archived": archived_at is not None,
        "properties": {**properties, modified: iso(updated, True)},
    }
    if archived_at is not None:
        record["archivedAt"] = iso(archived_at, True)
    return record


def company_records(crm: Crm, cutoff: int) -> list[Record]:
    """Companies before an instant."""
    records = []
    for number, created in enumerate(crm.company_created):
        name = "Hurtownia Lipka" if number == 0 else f"Firma {number:03d}"
        domain = "hurtownia-lipka.test" if number == 0 else f"firma{number:03d}.test"
        properties: dict[str, str | None] = {
            "hs_object_id": company_id(number), "createdate": iso(created, True), "name": name, "domain": domain,
            "industry": INDUSTRIES[number % 5], "numberofemployees": str(3 + number * 7 % 240),
            "annualrevenue": f"{200_000 + 41_000 * number}.00", "country": "Poland",
            "city": words.CITIES["PL"][number % 10], "phone": None, "hs_parent_company_id": None,
            "hubspot_owner_id": str(9001 + number % OWNERS), "lifecyclestage": "customer", "hs_merged_object_ids": None,
        }  # fmt: skip
        if created < cutoff:
            records.append(
                _object(company_id(number), created, created, properties, "hs_lastmodifieddate", None)
            )
    return records


def deal_records(crm: Crm, cutoff: int) -> list[Record]:
    """Deals before an instant; open until their day of closing."""
    records = []
    for d in crm.deals:
        if d.created_at >= cutoff:
            continue
        closed = d.closed_at < cutoff
        stage = ("closedwon" if d.won else "closedlost") if closed else "contractsent"
        properties: dict[str, str | None] = {
            "hs_object_id": d.deal_id, "createdate": iso(d.created_at, True), "dealname": f"Linen supply {d.deal_id}",
            "amount": f"{d.amount // 100}.{d.amount % 100:02d}", "deal_currency_code": "EUR",
            "closedate": iso(d.closed_at, True), "dealstage": stage, "pipeline": "default", "dealtype": "newbusiness",
            "hs_is_closed": str(closed).lower(), "hs_is_closed_won": str(closed and d.won).lower(),
            "hubspot_owner_id": str(9000 + d.owner), "hs_analytics_source": d.source, "hs_merged_object_ids": None,
        }  # fmt: skip
        updated = d.closed_at if closed else d.created_at
        records.append(_object(d.deal_id, d.created_at, updated, properties, "hs_lastmodifieddate", None))
    return records


def owner_records(clock: Clock) -> list[Record]:
    """The sales people."""
    names = ("Jan Kowal", "Iza Lis", "Tom Wrona", "Ola Sowa", "Ela Bąk", "Kuba Dzik")
    since = iso(clock.opens - 900 * DAY, True)
    return [
        {
            "id": str(9001 + k), "userId": 501 + k, "email": f"sales{k + 1}@{words.STAFF_DOMAIN}",
            "firstName": name.split()[0], "lastName": name.split()[1], "type": "PERSON", "archived": False,
            "createdAt": since, "updatedAt": since, "teams": [{"id": "1", "name": "Sales", "primary": True}],
        }
        for k, name in enumerate(names)
    ]  # fmt: skip


def association_records(crm: Crm, ids: Identities, cutoff: int) -> list[Record]:
    """Links contact → company, deal → contact, deal → company before an instant."""

    def link(
        from_type: str, from_id: str, to_type: str, to_id: str, type_id: int, label: str | None
    ) -> Record:
        return {
            "from_type": from_type, "from_id": from_id, "to_type": to_type, "to_id": to_id, "type_id": type_id,
            "label": label, "category": "HUBSPOT_DEFINED",
        }  # fmt: skip

    there = {c.person for c in crm.contacts if c.created_at < cutoff}
    gone = {c.person for c in crm.contacts if c.archived_at is not None and c.archived_at < cutoff}
    alive = there - gone
    links = [
        link("contacts", ids.contact[person], "companies", company_id(number), 1, "Primary")
        for number, persons in enumerate(crm.members)
        for person in persons
        if person in alive and crm.company_created[number] < cutoff
    ]
    for deal in crm.deals:
        if deal.created_at < cutoff:
            links.append(link("deals", deal.deal_id, "companies", company_id(deal.company), 5, "Primary"))
            first = crm.members[deal.company][0]
            if first in alive:
                links.append(link("deals", deal.deal_id, "contacts", ids.contact[first], 3, None))
    return links
