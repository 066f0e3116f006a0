"""Under which identifiers each system knows each person, and which of its records it has merged."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingestion.demo.company import people as cast
from ingestion.demo.company.clock import DAY, Clock
from ingestion.demo.company.draw import Stream
from ingestion.demo.company.orders import Order
from ingestion.demo.company.people import People
from ingestion.demo.company.plan import Plan
from ingestion.demo.company.support import Ticket


@dataclass
class Merge:
    """A HubSpot contact that was merged into the person's main one; ``in_vids``: also in the second merge list."""

    contact_id: str
    email: str | None
    created_at: int
    merged_at: int
    in_vids: bool


@dataclass
class Identities:
    """Source ids per person.

    ``guest`` is the shop's customer record of a guest by e-mail: (id, person, created at). ``zendesk_mail`` is the
    address the desk knows, ``zendesk_external`` its user id or None.
    """

    contact: dict[int, str] = field(default_factory=dict)
    contact_mail: dict[int, str | None] = field(default_factory=dict)
    contact_card: dict[int, str | None] = field(default_factory=dict)
    merges: dict[int, list[Merge]] = field(default_factory=dict)
    shop_customer: dict[int, str] = field(default_factory=dict)
    guest: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    zendesk: dict[int, int] = field(default_factory=dict)
    zendesk_mail: dict[int, str] = field(default_factory=dict)
    zendesk_external: dict[int, str | None] = field(default_factory=dict)


def make_identities(
    plan: Plan, clock: Clock, people: People, orders: list[Order], tickets: list[Ticket]
) -> Identities:
    """Give every person the records that the CRM, the shop and the desk keep of them."""
    s = Stream(plan.seed, "identities")
    found = Identities()
    knows_card, external = s.chance(600_000, people.n), s.chance(620_000, people.n)
    second_at_desk = s.chance(500_000, people.n)
    writers = {ticket.requester for ticket in tickets}
    for i in range(people.n):
        if people.has_account[i] or people.card[i]:
            found.shop_customer[i] = f"C{300_000 + i}"
        if people.in_crm[i]:
            found.contact[i] = str(20_000_017 + 31 * i)
            unshared = i not in (cast.FAMILY_MAIL[1], *cast.ROLE_MAIL[1:])
            found.contact_mail[i] = people.email[i] if unshared else None
            found.contact_card[i] = people.card[i] if knows_card[i] else None
            found.merges[i] = _merges(s, clock, people, i)
        if i in writers:
            found.zendesk[i] = 1_900_000_000_017 + 13 * i
            second = people.email2[i]
            known = bool(people.in_crm[i])
            planted = i in (cast.MERGED_TWICE, cast.MERGED_ONCE, cast.TWO_MAILS)
            use_second = second is not None and known and (planted or bool(second_at_desk[i]))
            found.zendesk_mail[i] = second if use_second and second else people.email[i]
            says_user = people.has_account[i] and external[i] and not planted
            found.zendesk_external[i] = people.user_id[i] if says_user else None
    for order in orders:
        if order.email is not None and order.as_guest:
            guest = (f"G{800_001 + len(found.guest)}", order.person, order.created_at)
            found.guest.setdefault(order.email, guest)
    keeper = cast.FAMILY_MAIL[0]
    found.zendesk_external[keeper] = people.user_id[keeper]
    first = cast.ROLE_MAIL[0]
    for i in cast.ROLE_MAIL:  # one desk user behind the shared address, whoever writes
        if i in found.zendesk:
            found.zendesk[i] = 1_900_000_000_017 + 13 * first
            found.zendesk_external[i] = None
    return found


def _merges(s: Stream, clock: Clock, people: People, i: int) -> list[Merge]:
    many = {cast.MERGED_TWICE: 2, cast.MERGED_ONCE: 1}.get(i, 1 if i >= cast.PLANTED and i % 173 == 21 else 0)
    return [
        Merge(
            contact_id=str(90_000_011 + 71 * i + k),
            email=people.email2[i] if k == 0 else None,
            created_at=clock.opens - (20 + k) * DAY + i,
            merged_at=clock.opens
            + s.one(len(clock.days) // 5, len(clock.days) * 3 // 5) * DAY
            + s.one(0, DAY - 1),
            in_vids=k == 0,
        )
        for k in range(many)
    ]
