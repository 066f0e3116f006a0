"""Funnels and carts after ten increments are those of a build from scratch, as long as all that changed is reached."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.dbt_models import ParsedProject, fill, open_build_file
from tests.support.funnel_rows import instant, put_events
from tests.support.web_funnels import APART, funnel, web_funnels

TABLES = ("cart_events", "carts", "walks", "entry_steps")
SELECT = " ".join(f"int_funnel__{name}" for name in TABLES)
NAMES = ("page_view", "search", "view_item", "add_to_cart", "begin_checkout", "purchase", "view_cart")
PEOPLE = 60
HOUR = 3600
DAYS = 5
# Helper tables without which dbt builds from scratch, with a column each.
HELPERS = (
    "conformed.cx_web_event__changed (source_account varchar, device_id varchar)",
    "intermediate.int_web__scope__reached (kind varchar, reached_key varchar)",
    "intermediate.int_web__scope__users (user_id varchar)",
    "intermediate.int_web__scope__devices (anonymous_id varchar)",
)


def funnels() -> list[dict[str, Any]]:
    """One funnel of each kind of walk, and one with contacts as its first and last step."""
    asked = funnel("asked", APART, 48, units=["person"])
    asked["steps"][0]["interaction_types"] = ["ticket"]
    asked["steps"][-1]["interaction_types"] = ["survey_response"]
    kinds = {"shared", "timed", "excluding", "carted"}
    return [*(f for f in web_funnels() if f["id"] in kinds), asked]


@dataclass
class Given:
    """Events and contacts by key, the last instant of the data, and what changed since the last build."""

    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    contacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    horizon: int = DAYS * 24 * HOUR
    reached: set[tuple[str, str]] = field(default_factory=set)
    made: int = 0

    def new_key(self) -> str:
        """A key whose order says nothing about that of the instants."""
        self.made += 1
        return f"{(self.made * 7919) % 1_000_003:07d}"

    def put(self, key: str, event: dict[str, Any] | None) -> None:
        """Add, replace or (None) remove an event; the sessions and persons before and after are reached."""
        for row in (self.events.pop(key, None), event):
            if row is not None:
                self.reached |= {("session", row["session"]), ("person", row["unit"])}
        if event is not None:
            self.events[key] = {**event, "key": key}

    def put_contact(self, key: str, contact: dict[str, Any] | None) -> None:
        """The same for a contact, which is in no session."""
        for row in (self.contacts.pop(key, None), contact):
            if row is not None:
                self.reached.add(("person", row["customer_id"]))
        if contact is not None:
            self.contacts[key] = {**contact, "interaction_key": key}

    def visit(self, draw: random.Random, person: str) -> None:
        """A session of some events, some at one instant."""
        session = f"{person}-{self.new_key()}"
        at = draw.randrange(self.horizon)
        for _ in range(draw.randint(1, 8)):
            name = draw.choice(NAMES)
            self.put(self.new_key(), {
                "unit": person, "session": session, "at": at, "name": name, "value": draw.randint(1, 90),
                "transaction": f"t{draw.randrange(40)}" if name == "purchase" else None,
            })  # fmt: skip
            at += draw.choice((0, 30, 300, 1500))

    def contact(self, draw: random.Random, person: str) -> None:
        """A ticket or a survey response of the person."""
        at = instant(draw.randrange(self.horizon))
        self.put_contact(self.new_key(), {
            "customer_id": person, "person_id": person, "interaction_at": at, "interaction_date": at[:10],
            "interaction_type": draw.choice(("ticket", "survey_response")),
        })  # fmt: skip


def random_given(draw: random.Random) -> Given:
    """People with up to five sessions and two contacts each."""
    given = Given()
    for number in range(PEOPLE):
        for _ in range(draw.randint(0, 5)):
            given.visit(draw, f"p{number}")
        for _ in range(draw.randint(0, 2)):
            given.contact(draw, f"p{number}")
    return given


def change_at_random(given: Given, draw: random.Random) -> None:
    """A day passes; events of a few people come, go, change, or turn out to be another person's; so do contacts."""
    given.reached.clear()
    given.horizon += 24 * HOUR
    for _ in range(2):
        given.visit(draw, f"p{draw.randrange(PEOPLE + 5)}")
        given.contact(draw, f"p{draw.randrange(PEOPLE + 5)}")
        given.put(draw.choice(sorted(given.events)), None)
        given.put_contact(draw.choice(sorted(given.contacts)), None)
        key = draw.choice(sorted(given.events))
        given.put(key, {**given.events[key], "name": draw.choice(NAMES)})
        key = draw.choice(sorted(given.events))
        given.put(key, {**given.events[key], "at": given.events[key]["at"] + draw.choice((-60, 60))})
    session = draw.choice(sorted(given.events.items()))[1]["session"]
    other = f"p{draw.randrange(PEOPLE)}"
    for key, event in list(given.events.items()):
        if event["session"] == session:
            given.put(key, {**event, "unit": other})


def fill_tables(home: Path, given: Given) -> None:
    """Put everything into the build file and the marts that the models read."""
    db = open_build_file(home)
    db.execute(f"attach '{home / 'cx.duckdb'}' as cx (storage_version 'v1.0.0')")
    db.execute("create schema if not exists cx.marts")
    put_events(db, list(given.events.values()), given.horizon)
    fill(db, "fct_interactions", given.contacts.values())
    for table in HELPERS:
        db.execute(f"create or replace table warehouse.{table}")
    db.executemany(
        "insert into warehouse.intermediate.int_web__scope__reached values (?, ?)", sorted(given.reached)
    )
    db.close()


def build(project: ParsedProject, given: Given, home: Path, *options: str) -> dict[str, Counter[Any]]:
    """Build the models in a home; gives the rows of each."""
    home.mkdir(exist_ok=True)
    fill_tables(home, given)
    project.run(SELECT, *options, home=home)
    db: duckdb.DuckDBPyConnection = open_build_file(home, read_only=True)
    db.execute(f"attach '{home / 'cx.duckdb'}' as cx (read_only)")
    rows = {
        name: Counter(db.execute(f"select * from warehouse.intermediate.int_funnel__{name}").fetchall())
        for name in TABLES
    }
    db.close()
    return rows


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ParsedProject:
    """The project parsed with the funnels above."""
    return ParsedProject(tmp_path_factory.mktemp("funnel_increments"), funnels=funnels())


def different(left: dict[str, Counter[Any]], right: dict[str, Counter[Any]]) -> set[str]:
    """Names of the tables that do not hold the same rows."""
    return {name for name in TABLES if left[name] != right[name]}


def test_ten_increments_equal_a_build_from_scratch(project: ParsedProject, tmp_path: Path) -> None:
    """Then a change that is not told is not seen: the increments before did not simply build everything."""
    draw = random.Random(20261201)
    given = random_given(draw)
    first = build(project, given, tmp_path / "built", "--full-refresh")
    assert {row[:3] for row in first["walks"]} >= {
        (f["id"], unit, mode) for f in funnels() for unit in f["units"] for mode in f["order_modes"]
    }
    for number in range(10):
        change_at_random(given, draw)
        found = build(project, given, tmp_path / "built")
        if number in (4, 9):
            expected = build(project, given, tmp_path / f"scratch{number}", "--full-refresh")
            assert different(found, expected) == set()
    assert different(first, found) == set(TABLES)

    given.reached.clear()
    person = "p7"
    given.visit(draw, person)
    cart = {"unit": person, "session": f"{person}-forgotten", "at": 50, "name": "add_to_cart"}
    given.put(given.new_key(), cart)
    told = set(given.reached)
    given.reached = {("session", key) for kind, key in told if kind == "session"}
    found = build(project, given, tmp_path / "built")
    expected = build(project, given, tmp_path / "scratch", "--full-refresh")
    assert different(found, expected) == set(TABLES)
    given.reached = told
    assert different(build(project, given, tmp_path / "built"), expected) == set()
