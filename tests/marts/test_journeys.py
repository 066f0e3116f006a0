"""Journeys: hand-worked timelines, and random ones against brute force."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import duckdb
import pytest

from tests.support import journey_reference as brute
from tests.support.dbt_models import CompiledModels, fill, open_models
from tests.support.journey_reference import Contact, Registry

START = dt.datetime(2026, 1, 1)
HOUR, DAY = 3600, 86400
GAP = 14 * DAY
PATH_STEPS = 10
MODELS = (
    "int_journey__timeline", "fct_interactions", "int_journey__steps", "int_journey__visits", "int_journey__journeys",
    "fct_journeys", "mart_journey_paths", "mart_journey_transitions", "mart_journey_loops", "dim_touchpoints",
    "mart_journey_dead_ends", "mart_journey_map",
)  # fmt: skip
REGISTRY = Registry(
    stages={"home": 1, "search": 2, "product": 3, "cart": 4, "order": 4, "help": 6},
    intended=frozenset({
        ("home", "search"), ("home", "product"), ("search", "product"), ("product", "cart"), ("cart", "order"),
    }),
    goals=frozenset({"order"}),
)  # fmt: skip
STAGE_NAMES = {1: "awareness", 2: "interest", 3: "choice", 4: "purchase", 6: "support"}


@pytest.fixture(scope="module")
def db() -> Iterable[duckdb.DuckDBPyConnection]:
    """The build with a registry of six touchpoints."""
    connection = open_models()
    touchpoints = ", ".join(
        f"('{name}', '{STAGE_NAMES[stage]}', {name in REGISTRY.goals})"
        for name, stage in REGISTRY.stages.items()
    )
    connection.execute(
        "create or replace table warehouse.seeds.touchpoints as select "
        "t.* replace (v.id as touchpoint_id, v.stage as journey_stage, v.is_goal as is_journey_goal) "
        f"from (values {touchpoints}) as v(id, stage, is_goal) "
        "cross join (from warehouse.seeds.touchpoints limit 1) as t"
    )
    connection.execute("delete from warehouse.seeds.touchpoint_next_steps")
    connection.executemany(
        "insert into warehouse.seeds.touchpoint_next_steps values (?, ?)", sorted(REGISTRY.intended)
    )
    yield connection
    connection.close()


def instant(second: float) -> str:
    return (START + dt.timedelta(seconds=second)).isoformat(sep=" ")


def web_key(touch_key: str) -> str:
    """Key that a web touch has on the timeline."""
    return hashlib.md5(f"web_touch|{touch_key}".encode()).hexdigest()


def build(
    db: duckdb.DuckDBPyConnection, models: CompiledModels, contacts: Sequence[Contact], now: int
) -> None:
    """Build from contacts of people: those whose name begins with `v` are unknown visitors with web touches.

    Everybody gets an internal note at every instant too, which must change nothing.
    """
    known = [c for c in contacts if not c.person.startswith("v")]
    notes = [
        {"interaction_key": f"note {c.key}", "interaction_type": "message", "record_key": c.key,
         "direction": "internal", "interaction_at": instant(c.at), "customer_id": c.person,
         "channel": "email", "is_automated": False}
        for c in known
    ]  # fmt: skip
    fill(db, "int_journey__contacts", [
        {"interaction_key": c.key, "interaction_type": "ticket", "record_key": c.key, "direction": "inbound",
         "interaction_at": instant(c.at), "customer_id": c.person, "channel": "email", "is_automated": False}
        for c in known
    ] + notes)  # fmt: skip
    fill(db, "int_journey__contact_touchpoints", [
        {"interaction_key": c.key, "touchpoint_id": c.touchpoint} for c in known
    ] + [{"interaction_key": n["interaction_key"], "touchpoint_id": "unmapped"} for n in notes])  # fmt: skip
    fill(db, "int_web__touches", [
        {"touch_key": c.key, "session_key": c.key, "person_id": c.person, "touchpoint_id": c.touchpoint,
         "first_event_at": instant(c.at), "last_event_at": instant(c.at)}
        for c in contacts if c.person.startswith("v")
    ])  # fmt: skip
    fill(db, "int_journey__horizon", [{"observed_until_at": instant(now)}])
    for empty in ("fct_orders", "int_journey__order_refs", "mart_cx_metrics"):
        fill(db, empty, [])
    models.build(db, *MODELS)


def rows(db: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return db.execute(sql).fetchall()


def timeline(person: str, text: str) -> list[Contact]:
    """Contacts of a line like 'home@0 product@2.5', in days."""
    return [
        Contact(round(float(day) * DAY), f"{person}{i}", person, touchpoint)
        for i, (touchpoint, day) in enumerate(part.split("@") for part in text.split())
    ]


class TestHandWorked:
    """Few people whose ways can be followed by eye. Data reach to day 100."""

    PEOPLE = {  # noqa: RUF012
        # Looks, buys after 14 days to the second; a second later would be another journey. Goal.
        "ann": "home@0 product@1 product@2 cart@2.5 order@16.5 help@20",
        # The silence is a second longer than 14 days: a dead end at the cart, and an order of its own.
        "bob": "product@0 cart@1 order@15.00001158",
        # Home, search, home: a loop; then stops at the product. Dead end.
        "cem": "home@0 search@1 home@3 product@4",
        # Asks only: no next contact is intended, so it rests.
        "dan": "help@0 help@1",
        # Last contact on day 86: could go on until day 100, which the data just reach. Open.
        "eva": "home@80 product@86",
        # The same a second earlier: closed, dead end.
        "fay": "home@80 product@85.99998",
        # An order earlier in the journey: not a dead end, though it stops at the product.
        "gil": "order@0 product@1",
        "vic": "home@0 unmapped@1",
    }

    @pytest.fixture(scope="class")
    def built(self, db: duckdb.DuckDBPyConnection, models: CompiledModels) -> duckdb.DuckDBPyConnection:
        build(db, models, [c for who, text in self.PEOPLE.items() for c in timeline(who, text)], 100 * DAY)
        return db

    def test_paths_and_outcomes(self, built: duckdb.DuckDBPyConnection) -> None:
        assert rows(
            built, "select person_id, path, outcome, contact_count from cx.marts.fct_journeys order by 1, started_at"
        ) == [
            ("ann", "home > product > cart > order > help", "goal", 6),
            ("bob", "product > cart", "dead_end", 2),
            ("bob", "order", "goal", 1),
            ("cem", "home > search > home > product", "dead_end", 4),
            ("dan", "help", "rest", 2),
            ("eva", "home > product", "open", 2),
            ("fay", "home > product", "dead_end", 2),
            ("gil", "order > product", "goal", 2),
            ("vic", "home > unmapped", "unmapped", 2),
        ]  # fmt: skip

    def test_the_map_of_the_product(self, built: duckdb.DuckDBPyConnection) -> None:
        """Met by ann, bob, cem, fay, gil, and by eva who may go on. cem and fay stop there: 2 of 5. ann and bob
        go to the cart, after 1.5 days and 1 day: intended, and a later stage."""
        assert rows(
            built,
            "select interaction_count, person_count, journey_count, open_journey_count, dead_end_count, drop_off_rate, "
            "intended_next_count, intended_next_rate, intended_next_seconds_median, next_stage_count, "
            "next_stage_seconds_median from cx.marts.mart_journey_map "
            "where touchpoint_id = 'product' and period_type = 'all'",
        ) == [(7, 6, 5, 1, 2, 0.4, 2, 0.4, 1.25 * DAY, 2, 1.25 * DAY)]

    def test_a_touchpoint_without_contacts_has_a_row_without_rates(
        self, built: duckdb.DuckDBPyConnection
    ) -> None:
        found = rows(
            built,
            "select touchpoint_id, interaction_count, journey_count, drop_off_rate, intended_next_count, "
            "intended_next_rate, sentiment_mean, cost_amount from cx.marts.mart_journey_map "
            "where touchpoint_id in ('help', 'search') "
            "and period_type = 'all' order by 1",
        )
        # No next contact is intended after help: no rate, not a rate of 0.
        assert found == [
            ("help", 3, 2, None, None, None, None, None),
            ("search", 1, 1, 0, 1, 1.0, None, None),
        ]

    def test_dead_ends_by_audience(self, built: duckdb.DuckDBPyConnection) -> None:
        assert rows(
            built,
            "select audience, touchpoint_id, journey_count, ended_count, dead_end_count, open_count, dead_end_share "
            "from cx.marts.mart_journey_dead_ends where dead_end_count > 0 or open_count > 0 order by 1, 2",
        ) == [
            ("customers", "cart", 2, 1, 1, 0, pytest.approx(1 / 3)),
            ("customers", "product", 5, 3, 2, 1, pytest.approx(2 / 3)),
        ]

    def test_the_loop_and_how_long_it_took(self, built: duckdb.DuckDBPyConnection) -> None:
        assert rows(
            built,
            "select touchpoint_id, via_touchpoint_id, loop_count, journey_count, transition_journey_count, loop_rate, "
            "dead_end_journey_count, median_loop_seconds from cx.marts.mart_journey_loops",
        ) == [("home", "search", 1, 1, 1, 1.0, 1, 3 * DAY)]

    def test_neighbours_on_the_timeline(self, built: duckdb.DuckDBPyConnection) -> None:
        assert rows(
            built,
            "select previous_touchpoint_id, touchpoint_id, next_touchpoint_id, seconds_since_previous / 86400, "
            "seconds_to_next / 86400 from cx.marts.fct_interactions "
            "where person_id = 'cem' and direction = 'inbound' order by interaction_at",
        ) == [
            (None, "home", "search", None, 1),
            ("home", "search", "home", 1, 2),
            ("search", "home", "product", 2, 1),
            ("home", "product", None, 1, None),
        ]


def test_nothing_gives_an_empty_map(db: duckdb.DuckDBPyConnection, models: CompiledModels) -> None:
    build(db, models, [], 0)
    assert rows(db, "select count(*) from cx.marts.fct_journeys") == [(0,)]
    assert rows(db, "select count(*), sum(interaction_count) from cx.marts.mart_journey_map") == [
        (len(REGISTRY.stages) + 1, 0)
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_timelines_equal_brute_force(
    db: duckdb.DuckDBPyConnection, models: CompiledModels, seed: int
) -> None:
    """400 people with up to 40 contacts on a grid of half days: instants coincide, silences hit 14 days exactly."""
    draw = random.Random(seed)
    contacts: list[Contact] = []
    for number in range(400):
        person = f"{draw.choice('cv')}{number}"
        at = draw.randrange(100) * DAY
        for i in range(draw.randrange(1, 40)):
            at += draw.choice([0, 1, 1, 2, 4, 28, 28, 29]) * DAY // 2 if draw.random() < 0.4 else 0
            touchpoint = draw.choice([*REGISTRY.stages, "home", "search", "unmapped"])
            contacts.append(Contact(at, f"{person}-{draw.randrange(10**6)}-{i}", person, touchpoint))
    now = draw.randrange(150, 250) * DAY
    build(db, models, draw.sample(contacts, len(contacts)), now)

    # A web touch is ordered by the key it has on the timeline.
    expected = brute.journeys(
        [Contact(c.at, web_key(c.key), c.person, c.touchpoint) if c.person[0] == "v" else c for c in contacts], GAP
    )  # fmt: skip
    assert len(expected) > 700
    ends = [brute.outcome(j, REGISTRY, GAP, now) for j in expected]
    assert set(ends) == {"open", "goal", "dead_end", "rest", "unmapped"}
    who = ["visitors" if j[0][0].person[0] == "v" else "customers" for j in expected]

    found = rows(
        db, "select person_id, cast(epoch(started_at - timestamp '2026-01-01') as bigint), path, outcome, step_count, "
        "loop_count, audience from cx.marts.fct_journeys"
    )  # fmt: skip
    assert Counter(found) == Counter(
        (j[0][0].person, j[0][0].at, brute.path(j, PATH_STEPS), end, len(j),
         sum(brute.loops(j).values()), audience)
        for j, end, audience in zip(expected, ends, who, strict=True)
    )  # fmt: skip
    assert len({key for (key,) in rows(db, "select journey_key from cx.marts.fct_journeys")}) == len(expected)

    moves: Counter[tuple[str, str, str]] = Counter()
    journeys_with: Counter[tuple[str, str, str]] = Counter()
    waits: dict[tuple[str, str, str], list[int]] = {}
    loops: Counter[tuple[str, str, str]] = Counter()
    for j, end, audience in zip(expected, ends, who, strict=True):
        for pair, count in brute.transitions(j, end == "open").items():
            moves[audience, *pair] += count
            journeys_with[audience, *pair] += 1
        for pair, seconds in brute.waits(j).items():
            waits.setdefault((audience, *pair), []).extend(seconds)
        for pair, count in brute.loops(j).items():
            loops[audience, *pair] += count
    assert {
        row[:3]: row[3:]
        for row in rows(
            db, "select audience, from_touchpoint_id, to_touchpoint_id, transition_count, journey_count, "
            "median_seconds from cx.marts.mart_journey_transitions"
        )
    } == {
        pair: (count, journeys_with[pair], statistics.median(waits[pair]) if pair in waits else None)
        for pair, count in moves.items()
    }  # fmt: skip
    assert {
        row[:3]: row[3] for row in
        rows(db, "select audience, touchpoint_id, via_touchpoint_id, loop_count from cx.marts.mart_journey_loops")
    } == loops  # fmt: skip

    assert _paths(db) == _expected_paths(expected, ends, who)
    _compare_map(db, expected, ends)


def _paths(db: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return rows(
        db,
        "select audience, path, path_count, journey_count, open_count, goal_count, dead_end_count "
        "from cx.marts.mart_journey_paths order by audience, path_rank nulls last",
    )


def _expected_paths(
    journeys: Sequence[brute.Journey], ends: Sequence[str], who: Sequence[str], limit: int = 100
) -> list[tuple[Any, ...]]:
    """The same rows: the most frequent paths, ties by text, and the rest in one row."""
    expected: list[tuple[Any, ...]] = []
    for audience in ("customers", "visitors"):
        by_path: dict[str, Counter[str]] = {}
        for j, end, group in zip(journeys, ends, who, strict=True):
            if group == audience:
                by_path.setdefault(brute.path(j, PATH_STEPS), Counter())[end] += 1
        ranked = sorted(by_path.items(), key=lambda item: (-item[1].total(), item[0]))
        rest: Counter[str] = sum((ends for _, ends in ranked[limit:]), Counter())
        for text, count, found in [
            *((text, 1, found) for text, found in ranked[:limit]),
            ("(other paths)", len(ranked) - limit, rest),
        ]:
            expected.append(
                (audience, text, count, found.total(), found["open"], found["goal"], found["dead_end"])
            )
    return expected


def _compare_map(
    db: duckdb.DuckDBPyConnection, journeys: Sequence[brute.Journey], ends: Sequence[str]
) -> None:
    """Visits by touchpoint and by touchpoint and month (Warsaw is an hour ahead of UTC, two in summer)."""
    for period in ("all", "month"):
        expected: dict[tuple[str, str], list[Any]] = {}
        for j, end in zip(journeys, ends, strict=True):
            for name, (first, count, later, meant) in brute.visits(j, REGISTRY).items():
                at = START + dt.timedelta(seconds=first)
                local = at + dt.timedelta(hours=2 if at >= dt.datetime(2026, 3, 29, 1) else 1)
                row = expected.setdefault(
                    (name, local.strftime("%Y-%m") if period == "month" else ""), [0, 0, 0, 0, 0, 0, []]
                )
                row[0] += end == "open"
                if end != "open":
                    row[1] += 1
                    row[2] += end == "dead_end" and brute.names(j)[-1] == name
                    row[3] += count > 1
                    row[4] += meant is not None
                    row[5] += later is not None
                    row[6] += [later - first] if later is not None else []
        found = {
            (name, month or ""): list(row)
            for name, month, *row in rows(
                db, "select touchpoint_id, strftime(period_start, '%Y-%m'), open_journey_count, journey_count, "
                "dead_end_count, return_count, coalesce(intended_next_count, 0), next_stage_count, "
                "next_stage_seconds_median from cx.marts.mart_journey_map "
                f"where period_type = '{period}' and journey_count + open_journey_count > 0"
            )
        }  # fmt: skip
        assert found == {
            key: [*row[:6], statistics.median(row[6]) if row[6] else None] for key, row in expected.items()
        }
