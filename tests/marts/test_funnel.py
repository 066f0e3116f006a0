"""Funnels: hand-worked cases, random streams against brute force, and the published counts of a real shop."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support import funnel_reference as brute
from tests.support.dbt_models import WEB_CHAIN, CompiledModels, fill, open_models
from tests.support.funnel_reference import Event
from tests.support.reference_data import read_rows, require_reference_data
from tests.support.web_models import APART, FUNNELS, SHOP, web_models

START = dt.datetime(2026, 1, 5)
NAMES = ["page_view", "search", "view_item", "add_to_cart", "begin_checkout", "purchase", "other"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> CompiledModels:
    """The models from events to leaks, with the funnels of the tests."""
    return web_models(tmp_path_factory)


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database without seeds; each test puts its own events in place of those before."""
    connection = open_models(seeds=False)
    yield connection
    connection.close()


def instant(second: int) -> str:
    """Second of the test period as the text of a timestamp."""
    return (START + dt.timedelta(seconds=second)).isoformat(sep=" ")


def put_events(
    db: duckdb.DuckDBPyConnection,
    rows: Sequence[dict[str, Any]],
    horizon: int,
    sessions: Mapping[str, Any] | None = None,
) -> None:
    """Fill events, their sessions and the horizon; `rows` name unit, session, at (seconds), key and name."""
    fill(db, "int_web__events", [
        {"web_event_key": r["key"], "source_system": "t", "source_account": "t",
         "session_key": r.get("session", r["unit"]), "person_id": r["unit"],
         "is_logged_in": False, "event_name": r["name"], "raw_event_name": r["name"],
         "event_at": instant(r["at"]), "event_date_local": instant(r["at"])[:10], "touchpoint_id": "unmapped"}
        for r in rows
    ])  # fmt: skip
    spans: dict[str, list[int]] = {}
    for r in rows:
        spans.setdefault(r.get("session", r["unit"]), []).append(r["at"])
    fill(db, "fct_sessions", [
        {"session_key": key, "person_id": "-", "session_number": 1, "has_login": False,
         "session_date": instant(min(ats))[:10], "started_at": instant(min(ats)), "ended_at": instant(max(ats)),
         "duration_seconds": max(ats) - min(ats), "event_count": len(ats), "page_view_count": 0, "conversion_count": 0,
         "is_engaged": True, "is_closed": max(ats) + 1800 < horizon, "purchase_count": 0, "valued_purchase_count": 0,
         "currency": "EUR", "source": "(direct)", "medium": "(none)", "channel_group": "Direct",
         "source_system": "t", "source_account": "t", **(sessions or {}).get(key, {})}
        for key, ats in spans.items()
    ])  # fmt: skip
    fill(db, "int_web__horizon", [
        {"source_account": "t", "first_event_at": instant(0), "last_event_at": instant(horizon)}
    ])  # fmt: skip


def build(db: duckdb.DuckDBPyConnection, models: CompiledModels, *more: str) -> None:
    """Build the funnel models from the events."""
    models.build(db, "int_funnel__steps", "int_funnel__segments", "int_funnel__entry_steps", *more)


def entries_of(db: duckdb.DuckDBPyConnection, funnel_id: str, unit: str) -> dict[tuple[str, int], list[int]]:
    """(unit, entry second) -> seconds of the steps reached, in order mode."""
    rows = db.execute(
        "select unit_id, cast(epoch(entry_at - ?::timestamp) as bigint), "
        "cast(epoch(step_at - ?::timestamp) as bigint), step_order from warehouse.intermediate.int_funnel__entry_steps "
        "where funnel_id = ? and unit = ? and order_mode = 'ordered' order by unit_id, entry_at, step_order",
        [START, START, funnel_id, unit],
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


def rows_of(text: str, unit: str = "p1") -> list[dict[str, Any]]:
    """Events of a line like 'view_item@0 add_to_cart@60'."""
    return [
        {"unit": unit, "key": f"{unit}-{i:03d}", "name": part.split("@")[0], "at": int(part.split("@")[1])}
        for i, part in enumerate(text.split())
    ]


class TestHandWorked:
    """Each case is one person whose way can be followed by eye."""

    @pytest.mark.parametrize(
        ("stream", "reached"),
        [
            ("view_item@0 add_to_cart@60 begin_checkout@90 purchase@100", [0, 60, 90, 100]),
            # Others may lie between, and an early purchase is no step of this way.
            ("purchase@0 view_item@10 page_view@20 add_to_cart@30", [10, 30]),
            # The cart before the view does not count; the one after it does.
            ("add_to_cart@0 view_item@10 add_to_cart@20 add_to_cart@30 begin_checkout@25", [10, 20, 25]),
            # At one instant the later step counts as later.
            ("begin_checkout@5 add_to_cart@5 view_item@5 purchase@5", [5, 5, 5, 5]),
            # A step left out ends the way, whatever follows.
            ("view_item@0 begin_checkout@10 purchase@20", [0]),
            # The window is two hours, its end not included.
            ("view_item@0 add_to_cart@7199", [0, 7199]),
            ("view_item@0 add_to_cart@7200", [0]),
        ],
    )
    def test_an_entry_takes_the_earliest_next_step(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels, stream: str, reached: list[int]
    ) -> None:
        put_events(db, rows_of(stream), 100_000)
        build(db, models)
        found = entries_of(db, "apart", "person")
        assert found[min(found)] == reached

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

    def test_no_events_give_empty_marts(self, db: duckdb.DuckDBPyConnection, models: CompiledModels) -> None:
        put_events(db, [], 0)
        build(db, models, "mart_funnel", "mart_funnel_summary", "mart_funnel_leaks")
        for mart in ("mart_funnel", "mart_funnel_summary", "mart_funnel_leaks"):
            assert db.execute(f"select count(*) from cx.marts.{mart}").fetchone() == (0,)


# Few instants, so that ties, window ends and repeated entries all occur.
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["p1", "p2", "p3", "p4", "p5", "p6"]),
        st.one_of(st.integers(0, 6), st.sampled_from([3600, 7198, 7199, 7200, 7201, 14400, 21600, 21601])),
        st.sampled_from(NAMES),
    ),
    max_size=60,
)


def as_rows(stream: list[tuple[str, int, str]]) -> list[dict[str, Any]]:
    """Generated events with unique keys whose order says nothing about their time."""
    return [
        {"unit": unit, "at": at, "name": name, "key": f"{(i * 7919) % 1000:03d}"}
        for i, (unit, at, name) in enumerate(stream)
    ]


def as_events(rows: Sequence[dict[str, Any]]) -> list[Event]:
    """The same for the brute-force way."""
    return [Event(r["at"], r["key"], r["unit"], frozenset([r["name"]])) for r in rows]


class TestRandomStreams:
    """The SQL gives what brute force gives on streams nobody thought of."""

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(stream=EVENTS)
    @example(stream=[("p1", 0, "page_view"), ("p1", 0, "page_view"), ("p1", 0, "search")])
    def test_ordered_funnels_equal_brute_force(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels, stream: list[tuple[str, int, str]]
    ) -> None:
        rows = as_rows(stream)
        put_events(db, rows, 1_000_000)
        build(db, models, "mart_funnel", "mart_funnel_summary")
        for name in ("apart", "shared", "unbounded"):
            steps = [frozenset(s) for s in FUNNELS[name][0]]
            hours = FUNNELS[name][1]
            window = None if hours is None else hours * 3600
            for unit in ("person", "session"):
                expected = brute.ordered(as_events(rows), steps, window, once=unit == "session")
                assert entries_of(db, name, unit) == expected
                counts = [sum(len(way) > i for way in expected.values()) for i in range(len(steps))]
                assert summary(db, name, unit, "ordered") == (counts if expected else [])
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
        models.build(db, *WEB_CHAIN, "fct_sessions", "int_funnel__steps", "int_funnel__segments")
        models.build(db, "int_funnel__entry_steps", "mart_funnel", "mart_funnel_summary", "mart_funnel_leaks")
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


class TestLeaks:
    """Six weeks of 100 checkouts on each device a week; from the fifth week on few buy on phones."""

    WEEK = 7 * 24 * 3600

    @pytest.fixture(scope="class")
    def leaks(self, db: duckdb.DuckDBPyConnection, models: CompiledModels) -> duckdb.DuckDBPyConnection:
        """Sessions of Monday 2026-01-05 and the weeks after; 60 of 100 buy, on phones only 20 from week 5 on."""
        rows: list[dict[str, Any]] = []
        sessions: dict[str, dict[str, Any]] = {}
        for week in range(6):
            for device in ("desktop", "mobile"):
                buyers = 20 if device == "mobile" and week >= 4 else 60
                for i in range(100):
                    name = f"{device}-{week}-{i:03d}"
                    start = week * self.WEEK + (i % 7) * 86_400 + i
                    stream = f"view_item@{start} add_to_cart@{start + 1} begin_checkout@{start + 2}"
                    buys = i < buyers
                    rows += rows_of(stream + (f" purchase@{start + 3}" if buys else ""), name)
                    sessions[name] = {
                        "device_type": device, "purchase_count": int(buys), "valued_purchase_count": int(buys),
                        "purchase_value": "50" if buys else None,
                    }  # fmt: skip
        put_events(db, rows, 7 * self.WEEK, sessions)
        build(db, models, "mart_funnel", "mart_funnel_summary", "mart_funnel_leaks")
        return db

    def rows(self, db: duckdb.DuckDBPyConnection, where: str, columns: str) -> list[tuple[Any, ...]]:
        return db.execute(
            f"select {columns} from cx.marts.mart_funnel_leaks where funnel_id = 'apart' and unit = 'session' "
            f"and ({where}) order by week_start, leak_rank"
        ).fetchall()

    def test_the_break_is_first_in_its_week_and_over_all_weeks(
        self, leaks: duckdb.DuckDBPyConnection
    ) -> None:
        found = self.rows(
            leaks,
            "leak_rank = 1",
            "cast(week_start as varchar), segment_value, step_name, is_significant, overall_leak_rank",
        )
        assert found[0] == ("2026-02-02", "mobile", "s3", True, 1)

    def test_its_figures_are_those_worked_out_by_hand(self, leaks: duckdb.DuckDBPyConnection) -> None:
        """240 of 400 bought before, 20 of 100 now: 40 orders of 50 EUR too few in a week, 30/7 of that in 30 days.

        Pooled share 260/500 = 0.52: z = -0.4 / sqrt(0.52 * 0.48 * (1/100 + 1/400)) = -7.1611.
        Lower end: 0.4 - 1.96 * sqrt(0.2 * 0.8 / 100 + 0.6 * 0.4 / 400) = 0.30807, so 30.807 orders.
        """
        ((n, now, before, z, excess, low, risk),) = self.rows(
            leaks,
            "leak_rank = 1 and week_start = '2026-02-02'",
            "entered_count, step_conversion_rate, reference_conversion_rate, z_score, excess_lost_count, "
            "excess_lost_count_low, cast(revenue_at_risk_30d as varchar)",
        )
        assert (n, now, before) == (100, 0.2, 0.6)
        assert z == pytest.approx(-7.1611, abs=5e-5)
        assert excess == pytest.approx(40)
        assert low == pytest.approx(30.807, abs=5e-4)
        assert risk == "8571.4286"

    def test_all_devices_together_lose_the_same_orders_but_do_not_name_the_break(
        self, leaks: duckdb.DuckDBPyConnection
    ) -> None:
        found = self.rows(
            leaks,
            "step_name = 's3' and week_start = '2026-02-02'",
            "segment_value, round(excess_lost_count), is_clearest_segment",
        )
        assert sorted(found) == [
            ("Direct", 40.0, False), ("all", 40.0, False), ("desktop", 0.0, False), ("mobile", 40.0, True),
        ]  # fmt: skip

    def test_a_week_without_four_full_weeks_before_it_is_compared_with_nothing(
        self, leaks: duckdb.DuckDBPyConnection
    ) -> None:
        weeks = self.rows(leaks, "true", "cast(week_start as varchar)")
        assert sorted({week for (week,) in weeks}) == ["2026-02-02", "2026-02-09"]
