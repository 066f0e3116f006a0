"""One spelling per person: e-mail addresses and phone numbers in the form that joins across systems."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

ROLE_NAMES = frozenset(
    (
        "abuse",
        "accounting",
        "accounts",
        "admin",
        "administrator",
        "billing",
        "bookings",
        "careers",
        "contact",
        "customerservice",
        "donotreply",
        "enquiries",
        "finance",
        "hello",
        "help",
        "helpdesk",
        "hr",
        "info",
        "invoices",
        "it",
        "jobs",
        "mail",
        "mailer-daemon",
        "marketing",
        "no-reply",
        "noreply",
        "nobody",
        "office",
        "orders",
        "postmaster",
        "press",
        "privacy",
        "reception",
        "returns",
        "root",
        "sales",
        "security",
        "service",
        "shop",
        "spam",
        "support",
        "team",
        "test",
        "unsubscribe",
        "webmaster",
    )
)
"""Local parts that name a role, not a person; an address shared by many joins strangers."""

PLACEHOLDER_DOMAINS = frozenset(
    ("example.invalid", "invalid", "localhost", "noemail.com", "none.com", "test.com", "mailinator.com")
)
"""Domains typed in to get past a mandatory field, or thrown away after one use."""

_ADDRESS = re.compile(r"^[^\s@<>()\[\],;:\"\\]{1,64}@([^\s@.<>]{1,63}\.)+[^\s@.<>\d][^\s@.<>]{1,62}$")
_ANGLE = re.compile(r"<([^<>]+)>\s*$")
_ANONYMOUS_NUMBERS = frozenset(("anonymous", "private", "unknown", "restricted", "withheld", "unavailable"))


@lru_cache(maxsize=100_000)
def normalise_email(value: str | None) -> str | None:
    """Trimmed, NFKC, lower-case address with a punycode domain; None when it is no address.

    Dots and `+tag` in the local part stay: which providers ignore them is not known for all.

    Args:
        value: address as typed; `Name <address>` and `mailto:` are understood.
    """
    if not value:
        return None
    text = unicodedata.normalize("NFKC", value).strip().strip("'\"").removeprefix("mailto:")
    if match := _ANGLE.search(text):
        text = match[1]
    text = text.strip().rstrip(".").lower()
    if not _ADDRESS.match(text):
        return None
    local, _, domain = text.rpartition("@")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    return f"{local}@{domain}"


def refused_email(value: str | None) -> str | None:
    """Why a normalised address must not join records: `role`, `placeholder`, or None when it may."""
    if not value:
        return None
    local, _, domain = value.partition("@")
    if local.partition("+")[0] in ROLE_NAMES:
        return "role"
    return "placeholder" if domain in PLACEHOLDER_DOMAINS else None


@lru_cache(maxsize=100_000)
def normalise_phone(value: str | None, region: str | None = None) -> str | None:
    """E.164 form of a phone number, extension dropped; None when it is no valid number.

    Args:
        value: number as typed.
        region: ISO 3166 country of numbers without an international prefix; None = such numbers are refused.
    """
    if not value or value.strip().lower() in _ANONYMOUS_NUMBERS:
        return None
    import phonenumbers

    text = value.strip()
    # 00 opens an international number in most of the world, and in no country a national one
    for form in (text, f"+{text[2:]}") if text.startswith("00") else (text,):
        try:
            number = phonenumbers.parse(form, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            break
    else:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normalise_loyalty_card(value: str | None) -> str | None:
    """Card number in upper case without spaces, hyphens and leading zeros; None when nothing is left."""
    if not value:
        return None
    return re.sub(r"[\s-]", "", value).upper().lstrip("0") or None
