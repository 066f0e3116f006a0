"""Who the customers are: one row per person, with every identifier a system may know them by.

The first persons play planted parts (see ``ROLES``); the rest are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ingestion.demo.company import vocabulary as words
from ingestion.demo.company.clock import DAY, Clock
from ingestion.demo.company.draw import BoolArray, IntArray, Stream

COOKIE_DELETER = 0
SHARED_DEVICE = (1, 2)
FAMILY_MAIL = (3, 4)
MERGED_TWICE = 5
MERGED_ONCE = 6
ROLE_MAIL = (7, 8, 9)
TWO_MAILS = 10
ROLES: dict[str, tuple[int, ...]] = {
    "cookie_deleter": (COOKIE_DELETER,),
    "shared_device": SHARED_DEVICE,
    "family_mail": FAMILY_MAIL,
    "merged_twice": (MERGED_TWICE,),
    "merged_once": (MERGED_ONCE,),
    "role_mail": ROLE_MAIL,
    "two_mails": (TWO_MAILS,),
}
PLANTED = 11
ROLE_ADDRESS = "info@hurtownia-lipka.test"
FAMILY_ADDRESS = "rodzina.mazur@poczta.test"


@dataclass
class People:
    """Columns of the persons, all of length ``n``; person i is row i everywhere.

    ``registered_at`` is the instant of the shop account (before the period for most); persons without an account buy
    as guests. ``mood`` shifts every score the person gives (-2 … 2). ``activity`` weighs visits and orders.
    """

    n: int
    first: list[str]
    last: list[str]
    country: list[str]
    city: list[str]
    language: list[str]
    email: list[str]
    email2: list[str | None]
    phone: list[str]
    user_id: list[str]
    card: list[str | None]
    birth_year: IntArray
    has_account: BoolArray
    in_crm: BoolArray
    uses_app: BoolArray
    visits_shops: BoolArray
    is_business: BoolArray
    registered_at: IntArray
    activity: IntArray
    mood: IntArray
    browses_on: list[IntArray] = field(default_factory=list)

    def key(self, i: int) -> str:
        """Name of a person in the truth file."""
        return f"p{i:06d}"


def _mail(first: str, last: str, number: int, domain: str) -> str:
    name = f"{first}.{last}".translate(words.ASCII).lower()
    return f"{name}{number}@{domain}"


def _phone(country: str, i: int) -> str:
    return f"{words.DIAL[country]}{words.MOBILE_BASE[country] + 7 * i}"


def make_people(n: int, seed: int, clock: Clock) -> People:
    """Draw the persons.

    Args:
        n: Number of persons.
        seed: Seed of the company.
        clock: Period; accounts are opened up to two years before its start or inside it.
    """
    s = Stream(seed, "people")
    country_no = s.pick(words.COUNTRY_WEIGHTS, n)
    pole_writes_english = s.chance(40_000, n)
    first_no, last_no, city_no = s.below(1 << 30, n), s.below(1 << 30, n), s.below(1 << 30, n)
    domain_no = s.pick(words.MAIL_WEIGHTS, n)
    second_mail = s.chance(12_000, n)
    has_card = s.chance(520_000, n)
    has_account = s.chance(830_000, n)
    joins_later = s.chance(300_000, n)
    before = clock.opens - DAY - s.below(700 * DAY, n)
    during = clock.moments(s, n, (1,) * 24)
    people = People(
        n=n, first=[], last=[], country=[], city=[], language=[], email=[], email2=[], phone=[], user_id=[], card=[],
        birth_year=s.between(1948, 2006, n),
        has_account=has_account,
        in_crm=s.chance(880_000, n),
        uses_app=s.chance(130_000, n),
        visits_shops=s.chance(430_000, n) | has_card,
        is_business=s.chance(15_000, n),
        registered_at=np.where(joins_later, during, before),
        activity=s.curve((1, 1, 2, 3, 4, 6, 9, 16, 40), n),
        mood=s.pick((8, 18, 40, 24, 10), n) - 2,
    )  # fmt: skip
    for i in range(n):
        country = words.COUNTRIES[country_no[i]]
        language = {"PL": "pl", "DE": "de", "AT": "de"}.get(country, "en")
        names = language
        if language == "pl" and pole_writes_english[i]:
            language = "en"
        first = words.FIRST_NAMES[names][first_no[i] % len(words.FIRST_NAMES[names])]
        last = words.LAST_NAMES[names][last_no[i] % len(words.LAST_NAMES[names])]
        people.first.append(first)
        people.last.append(last)
        people.country.append(country)
        people.city.append(words.CITIES[country][city_no[i] % len(words.CITIES[country])])
        people.language.append(language)
        people.email.append(_mail(first, last, i, words.MAIL_DOMAINS[domain_no[i]]))
        people.email2.append(
            _mail(first[0], last, i, words.MAIL_DOMAINS[(domain_no[i] + 1) % 4])
            if second_mail[i] and people.in_crm[i] and not leaves_crm(i)
            else None
        )
        people.phone.append(_phone(country, i))
        people.user_id.append(f"u-{i + 1:06d}")
        people.card.append(f"LC{4_000_000 + 13 * i}" if has_card[i] else None)
    _cast_roles(people, clock)
    return people


def _cast_roles(people: People, clock: Clock) -> None:
    """Give the planted persons what their part needs: an account, a card, a place in the CRM, plenty of visits."""
    for i in range(PLANTED):
        people.has_account[i] = people.in_crm[i] = True
        people.uses_app[i] = False
        people.is_business[i] = False
        people.registered_at[i] = clock.opens - (40 + i) * DAY
        people.activity[i] = 40
        people.email2[i] = None
        people.card[i] = f"LC{4_000_000 + 13 * i}"
        people.visits_shops[i] = True
    for i in FAMILY_MAIL:
        people.email[i] = FAMILY_ADDRESS
        people.last[i] = "Mazur"
    for i in ROLE_MAIL:
        people.email[i] = ROLE_ADDRESS
        people.is_business[i] = True
    for i in (MERGED_TWICE, MERGED_ONCE, TWO_MAILS):
        people.email2[i] = _mail(people.first[i][0], people.last[i], i, "stara-poczta.test")


def leaves_crm(person: int) -> bool:
    """True for the few whose CRM contact gets archived; they have one address, since nothing else would link two."""
    return person >= PLANTED and person % 251 == 100


def say(phone: str, style: int) -> str:
    """A phone number the way people type it: styles 0 E.164, 1 with spaces, 2 with 00 and dashes."""
    if style == 1:
        return f"{phone[:3]} {phone[3:6]} {phone[6:9]} {phone[9:]}".strip()
    if style == 2:
        return f"00{phone[1:3]}-{phone[3:]}"
    return phone
