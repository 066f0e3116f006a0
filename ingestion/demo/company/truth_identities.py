"""Truths about persons: under which identifiers each is known in which system, and the planted knots."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from ingestion.demo.company.company import Company
from ingestion.demo.company.people import FAMILY_MAIL, ROLE_MAIL, ROLES
from ingestion.demo.company.web_events import is_in_files

Facts = dict[str, Any]


def identities(c: Company, until: date) -> Facts:
    """One entry per person, and what the planted ones are there to prove.

    ``ga4_pseudo_ids`` are browsers on which the person logged in, ``ga4_pseudo_ids_all`` every browser used;
    persons of ``role_mail`` share one desk user, which belongs to none of them. ``customers`` is the number of human
    beings and shared desks behind all records of CRM, shop, tills and desk: what a perfect resolution finds, except
    that a record its source deleted (``crm.contacts_archived``, ``support.users_removed``) may stand alone.
    """
    cutoff = c.cutoff(until)
    people, ids = c.people, c.ids
    logged, every = _browsers(c, until)
    asked = {t.requester for t in c.tickets if t.created_at < cutoff}
    guests: dict[int, list[str]] = {}
    for guest, person, created in ids.guest.values():
        if created < cutoff:
            guests.setdefault(person, []).append(guest)
    contact_at = {x.person: x.created_at for x in c.crm.contacts if x.person >= 0}
    persons: Facts = {}
    for i in range(people.n):
        merges = [m for m in ids.merges.get(i, []) if m.created_at < cutoff]
        has_contact = i in ids.contact and contact_at[i] < cutoff
        account = people.has_account[i] and people.registered_at[i] < cutoff
        customer = i in ids.shop_customer and people.registered_at[i] < cutoff
        mails = [people.email[i]] + ([str(people.email2[i])] if people.email2[i] else [])
        persons[people.key(i)] = {
            "user_id": people.user_id[i] if account else None,
            "emails": mails,
            "phone": people.phone[i],
            "loyalty_card": people.card[i] if customer else None,
            "shop_customer_ids": ([ids.shop_customer[i]] if customer else []) + guests.get(i, []),
            "hubspot_contact_id": ids.contact[i] if has_contact else None,
            "hubspot_merged_ids": [m.contact_id for m in merges],
            "zendesk_user_id": ids.zendesk[i] if i in asked and i not in ROLE_MAIL else None,
            "ga4_pseudo_ids": logged.get(i, []),
            "ga4_pseudo_ids_all": every.get(i, []),
        }
    leads = sum(x.person < 0 and x.created_at < cutoff for x in c.crm.contacts)
    known = [
        p
        for p in persons.values()
        if p["hubspot_contact_id"] or p["shop_customer_ids"] or p["zendesk_user_id"]
    ]
    return {
        "customers": {
            "persons_with_a_record": len(known),
            "newsletter_leads": leads,
            "role_desk_users": int(any(i in asked for i in ROLE_MAIL)),
            "total": len(known) + leads + int(any(i in asked for i in ROLE_MAIL)),
        },
        "planted": {name: [people.key(i) for i in members] for name, members in ROLES.items()},
        "role_address": people.email[ROLE_MAIL[0]],
        "role_zendesk_user_id": ids.zendesk.get(ROLE_MAIL[0], 1_900_000_000_017 + 13 * ROLE_MAIL[0]),
        "family_address": people.email[FAMILY_MAIL[0]],
        "shared_browser": logged.get(ROLES["shared_device"][0], [None])[0],
        "persons": persons,
    }


def _browsers(c: Company, until: date) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    """Pseudo ids per person: those with a login, and all."""
    e, v = c.events, c.sessions
    there = is_in_files(e, c.clock, c.calendar, until, False) & (v.person[e.session] >= 0)
    found: list[dict[int, list[str]]] = []
    for mask in (there & e.logged_in, there):
        session = e.session[mask]
        pairs = np.unique(np.stack([v.person[session], v.browser[session]]), axis=1)
        mine: dict[int, list[str]] = {}
        for person, browser in zip(pairs[0].tolist(), pairs[1].tolist(), strict=True):
            mine.setdefault(person, []).append(v.pseudo_ids[browser])
        found.append(mine)
    return found[0], found[1]
