"""Zendesk records: users, organisations, groups, tickets, audits, ratings, as they stand before an instant."""

from __future__ import annotations

from typing import Any

from ingestion.demo.company import vocabulary as words
from ingestion.demo.company.clock import DAY, ZONE_NAME, Clock, iso
from ingestion.demo.company.identities import Identities
from ingestion.demo.company.people import ROLE_MAIL, People, say
from ingestion.demo.company.support import AGENTS, GROUPS, Step, Ticket

Record = dict[str, Any]
ORDER_FIELD = 27642
BOT_ID = 1_800_000_000_900
ADMIN_ID = 1_800_000_000_800
SYSTEM_ID = -1
ORGANIZATION_ID = 1_700_000_000_001
_VIA = {"email": "Mail", "web": "Web form", "chat": "Chat", "native_messaging": "Messaging", "voice": "Phone call",
        "facebook": "Facebook"}  # fmt: skip
_AGENT_NAMES = (
    "Adam Lis", "Beata Kos", "Celina Ryba", "Darek Dąb", "Edyta Wilk", "Filip Zając", "Gosia Buk", "Hubert Jeż",
    "Irena Sowa", "Jacek Bóbr", "Kinga Lipa", "Leon Klon",
)  # fmt: skip


def agent_id(number: int) -> int:
    """Zendesk user id of an agent."""
    return 1_800_000_000_001 + number


def group_id(number: int) -> int:
    """Zendesk id of a group."""
    return 1_600_000_000_001 + number


def user_records(
    clock: Clock, people: People, ids: Identities, tickets: list[Ticket], cutoff: int
) -> list[Record]:
    """End users since their first ticket, and the staff; the bot is an agent tagged ``bot``."""
    since = clock.opens - 700 * DAY
    staff = [
        _user(agent_id(k), name, f"agent{k + 1}@{words.STAFF_DOMAIN}", "agent", since, group=group_id(k // 4))
        for k, name in enumerate(_AGENT_NAMES[:AGENTS])
    ]
    staff.append(_user(ADMIN_ID, "Desk Admin", f"admin@{words.STAFF_DOMAIN}", "admin", since))
    staff.append(_user(BOT_ID, "Lena (bot)", f"bot@{words.STAFF_DOMAIN}", "agent", since, tags=["bot"]))
    first: dict[int, int] = {}
    for ticket in tickets:
        if ticket.created_at < cutoff:
            user = ids.zendesk[ticket.requester]
            first[user] = min(first.get(user, ticket.created_at), ticket.created_at)
    done: set[int] = set()
    found = []
    for i, user in ids.zendesk.items():
        if user not in first or user in done:
            continue
        done.add(user)
        role = i in ROLE_MAIL
        record = _user(
            user, "Hurtownia Lipka" if role else f"{people.first[i]} {people.last[i]}", ids.zendesk_mail[i], "end-user",
            first[user], phone=None if role or i % 3 else say(people.phone[i], i % 2),
            locale={"pl": "pl", "de": "de", "en": "en-GB"}[people.language[i]],
            external=ids.zendesk_external[i], organization=ORGANIZATION_ID if role else None,
        )  # fmt: skip
        if leaves_desk(i) and first[user] + 30 * DAY < cutoff:
            record["active"] = False
            record["updated_at"] = iso(first[user] + 30 * DAY)
        found.append(record)
    return staff + found


def leaves_desk(person: int) -> bool:
    """True for the few whose user the desk removes a month after the first ticket."""
    return person % 211 == 70


def _user(
    user: int, name: str, email: str, role: str, created: int, *, phone: str | None = None, locale: str = "pl",
    external: str | None = None, organization: int | None = None, group: int | None = None,
    tags: list[str] | None = None,
) -> Record:  # fmt: skip
    return {
        "id": user, "name": name, "email": email, "phone": phone, "role": role, "external_id": external,
        "organization_id": organization, "active": True, "suspended": False, "verified": True, "locale": locale,
        "time_zone": ZONE_NAME, "tags": tags or [], "user_fields": {}, "default_group_id": group,
        "created_at": iso(created), "updated_at": iso(created), "last_login_at": None, "notes": None, "details": None,
    }  # fmt: skip


def organization_records(clock: Clock) -> list[Record]:
    """The one organisation that writes to the desk."""
    since = iso(clock.opens - 300 * DAY)
    return [{
        "id": ORGANIZATION_ID, "name": "Hurtownia Lipka", "domain_names": ["hurtownia-lipka.test"], "external_id": None,
        "group_id": None, "tags": [], "organization_fields": {}, "created_at": since, "updated_at": since,
    }]  # fmt: skip


def group_records(clock: Clock) -> list[Record]:
    """Groups of agents."""
    since = iso(clock.opens - 700 * DAY)
    return [
        {
            "id": group_id(k), "name": name, "default": k == 0, "deleted": False, "is_public": True, "description": "",
            "created_at": since, "updated_at": since,
        }
        for k, name in enumerate(GROUPS)
    ]  # fmt: skip


def ticket_records(people: People, ids: Identities, tickets: list[Ticket], cutoff: int) -> list[Record]:
    """Tickets before an instant, deleted ones with that status."""
    found = []
    for t in tickets:
        if t.created_at >= cutoff:
            continue
        user = ids.zendesk[t.requester]
        status = t.status(cutoff)
        taken = any("assignee_id" in s.changes or s.who == "agent" for s in t.steps if s.at < cutoff)
        score = t.score(cutoff)
        merged = t.merged_into is not None and status == "closed"
        found.append({
            "id": t.number, "external_id": None, "requester_id": user,
            "submitter_id": agent_id(t.agent) if t.opened_by_agent else user,
            "assignee_id": agent_id(t.agent) if taken else None, "group_id": group_id(t.group),
            "organization_id": ORGANIZATION_ID if t.requester in ROLE_MAIL else None,
            "subject": t.subject, "description": t.steps[0].text, "status": status, "custom_status_id": None,
            "priority": t.priority, "type": "problem" if t.topic in ("complaint", "payment") else "question",
            "via": {"channel": t.channel, "source": {"from": {"address": ids.zendesk_mail[t.requester]}
                    if t.channel == "email" else {}, "to": {}, "rel": None}},
            "brand_id": 1, "ticket_form_id": 2, "is_public": True, "has_incidents": False, "problem_id": None,
            "due_at": None, "tags": [t.topic, *(["closed_by_merge"] if merged else [])],
            "custom_fields": [{"id": ORDER_FIELD, "value": t.order.order_number if t.order else None}],
            "satisfaction_rating": {"score": score, "id": _rating_id(t) if score in ("good", "bad") else None,
                                    "comment": t.rating_comment if score in ("good", "bad") else None},
            "created_at": iso(t.created_at), "updated_at": iso(t.updated_at(cutoff)),
            "generated_timestamp": t.updated_at(cutoff),
        })  # fmt: skip
    return found


def _rating_id(t: Ticket) -> int:
    return 4_000_000 + t.number


def rating_records(ids: Identities, tickets: list[Ticket], cutoff: int) -> list[Record]:
    """Satisfaction ratings before an instant: offered, then good or bad when answered."""
    return [
        {
            "id": _rating_id(t), "ticket_id": t.number, "requester_id": ids.zendesk[t.requester],
            "assignee_id": agent_id(t.agent), "group_id": group_id(t.group), "score": t.score(cutoff),
            "comment": t.rating_comment if t.score(cutoff) in ("good", "bad") else None, "reason": None,
            "reason_id": None, "created_at": iso(t.offered_at),
            "updated_at": iso(t.rated_at if t.rated_at is not None and t.rated_at < cutoff else t.offered_at),
        }
        for t in tickets
        if t.offered_at is not None and t.offered_at < cutoff
    ]  # fmt: skip


def audit_records(ids: Identities, tickets: list[Ticket], cutoff: int) -> list[Record]:
    """One audit per step of a ticket, with a child per changed field and per comment."""
    found = []
    for t in tickets:
        state: dict[str, str] = {}
        for k, step in enumerate(t.steps):
            if step.at < cutoff:
                found.append(_audit(t, k, step, state, ids.zendesk[t.requester]))
                state |= step.changes
    return found


def _author(t: Ticket, step: Step, requester: int) -> int:
    return {"customer": requester, "agent": agent_id(t.agent), "bot": BOT_ID, "system": SYSTEM_ID}[step.who]


def _audit(t: Ticket, k: int, step: Step, state: dict[str, str], requester: int) -> Record:
    number = 800_000_000 + t.number * 100 + k
    author = _author(t, step, requester)
    merge = t.merged_into if k and step.changes.get("status") == "closed" else None
    via = "Merge" if merge else _VIA[t.channel] if step.who == "customer" else "Web form"
    children: list[Record] = []

    def child(**fields: Any) -> None:
        children.append({
            "id": number * 10 + len(children), "via": via,
            "via_reference_id": merge.number if merge else None, **fields,
        })  # fmt: skip

    if k == 0:
        child(event_type="Create", subject=t.subject)
    for name, value in step.changes.items():
        value = str(agent_id(int(value))) if name == "assignee_id" else value
        if k == 0:
            child(event_type="Create", **{name: value})
        else:
            old = state.get(name)
            old = str(agent_id(int(old))) if name == "assignee_id" and old else old
            child(event_type="Change", **{name: value}, previous_value=old)
    if step.text is not None:
        child(
            event_type="Comment", type="Comment", author_id=author, public=step.public, body=step.text,
            html_body=f"<p>{step.text}</p>", attachments=[], created_at=iso(step.at),
        )  # fmt: skip
    return {
        "id": number, "ticket_id": t.number, "timestamp": step.at, "created_at": iso(step.at), "updater_id": author,
        "via": via, "system": {}, "event_type": "Audit", "child_events": children,
    }  # fmt: skip
