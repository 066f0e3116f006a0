"""Spelling of e-mail addresses, phone numbers and cards: one person, one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.core.identifiers import (
    normalise_email,
    normalise_loyalty_card,
    normalise_phone,
    refused_email,
)


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        (" Ana.Nowak@Example.COM ", "ana.nowak@example.com"),
        ("Ana Nowak <ANA@x.pl>", "ana@x.pl"),
        ("mailto:ana@x.pl", "ana@x.pl"),
        ("ana+shop@x.pl", "ana+shop@x.pl"),
        ("ａｎａ@x.pl", "ana@x.pl"),
        ("ana@żółw.pl", "ana@xn--w-uga1v8h.pl"),
        ("ana@x.pl.", "ana@x.pl"),
        ("ana@localhost", None),
        ("ana at x.pl", None),
        ("a b@x.pl", None),
        ("n/a", None),
        ("", None),
        (None, None),
    ],
)
def test_email(typed: str | None, normal: str | None) -> None:
    assert normalise_email(typed) == normal


@given(st.emails())
def test_a_normalised_email_stays_as_it_is(address: str) -> None:
    normal = normalise_email(address)
    assert normal is None or normalise_email(normal) == normal


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("info@x.pl", "role"),
        ("no-reply+x@x.pl", "role"),
        ("x@mailinator.com", "placeholder"),
        ("ana@x.pl", None),
    ],
)
def test_refused_addresses(address: str, reason: str | None) -> None:
    assert refused_email(address) == reason


@pytest.mark.parametrize(
    ("typed", "region", "normal"),
    [
        ("+48 601 234 567", None, "+48601234567"),
        ("601 234 567", "PL", "+48601234567"),
        ("0048-501000059", None, "+48501000059"),
        ("0048-501000059", "PL", "+48501000059"),
        ("(0)601/234567", "DE", None),
        ("+48601234567 ext. 9", "PL", "+48601234567"),
        ("601 234 567", None, None),
        ("+48 12", "PL", None),
        ("anonymous", "PL", None),
        ("", "PL", None),
    ],
)
def test_phone(typed: str, region: str | None, normal: str | None) -> None:
    assert normalise_phone(typed, region) == normal


def test_loyalty_card() -> None:
    assert normalise_loyalty_card(" lc-000 4711 ") == "LC0004711"
    assert normalise_loyalty_card("0004711") == "4711"
    assert normalise_loyalty_card("000") is None
