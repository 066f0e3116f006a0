"""Funnels: hand-worked cases, random streams against brute force, and the published counts of a real shop."""

from __future__ import annotations

import datetime as dt
import random
import statistics
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support import funnel_reference as brute
from tests.support.dbt_models import WEB_CHAIN, CompiledModels, fill, open_models
from tests.support.funnel_reference import Event
from tests.support.funnel_rows import START, as_rows, build, put_events, rows_of
from tests.support.reference_data import read_rows, require_reference_data
from tests.support.web_funnels import APART, EXCLUSIONS, FUNNELS, SHOP, WITHIN

NAMES = ["page_view", "search", "view_item", "add_to_cart", "begin_checkout", "purchase", "other"]


def entries_of(
    db: duckdb.DuckDBPyConnection, funnel_id: str, unit: str, mode: str = "ordered"
) -> dict[tuple[str, int], list[int]]:
    """(unit, entry second) -> seconds of the steps reached in a mode with an order."""
    rows = db.execute(
        "select unit_id, cast(epoch(entry_at - ?::timestamp) as bigint), "
        "cast(epoch(step_at - ?::timestamp) as bigint), step_order from warehouse.intermediate.int_funnel__entry_steps "
        "where funnel_id = ? and unit = ? and order_mode = ? and not is_excluded "
        "order by unit_id, entry_at, step_order",
        [START, START, funnel_id, unit, mode],
    ).fetchall()
    result: dict[tuple[str, int], list[int]] = {}
    for unit_id, entry, at, step in rows:
        result.setdefault((unit_id, entry), []).append(at)
        assert len(result[unit_id, entry]) == step, "a step is missing before this one"
    return result


def summary(
    db: duckdb.DuckDBPyConnection, funnel_id: str, unit: str, mode: str, column: str = "reached_count"
) -> list[Any]:
    """One column of the totals, by step."""
    return [r[0] for r in db.execute(
        f"select {column} from cx.marts.mart_funnel_summary where funnel_id = ? and unit = ? and order_mode = ? "
        "and segment_type = 'all' order by step_order", [funnel_id, unit, mode],
    ).fetchall()]  # fmt: skip


class TestHandWorked:
    """Each case is one person whose way can be followed by eye."""

    def test_an_entry_takes_the_earliest_next_step(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        cases = {
            "view_item@0 add_to_cart@60 begin_checkout@90 purchase@100": [0, 60, 90, 100],
            # Others may lie between, and an early purchase is no step of this way.
            "purchase@0 view_item@10 page_view@20 add_to_cart@30": [10, 30],
            # The cart before the view does not count; the one after it does.
            "add_to_cart@0 view_item@10 add_to_cart@20 add_to_cart@30 begin_checkout@25": [10, 20, 25],
            # At one instant the later step counts as later.
            "begin_checkout@5 add_to_cart@5 view_item@5 purchase@5": [5, 5, 5, 5],
            # A step left out ends the way, whatever follows.
            "view_item@0 begin_checkout@10 purchase@20": [0],
            # The window is two hours, its end not included.
            "view_item@0 add_to_cart@7199": [0, 7199],
            "view_item@0 add_to_cart@7200": [0],
        }
        self.put_cases(db, models, cases)
        expected = {(stream, reached[0]): reached for stream, reached in cases.items()}
        assert entries_of(db, "apart", "person") == expected

    def put_cases(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels, streams: Iterable[str]
    ) -> None:
        """Build the funnels of persons who are named after what they do."""
        put_events(db, [row for stream in streams for row in rows_of(stream, stream)], 100_000)
        build(db, models)

    def test_one_event_never_serves_two_steps(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """Steps 1 and 2 both take page_view: one view is one step, two views are two."""
        put_events(
            db, rows_of("page_view@0", "one") + rows_of("page_view@0 page_view@40 search@50", "two"), 100_000
        )
        build(db, models)
        assert entries_of(db, "shared", "person") == {("one", 0): [0], ("two", 0): [0, 40, 50]}

    def test_a_person_enters_again_after_the_window_and_a_session_once(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """Views at 0 h, 1 h, 2 h, 3:59:59 and 4 h with a window of two hours: entries at 0 h, 2 h and 4 h."""
        put_events(
            db, rows_of("view_item@0 view_item@3600 view_item@7200 view_item@14399 view_item@14400"), 100_000
        )
        build(db, models)
        assert sorted(entries_of(db, "apart", "person")) == [("p1", 0), ("p1", 7200), ("p1", 14400)]
        assert sorted(entries_of(db, "apart", "session")) == [("p1", 0)]
        assert sorted(entries_of(db, "unbounded", "person")) == [("p1", 0)]

    def test_open_windows_are_in_progress_and_out_of_the_rate(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """Data ends at 10,000 s: the entry at 2,800 s is over (window ends at 10,000), the one at 2,801 s is open."""
        rows = (
            rows_of("view_item@2800", "over")
            + rows_of("view_item@0 add_to_cart@100", "bought")
            + rows_of("view_item@2801 add_to_cart@2900", "open")
        )
        put_events(db, rows, 10_000)
        build(db, models, "mart_funnel", "mart_funnel_summary")
        assert summary(db, "apart", "person", "ordered")[:2] == [3, 2]
        assert summary(db, "apart", "person", "ordered", "in_progress_count")[:2] == [1, 1]
        assert summary(db, "apart", "person", "ordered", "entered_count")[:2] == [2, 1]
        assert summary(db, "apart", "person", "ordered", "step_conversion_rate")[0] == 0.5

    def test_intervals_and_times_of_a_step(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """4 of 10 go on: rate 0.4, Wilson 95 % 0.1682–0.6873 (Wilson 1927, as tabulated); times 10, 20, 30, 40 s."""
        rows = []
        for i in range(10):
            go_on = f" add_to_cart@{10 * (i + 1)}" if i < 4 else ""
            rows += rows_of(f"view_item@0{go_on}", f"p{i}")
        put_events(db, rows, 100_000)
        build(db, models, "mart_funnel", "mart_funnel_summary")
        assert summary(db, "apart", "person", "ordered", "step_conversion_rate")[0] == pytest.approx(0.4)
        assert summary(db, "apart", "person", "ordered", "step_conversion_low")[0] == pytest.approx(
            0.1682, abs=5e-5
        )
        assert summary(db, "apart", "person", "ordered", "step_conversion_high")[0] == pytest.approx(
            0.6873, abs=5e-5
        )
        assert summary(db, "apart", "person", "ordered", "median_seconds_to_step")[1] == 25
        assert summary(db, "apart", "person", "ordered", "p90_seconds_to_step")[1] == pytest.approx(37)

    def test_strict_ends_at_the_first_detour(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        cases = {
            # Looking again, and anything that is no step, is no detour; going back to an earlier step is.
            "view_item@0 view_item@5 page_view@6 add_to_cart@10 begin_checkout@20": (
                [0, 10, 20],
                [0, 10, 20],
            ),
            "view_item@0 add_to_cart@10 view_item@15 begin_checkout@20": ([0, 10, 20], [0, 10]),
            "view_item@0 begin_checkout@5 add_to_cart@10 begin_checkout@20 purchase@30": (
                [0, 10, 20, 30],
                [0],
            ),
            # Events of one instant have no order of their own.
            "view_item@0 begin_checkout@10 add_to_cart@10": ([0, 10, 10], [0, 10, 10]),
        }
        self.put_cases(db, models, cases)
        for place, mode in enumerate(("ordered", "strict")):
            expected = {(stream, 0): ways[place] for stream, ways in cases.items()}
            assert entries_of(db, "apart", "session", mode) == expected

    def test_a_step_may_have_a_window_of_its_own(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """Step 2 within a minute of step 1, step 3 within an hour of step 2; the end of a window is not in it."""
        cases = {
            "view_item@0 add_to_cart@59 begin_checkout@3658": [0, 59, 3658],
            "view_item@0 add_to_cart@60": [0],
            # The earliest cart is too far from the checkout; the one after it is not.
            "view_item@0 add_to_cart@3 add_to_cart@50 begin_checkout@3620": [0, 50, 3620],
        }
        self.put_cases(db, models, cases)
        expected = {(stream, 0): reached for stream, reached in cases.items()}
        assert entries_of(db, "timed", "session") == expected

    def test_an_exclusion_takes_the_entry_out_and_is_counted(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """No search between steps 1 and 3: at their instants is not between; without step 3, until the window's end."""
        rows = (
            rows_of("view_item@0 search@0 add_to_cart@9 begin_checkout@20 search@20", "kept")
            + rows_of("view_item@0 add_to_cart@9 search@10 begin_checkout@20", "out")
            + rows_of("view_item@0 search@7199", "late")
            + rows_of("view_item@0 search@7200", "over")
        )
        put_events(db, rows, 100_000)
        build(db, models, "mart_funnel", "mart_funnel_summary", "mart_funnel_quality")
        assert sorted(unit for unit, _ in entries_of(db, "excluding", "session")) == ["kept", "over"]
        assert summary(db, "excluding", "session", "ordered") == [2, 1, 1, 0]
        assert db.execute(
            "select unit_count, issue_count from cx.marts.mart_funnel_quality where funnel_id = 'excluding' "
            "and unit = 'session' and segment_type = 'all' and issue_type = 'excluded'"
        ).fetchall() == [(4, 2)]

    def test_units_that_skip_or_swap_steps_are_counted(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        rows = (
            rows_of("view_item@0 add_to_cart@1 begin_checkout@2 purchase@3", "whole")
            + rows_of("view_item@0 add_to_cart@1 purchase@3", "skips")
            + rows_of("begin_checkout@2 purchase@3", "starts late")
            + rows_of("view_item@0 add_to_cart@1 purchase@3 begin_checkout@4", "swaps")
        )
        put_events(db, rows, 100_000)
        build(db, models, "mart_funnel", "mart_funnel_quality")
        found = db.execute(
            "select issue_type, unit_count, issue_count, previous_step_name from cx.marts.mart_funnel_quality "
            "where funnel_id = 'apart' and unit = 'session' and segment_type = 'all' and step_name = 's4' order by 1"
        ).fetchall()
        # In order came the whole one only: the late starter and the swapper have a checkout, but no way through it.
        assert found == [
            ("first_step_missing", 4, 1, "s3"), ("not_in_order", 4, 2, "s3"), ("step_before_missing", 4, 1, "s3"),
        ]  # fmt: skip

    def test_no_events_give_empty_marts(self, db: duckdb.DuckDBPyConnection, models: CompiledModels) -> None:
        put_events(db, [], 0)
        marts = (
            "mart_funnel",
            "mart_funnel_summary",
            "mart_funnel_leaks",
            "mart_funnel_breaks",
            "mart_funnel_quality",
        )
        fill(db, "dim_releases", [])
        build(db, models, marts[0], marts[1], "int_funnel__breaks", *marts[2:])
        for mart in marts:
            assert db.execute(f"select count(*) from cx.marts.{mart}").fetchone() == (0,)


# Few instants, so that ties, window ends and repeated entries all occur.
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["p1", "p2", "p3", "p4", "p5", "p6"]),
        st.one_of(
            st.integers(0, 6),
            st.sampled_from([59, 60, 61, 3600, 3660, 7198, 7199, 7200, 7201, 14400, 21600, 21601]),
        ),
        st.sampled_from(NAMES),
    ),
    max_size=60,
)


def as_events(rows: Sequence[dict[str, Any]]) -> list[Event]:
    """The same for the brute-force way."""
    return [Event(r["at"], r["key"], r["unit"], frozenset([r["name"]])) for r in rows]


class TestRandomStreams:
    """The SQL gives what brute force gives on streams nobody thought of."""

    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
    @given(stream=EVENTS)
    @example(stream=[("p1", 0, "page_view"), ("p1", 0, "page_view"), ("p1", 0, "search")])
    # The first cart is too far from the checkout, the second is not.
    @example(stream=[("p1", 0, "view_item"), ("p1", 3, "add_to_cart"), ("p1", 59, "add_to_cart"),
                     ("p1", 3604, "begin_checkout")])  # fmt: skip
    def test_funnels_in_order_equal_brute_force(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels, stream: list[tuple[str, int, str]]
    ) -> None:
        rows = as_rows(stream)
        put_events(db, rows, 1_000_000)
        build(db, models, "mart_funnel", "mart_funnel_summary")
        self.compare(db, rows)

    def test_five_hundred_random_people_equal_brute_force(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """Ties, window ends, detours, exclusions and repeated steps all occur, by the hundred."""
        draw = random.Random(5)
        instants = [0, 1, 2, 30, 59, 60, 61, 119, 3599, 3600, 3660, 7199, 7200, 9000, 10_799]
        rows = as_rows([
            (f"p{person}", draw.choice(instants), draw.choice(NAMES))
            for person in range(500) for _ in range(draw.randint(1, 9))
        ])  # fmt: skip
        put_events(db, rows, 1_000_000)
        build(db, models, "mart_funnel", "mart_funnel_summary")
        self.compare(db, rows)
        modes = {mode: summary(db, "apart", "session", mode) for mode in ("ordered", "strict")}
        assert modes["strict"][0] == modes["ordered"][0]
        assert all(a < b for a, b in zip(modes["strict"][1:], modes["ordered"][1:], strict=True))

    def compare(self, db: duckdb.DuckDBPyConnection, rows: Sequence[dict[str, Any]]) -> None:
        """Every way and every count of the funnels against brute force."""
        for name in ("apart", "shared", "unbounded", "timed", "timed_shared", "excluding"):
            steps = [frozenset(s) for s in FUNNELS[name][0]]
            hours = FUNNELS[name][1]
            window = None if hours is None else hours * 3600
            within = {step: 60 * minutes for step, minutes in WITHIN.get(name, {}).items()}
            exclusions = [(frozenset(names), a, b) for names, a, b in EXCLUSIONS.get(name, [])]
            for unit, mode in product(("person", "session"), ("ordered", "strict")):
                expected = brute.ordered(
                    as_events(rows), steps, window, unit == "session", within, exclusions, mode == "strict"
                )
                assert entries_of(db, name, unit, mode) == expected
                counts = [sum(len(way) > i for way in expected.values()) for i in range(len(steps))]
                assert summary(db, name, unit, mode) == (counts if expected else [])
            if name not in EXCLUSIONS:
                at_all = [len(units) for units in brute.reached_at_all(as_events(rows), steps)]
                assert summary(db, name, "person", "any") == (at_all if any(at_all) else [])

    @settings(max_examples=60, deadline=None)
    @given(stream=st.lists(EVENTS.map(lambda s: s[:9]), min_size=1, max_size=1).map(lambda s: s[0]))
    def test_the_earliest_way_is_the_longest(self, stream: list[tuple[str, int, str]]) -> None:
        """Where no event can serve two steps, no other choice of events gets further than the earliest."""
        steps = [frozenset(s) for s in APART]
        events = as_events(as_rows(stream))
        for unit in {e.unit for e in events}:
            own = [e for e in events if e.unit == unit]
            for entry in brute.entries(own, steps[0], 7200):
                assert len(brute.walk(own, steps, entry, 7200)) == brute.longest(own, steps, entry, 7200)

    def test_the_order_of_arrival_changes_nothing(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        stream = as_rows(
            [(f"p{i % 5}", (i * 977) % 30_000, NAMES[(i * 31) % len(NAMES)]) for i in range(400)]
        )
        found = []
        for rows in (stream, stream[::-1]):
            put_events(db, rows, 1_000_000)
            build(db, models, "mart_funnel")
            found.append(db.execute("select * from cx.marts.mart_funnel order by all").fetchall())
        assert found[0] == found[1]


class TestRealShop:
    """31,106 events of a shop with session ids of its own; figures from the README of the reference data."""

    @pytest.fixture(scope="class")
    def shop(self, models: CompiledModels) -> Iterator[duckdb.DuckDBPyConnection]:
        """All models from the conformed events on."""
        path = require_reference_data("real", "retentioneering_ecom", "ecom.csv.gz")
        db = open_models()
        fill(db, "cx_customer", [])
        fill(db, "cx_customer_identifier", [])
        fill(db, "cx_web_event", [
            {"web_event_key": f"{i:08d}", "source_id": str(i), "event_name": "other", "raw_event_name": r["event"],
             "event_at": r["timestamp"], "event_date_local": r["timestamp"][:10], "source_session_id": r["session_id"],
             "user_id": r["user_id"], "device_type": r["platform"], "medium": r["acquisition_channel"]}
            for i, r in enumerate(read_rows(path))
        ])  # fmt: skip
        models.build(db, *WEB_CHAIN, "fct_sessions")
        build(db, models, "mart_funnel", "mart_funnel_summary")
        yield db
        db.close()

    def test_sessions_and_users_at_each_step_at_all(self, shop: duckdb.DuckDBPyConnection) -> None:
        assert summary(shop, "shop", "session", "any") == [2868, 1213, 1022, 798, 632, 470]
        assert summary(shop, "shop", "person", "any") == [598, 522, 489, 441, 390, 328]

    def test_sessions_that_took_all_steps_so_far_are_fewer(self, shop: duckdb.DuckDBPyConnection) -> None:
        """Those that also viewed a product: 1,174 of the 1,213 with a cart, and so on."""
        found = summary(shop, "shop", "session", "any", "from_start_count")
        assert found[1:] == [1174, 987, 763, 599, 445]

    def test_ordered_sessions_equal_brute_force(self, shop: duckdb.DuckDBPyConnection) -> None:
        path = require_reference_data("real", "retentioneering_ecom", "ecom.csv.gz")
        events = [
            Event(
                int(dt.datetime.fromisoformat(r["timestamp"]).timestamp()),
                f"{i:08d}",
                r["session_id"],
                frozenset([r["event"]]),
            )
            for i, r in enumerate(read_rows(path))
        ]
        ways = brute.ordered(events, [frozenset([n]) for n in SHOP], 168 * 3600, once=True)
        counts = [sum(len(w) > i for w in ways.values()) for i in range(len(SHOP))]
        assert summary(shop, "shop", "session", "ordered") == counts == [2868, 944, 477, 194, 72, 15]
        steps = [frozenset([n]) for n in SHOP]
        strict = brute.ordered(events, steps, 168 * 3600, once=True, strict=True)
        counts = [sum(len(w) > i for w in strict.values()) for i in range(len(SHOP))]
        assert summary(shop, "shop", "session", "strict") == counts == [2868, 520, 157, 44, 17, 7]
        seconds = [w[1] - w[0] for w in ways.values() if len(w) > 1]
        assert summary(shop, "shop", "session", "ordered", "median_seconds_to_step")[1] == statistics.median(
            seconds
        )

    def test_steps_on_the_same_day_would_give_other_numbers(self, shop: duckdb.DuckDBPyConnection) -> None:
        """The short way, persons joined on the calendar day of each step without order, overstates the second step."""
        naive = shop.execute(
            "select count(distinct (a.person_id, a.event_date_local)) from warehouse.intermediate.int_web__events a "
            "join warehouse.intermediate.int_web__events b using (person_id, event_date_local) "
            "where a.raw_event_name = 'product_view' and b.raw_event_name = 'add_to_cart'"
        ).fetchone()
        assert naive is not None
        assert naive[0] > summary(shop, "shop", "session", "ordered")[1]

    def test_the_file_holds_3605_sessions_of_600_users(self, shop: duckdb.DuckDBPyConnection) -> None:
        found = shop.execute(
            "select count(*), count(distinct person_id) from cx.marts.fct_sessions"
        ).fetchone()
        assert found == (3605, 600)
