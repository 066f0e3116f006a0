"""Channel groups: Google's list of sources, its documented rules written out again, and what goes beyond them."""

from __future__ import annotations

import csv
import itertools
import re

import duckdb
import pytest

from tests.support.dbt_models import DBT_PROJECT, CompiledModels, fill, load_seeds
from tests.support.reference_data import read_rows, require_reference_data

PAID = re.compile(r"^(.*cp.*|ppc|retargeting|paid.*)$")
SHOP = re.compile(r"^(.*(([^a-df-z]|^)shop|shopping).*)$")
MAIL = ("email", "e-mail", "e_mail", "e mail")
SOCIAL = ("social", "social-network", "social-media", "sm", "social network", "social media")


def seed(name: str) -> list[dict[str, str]]:
    with (DBT_PROJECT / "seeds" / "web" / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def google(source: str, medium: str, campaign: str, category: str | None) -> str:
    """Group by the table of Google Analytics help, "Default channel group", of manual traffic."""
    paid, shop = PAID.match(medium) is not None, SHOP.match(campaign) is not None
    rules = (
        ("Direct", source == "(direct)" and medium in ("(not set)", "(none)")),
        ("Cross-network", "cross-network" in campaign),
        ("Paid Shopping", (category == "shopping" or shop) and paid),
        ("Paid Search", category == "search" and paid),
        ("Paid Social", category == "social" and paid),
        ("Paid Video", category == "video" and paid),
        ("Display", medium in ("display", "banner", "expandable", "interstitial", "cpm")),
        ("Paid Other", paid),
        ("Organic Shopping", category == "shopping" or shop),
        ("Organic Social", category == "social" or medium in SOCIAL),
        ("Organic Video", category == "video" or "video" in medium),
        ("Organic Search", category == "search" or medium == "organic"),
        ("Referral", medium in ("referral", "app", "link")),
        ("Email", source in MAIL or medium in MAIL),
        ("Affiliates", medium == "affiliate"),
        ("Audio", medium == "audio"),
        ("SMS", "sms" in (source, medium)),
        ("Mobile Push", medium.endswith("push") or "mobile" in medium or "notification" in medium
         or source == "firebase"),
    )  # fmt: skip
    return next((group for group, fits in rules if fits), "Unassigned")


def grouped(
    db: duckdb.DuckDBPyConnection, models: CompiledModels, traffic: list[tuple[str, str, str]]
) -> dict[tuple[str, str, str], str]:
    """Channel group that the model gives each (source, medium, campaign)."""
    fill(db, "int_web__sessions", [
        {"session_key": str(i), "source": source, "medium": medium, "campaign": campaign}
        for i, (source, medium, campaign) in enumerate(traffic)
    ])  # fmt: skip
    models.build(db, "int_web__channel_groups")
    rows = db.execute(
        "select source, medium, campaign, channel_group from warehouse.intermediate.int_web__channel_groups"
    ).fetchall()
    return {(source, medium, campaign): group for source, medium, campaign, group in rows}


def fill_categories(db: duckdb.DuckDBPyConnection, categories: dict[str, str]) -> None:
    """Put these sources in the place of the seed's."""
    db.execute("delete from warehouse.seeds.web_source_categories")
    db.executemany(
        "insert into warehouse.seeds.web_source_categories values (?, ?)", list(categories.items())
    )


def google_categories() -> dict[str, str]:
    path = require_reference_data("peers", "ga4_channel_grouping", "ga4_source_categories.csv")
    return {
        row["source"].lower(): row["source_category"].removeprefix("SOURCE_CATEGORY_").lower()
        for row in read_rows(path)
    }


def test_a_source_of_the_seed_has_googles_category_where_google_lists_it() -> None:
    own = {row["source"]: row["source_category"] for row in seed("web_source_categories")}
    shared = own.keys() & google_categories().keys()
    assert len(shared) > 60
    assert {s: own[s] for s in shared} == {s: google_categories()[s] for s in shared}


@pytest.mark.parametrize(("medium", "prefix"), [("cpc", "Paid"), ("referral", "Organic")])
def test_with_googles_list_each_source_gets_the_group_of_its_category(
    db: duckdb.DuckDBPyConnection, models: CompiledModels, medium: str, prefix: str
) -> None:
    categories = google_categories()
    assert len(categories) == 819
    fill_categories(db, categories)
    found = grouped(db, models, [(source, medium, "") for source in categories])
    load_seeds(db)
    expected = {
        (source, medium, ""): f"{prefix} {category.title()}" for source, category in categories.items()
    }
    assert {key: found[key] for key in expected} == expected


def test_all_mixtures_follow_googles_table(db: duckdb.DuckDBPyConnection, models: CompiledModels) -> None:
    """6,912 mixtures; where Google leaves one Unassigned a rule from 900 on may name it, and only there."""
    sources = (
        "(direct)", "(not set)", "google", "tiktok", "youtube.com", "amazon.com", "some.blog", "email", "sms",
        "firebase", "crm", "smsx",
    )  # fmt: skip
    mediums = (
        "(none)", "(not set)", "organic", "organics", "cpc", "xcpcx", "ppc", "retargeting", "paid", "paid_social",
        "unpaid", "display", "cpm", "banner", "social", "sm", "social media", "video", "instream-video-2", "referral",
        "app", "link", "email", "e mail", "affiliate", "audio", "sms", "web-push", "push-web", "mobile",
        "notifications", "x",
    )  # fmt: skip
    campaigns = (
        "", "brand", "eu-cross-network-3", "shop", "eshop", "workshop", "workshopping", "summer-shop", "bishop",
        "shopping", "myshopping", "cross network", "shop2", "cheshopper", "2shop", "tshop", "e shop", "pushop",
    )  # fmt: skip
    traffic = list(itertools.product(sources, mediums, campaigns))
    assert len(traffic) == 6912
    categories = {"google": "search", "tiktok": "social", "youtube.com": "video", "amazon.com": "shopping"}
    expected = {key: google(*key, categories.get(key[0])) for key in traffic}
    assert len(set(expected.values())) == 19
    found = grouped(db, models, traffic)
    assert {key: (found[key], group) for key, group in expected.items() if found[key] != group} == {}


def test_what_google_leaves_unassigned_may_be_named_here(
    db: duckdb.DuckDBPyConnection, models: CompiledModels
) -> None:
    named = {
        ("direct", "(none)", ""): "Direct",
        ("(direct)", "direct", ""): "Direct",
        ("ads.test", "sem", ""): "Paid Search",
        ("crm", "newsletter", ""): "Email",
        ("newsletter", "(none)", ""): "Email",
        ("partner", "affiliates", ""): "Affiliates",
    }
    assert {google(*key, None) for key in named} == {"Unassigned"}
    found = grouped(db, models, list(named))
    assert {key: found[key] for key in named} == named
