"""Attribution in increments: only persons whose sessions or conversions changed are worked through, none is lost."""

from __future__ import annotations

import copy
import datetime as dt
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.attribution_models import START
from tests.support.dbt_models import ParsedProject, dbt_vars, fill, open_build_file, parsed

CHAIN = tuple(f"int_attribution__{name}" for name in ("conversions", "scope", "steps", "paths"))
CHANNELS = ("Direct", "Email", "Organic Search", "Paid Search")
PERSONS = tuple(f"person{number}" for number in range(30))
# Lists that the models of web events keep between builds.
LISTS = {
    "conformed.cx_web_event__changed": "source_account varchar, device_id varchar",
    "intermediate.int_web__scope__reached": "kind varchar, reached_key varchar",
    "intermediate.int_web__scope__devices": "person_id varchar",
    "intermediate.int_web__scope__users": "person_id varchar",
}

Row = dict[str, Any]


@dataclass
class Given:
    """Sessions, purchases that the tracking saw and orders, by key."""

    sessions: dict[str, Row] = field(default_factory=dict)
    purchases: dict[str, Row] = field(default_factory=dict)
    orders: dict[str, Row] = field(default_factory=dict)

    def session(self, key: str, person: str, days: float, channel: str) -> None:
        self.sessions[key] = {
            "session_key": key, "person_id": person, "started_at": day(days), "channel_group": channel,
        }  # fmt: skip

    def order(self, key: str, person: str | None, days: float, amount: str = "10.00", **more: Any) -> None:
        self.orders[key] = {
            "order_key": key, "order_type": "order", "is_completed": True, "channel": "web", "customer_id": person,
            "ordered_at": day(days), "ordered_date": day(days).date(), "net_amount": amount, "currency": "EUR", **more,
        }  # fmt: skip

    def purchase(self, session: str, order: str) -> None:
        """The tracking saw the order in the session, an hour after its start."""
        self.orders[order]["web_transaction_id"] = order
        at = self.sessions[session]["started_at"] + dt.timedelta(hours=1)
        self.purchases[f"purchase-{order}"] = {
            "web_event_key": f"purchase-{order}", "event_name": "purchase", "session_key": session,
            "transaction_id": order, "event_at": at, "event_date_local": at.date(),
        }  # fmt: skip

    def persons_of_sessions(self) -> set[tuple[str, ...]]:
        """(person, all that web events say of one of the sessions)."""
        seen = {p["session_key"]: repr(p) for _, p in sorted(self.purchases.items())}
        return {(row["person_id"], repr(row), seen.get(key, "")) for key, row in self.sessions.items()}


def day(number: float) -> dt.datetime:
    """Day of the test period, to the microsecond."""
    return START + dt.timedelta(days=number)


def reached(before: Given, after: Given) -> set[str]:
    """Persons that changed web events reach: of a session that came, went or changed, before and after."""
    return {row[0] for row in before.persons_of_sessions() ^ after.persons_of_sessions()}


def fill_tables(home: Path, given: Given, persons: Iterable[str] = ()) -> None:
    """Put all rows into the build file, and the persons into the list of those reached."""
    home.mkdir(exist_ok=True)
    db = open_build_file(home)
    db.execute(f"attach '{home / 'cx.duckdb'}' as cx")
    db.execute("create schema if not exists cx.marts")
    fill(db, "int_web__events", given.purchases.values())
    fill(db, "fct_sessions", given.sessions.values())
    fill(db, "fct_orders", given.orders.values())
    for table, columns in LISTS.items():
        db.execute(f"create table if not exists warehouse.{table} ({columns})")
    names = sorted(persons)
    if names:
        db.executemany(
            "insert into warehouse.intermediate.int_web__scope__reached values ('person', ?)",
            [[n] for n in names],
        )
    db.close()


def build(
    project: ParsedProject, given: Given, persons: Iterable[str] = (), *options: str, home: Path | None = None
) -> dict[str, list[tuple[Any, ...]]]:
    """Build all models, as the last model does close the list of persons, and give the tables."""
    fill_tables(home or project.home, given, persons)
    project.run(" ".join(CHAIN), *options, home=home)
    db = open_build_file(home or project.home)
    for table in LISTS:
        db.execute(f"delete from warehouse.{table}")
    result = tables(db)
    db.close()
    return result


def tables(db: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: db.execute(f"select * from warehouse.intermediate.{name} order by all").fetchall()
        for name in CHAIN
    }


def persons_in_scope(project: ParsedProject) -> set[str]:
    db = open_build_file(project.home, read_only=True)
    found = db.execute("select person_id from warehouse.intermediate.int_attribution__scope").fetchall()
    db.close()
    return {person for (person,) in found}


def random_session(given: Given, draw: random.Random, key: str) -> None:
    given.session(key, draw.choice(PERSONS), round(draw.uniform(0, 120), 5), draw.choice(CHANNELS))


def random_order(given: Given, draw: random.Random, key: str) -> None:
    given.order(
        key, draw.choice([*PERSONS, None]), round(draw.uniform(0, 130), 5), f"{draw.randint(100, 99999) / 100:.2f}",
        channel=draw.choice(["web", "app", "web", "store"]), is_completed=draw.random() < 0.8,
    )  # fmt: skip
    if draw.random() < 0.5:
        given.purchase(draw.choice(sorted(given.sessions)), key)


def change_at_random(given: Given, draw: random.Random, number: int) -> None:
    """Sessions and orders that come, go, and say something else."""
    for i in range(3):
        session = draw.choice(
            sorted(given.sessions.keys() - {p["session_key"] for p in given.purchases.values()})
        )
        del given.sessions[session]
        random_session(given, draw, f"s{number}-{i}")
        random_session(given, draw, draw.choice(sorted(given.sessions)))
        order = draw.choice(sorted(given.orders))
        del given.orders[order]
        given.purchases.pop(f"purchase-{order}", None)
        random_order(given, draw, f"o{number}-{i}")
        changed = given.orders[draw.choice(sorted(given.orders))]
        changed.update(draw.choice([
            {"customer_id": draw.choice(PERSONS)}, {"net_amount": f"{draw.randint(1, 999)}.50"},
            {"is_completed": not changed["is_completed"]}, {"ordered_at": day(round(draw.uniform(0, 130), 5))},
        ]))  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ParsedProject:
    """The dbt project with a build file of its own."""
    return ParsedProject(tmp_path_factory.mktemp("attribution"), parsed(tmp_path_factory))


@pytest.fixture
def random_start() -> Given:
    """300 sessions and 60 orders of 30 persons."""
    given, draw = Given(), random.Random(20261201)
    for number in range(300):
        random_session(given, draw, f"s{number}")
    for number in range(60):
        random_order(given, draw, f"o{number}")
    return given


@pytest.fixture
def start(project: ParsedProject) -> Given:
    """Ann, Bob and Cid met Email and Direct; Ann ordered on day 3. Built once from scratch."""
    given = Given()
    for person in ("ann", "bob", "cid"):
        given.session(f"{person}-1", person, 1, "Email")
        given.session(f"{person}-2", person, 2, "Direct")
    given.order("order", "ann", 3)
    build(project, given, (), "--full-refresh")
    return given


def paths(found: dict[str, list[tuple[Any, ...]]]) -> set[tuple[str, str, str]]:
    """(person, path, amount or -) of each path."""
    return {(row[2], row[3], str(row[8] or "-")) for row in found["int_attribution__paths"]}


@pytest.mark.parametrize(("increments", "keeps_idle_visits"), [(3, True), (3, False)])
def test_increments_equal_a_build_from_scratch(
    project: ParsedProject, random_start: Given, tmp_path: Path, increments: int, keeps_idle_visits: bool
) -> None:
    settings = ("--vars", json.dumps(dbt_vars(attribution_keep_idle_visits_of_buyers=keeps_idle_visits)))
    given, draw = random_start, random.Random(7)
    build(project, given, (), "--full-refresh", *settings)
    for number in range(increments):
        before = copy.deepcopy(given)
        change_at_random(given, draw, number)
        persons = reached(before, given)
        assert 3 <= len(persons) < 20
        found = build(project, given, persons, *settings)
        if number in (2, 9):
            assert found == build(project, given, (), *settings, home=tmp_path / str(number))
    assert len(found["int_attribution__paths"]) > 50
    assert found["int_attribution__scope"] == []


def test_a_change_of_an_order_alone_is_not_lost(project: ParsedProject, start: Given) -> None:
    """It moves from Ann to Bob: her visits lead nowhere now. Then only its amount changes; then it goes."""
    waiting = {(p, "Email > Direct", "-") for p in ("ann", "bob", "cid")}
    start.order("order", "bob", 3)
    fill_tables(project.home, start)
    project.run("int_attribution__conversions int_attribution__scope")
    assert persons_in_scope(project) == {"ann", "bob"}
    found = build(project, start)
    assert paths(found) == waiting - {("bob", "Email > Direct", "-")} | {("bob", "Email > Direct", "10.0000")}
    start.order("order", "bob", 3, "12.50")
    found = build(project, start)
    assert paths(found) == waiting - {("bob", "Email > Direct", "-")} | {("bob", "Email > Direct", "12.5000")}
    del start.orders["order"]
    assert paths(build(project, start)) == waiting


def test_only_persons_that_changed_are_written_anew(
    project: ParsedProject, start: Given, tmp_path: Path
) -> None:
    """Negative control: who is left out of the list keeps the path of before, and the comparison sees it."""
    before = copy.deepcopy(start)
    for person in ("ann", "bob"):
        start.session(f"{person}-2", person, 2, "Video")
    assert reached(before, start) == {"ann", "bob"}
    found = build(project, start, {"ann"})
    assert paths(found) == {
        ("ann", "Email > Video", "10.0000"), ("bob", "Email > Direct", "-"), ("cid", "Email > Direct", "-"),
    }  # fmt: skip
    assert found != build(project, start, home=tmp_path / "scratch")
    assert build(project, start, {"bob"}) == build(project, start, home=tmp_path / "scratch")


def test_a_build_that_broke_off_loses_no_change(project: ParsedProject, start: Given, tmp_path: Path) -> None:
    """Steps are written with the order at Bob, paths are not; then the source takes the change back."""
    before = copy.deepcopy(start)
    start.order("order", "bob", 3)
    fill_tables(project.home, start)
    project.run(" ".join(CHAIN[:3]))
    assert persons_in_scope(project) == {"ann", "bob"}
    found = build(project, before)
    assert found == build(project, before, home=tmp_path / "scratch")


def test_without_a_list_of_what_changed_everything_is_worked_through_again(
    project: ParsedProject, start: Given, tmp_path: Path
) -> None:
    for change in (
        "drop table warehouse.intermediate.int_attribution__scope",
        "insert into warehouse.conformed.cx_web_event__changed values (null, null)",
    ):
        for person in ("ann", "bob"):
            start.session(f"{person}-2", person, 2, "SMS" if change.startswith("drop") else "Video")
        fill_tables(project.home, start)
        db = open_build_file(project.home)
        db.execute(change)
        db.close()
        assert build(project, start) == build(project, start, home=tmp_path / change[:4])
