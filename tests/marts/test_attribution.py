"""Attribution: paths and credits by hand, against plain loops on random visits, and what must add up."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import pytest

from dbt_project.python.attribution.channels import Settings, estimators, shares
from dbt_project.python.attribution.paths import Paths
from tests.support.attribution_models import (
    METHODS,
    START,
    Conversion,
    Touch,
    build_credit,
    build_paths,
    channels_in_order,
    conversion,
    rows,
    touch,
)
from tests.support.attribution_reference import (
    cents_of,
    counts_of,
    paths_of,
    removal_weights_of,
    shared_by,
    weights_of,
)
from tests.support.dbt_models import DBT_PROJECT, CompiledModels, fill, open_models, relation

CREDIT = "cx.marts.mart_attribution_credit"


@pytest.fixture
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = open_models(seeds=False)
    yield connection
    connection.close()


def credits(db: duckdb.DuckDBPyConnection, method: str, key: str = "c") -> list[tuple[str, str, str]]:
    """Channel, part of the conversion and of its revenue, in order of steps."""
    found = rows(
        db,
        f"select channel_group, conversion_credit, revenue_credit from {CREDIT} "
        f"where method = '{method}' and conversion_key = '{key}' order by step_order",
    )
    return [(channel, str(part), str(money)) for channel, part, money in found]


class TestPaths:
    """Which touches stand before a conversion, and which lead nowhere."""

    def test_the_look_back_holds_its_first_and_last_instant(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        just_too_old = ("old", "p", START - dt.timedelta(microseconds=1), "Video")
        touches = [
            just_too_old,
            touch("a", 0, "Email"),
            touch("b", 30, "Direct"),
            touch("after", 30.01, "SMS"),
        ]
        build_paths(db, models, touches, [conversion("c", 30)])
        assert channels_in_order(db) == [("Video", None), ("Email > Direct", "c"), ("SMS", None)]

    def test_a_touch_serves_every_conversion_in_whose_look_back_it_lies(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        build_paths(
            db,
            models,
            [touch("a", 0, "Email"), touch("b", 5, "Direct")],
            [conversion("c", 1), conversion("d", 6)],
        )
        assert channels_in_order(db) == [("Email", "c"), ("Email > Direct", "d")]

    def test_visits_of_one_channel_in_a_row_are_one_step(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        touches = [touch(key, day, channel) for key, day, channel in [
            ("a", 0, "Email"), ("b", 1, "Email"), ("c", 2, "Direct"), ("d", 3, "Email")]]  # fmt: skip
        build_paths(db, models, touches, [conversion("c", 4)])
        assert channels_in_order(db) == [("Email > Direct > Email", "c")]
        columns = "first_session_key, last_session_key, touch_count"
        steps = f"select {columns} from warehouse.intermediate.int_attribution__steps order by step_order"
        assert rows(db, steps) == [("a", "b", 2), ("c", "c", 1), ("d", "d", 1)]
        build_paths(db, models, touches, [conversion("c", 4)], collapse_repeats=False)
        assert channels_in_order(db) == [("Email > Email > Direct > Email", "c")]

    def test_direct_visits_are_dropped_on_request_but_not_when_they_are_all(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        touches = [
            touch("a", 0, "Email"), touch("b", 1, "Direct"), touch("c", 2, "Email"), touch("d", 0, "Direct", "q"),
        ]  # fmt: skip
        build_paths(
            db, models, touches, [conversion("c", 4), conversion("d", 4, person="q")], drop_direct=True
        )
        assert channels_in_order(db) == [("Email", "c"), ("Direct", "d")]

    def test_visits_without_a_conversion_are_cut_into_windows_of_the_look_back(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """Day 30 opens a window of its own; the visits of day 100 lead to the conversion."""
        touches = [touch(f"t{day}", day, channel) for day, channel in [
            (0, "Email"), (29, "SMS"), (30, "Direct"), (55, "Email"), (100, "Video")]]  # fmt: skip
        build_paths(db, models, touches, [conversion("c", 101)])
        assert channels_in_order(db) == [("Email > SMS", None), ("Direct > Email", None), ("Video", "c")]

    def test_a_path_younger_than_the_look_back_is_not_learnt_from(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """It may still convert; those of its age that did are left out with it, or they would be too many."""
        touches = [
            touch("a", 0, "Email"), touch("b", 9, "Email", "q"),
            touch("c", 9, "Email", "r"), touch("d", 1, "Email", "s"),
        ]  # fmt: skip
        build_paths(
            db, models, touches, [conversion("c", 9, person="q"), conversion("d", 9, person="s")],
            now=START + dt.timedelta(days=31),
        )  # fmt: skip
        models.build(db, "mart_attribution_paths")
        figures = (
            "conversion_count, open_path_count, mature_path_count, mature_conversion_count, conversion_rate"
        )
        assert rows(db, f"select {figures} from cx.marts.mart_attribution_paths") == [(2, 1, 2, 1, 0.5)]

    def test_buyers_visits_that_led_to_nothing_can_be_left_out(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        touches = [touch("a", 0, "Email"), touch("b", 2, "Direct"), touch("c", 0, "SMS", "q")]
        build_paths(db, models, touches, [conversion("c", 1)], keep_idle_visits_of_buyers=False)
        assert channels_in_order(db) == [("Email", "c"), ("SMS", None)]


class TestRules:
    """Credits of the rules, by hand."""

    @pytest.fixture
    def four_steps(self, db: duckdb.DuckDBPyConnection, models: CompiledModels) -> duckdb.DuckDBPyConnection:
        """Paid Search 14 and Email 7 days before the last touch, SMS and Direct at its instant; 100.01 EUR."""
        touches = [
            touch("a", 0, "Paid Search"), touch("b", 7, "Email"), touch("c", 14, "SMS"), touch("d", 14, "Direct"),
        ]  # fmt: skip
        build_paths(db, models, touches, [conversion("c", 15, "100.01")])
        build_credit(db, models)
        return db

    def test_first_last_and_last_non_direct(self, four_steps: duckdb.DuckDBPyConnection) -> None:
        assert credits(four_steps, "first") == [("Paid Search", "1.000000", "100.0100")]
        assert credits(four_steps, "last") == [("Direct", "1.000000", "100.0100")]
        assert credits(four_steps, "last_non_direct") == [("SMS", "1.000000", "100.0100")]

    def test_linear_gives_the_odd_cent_to_the_first(self, four_steps: duckdb.DuckDBPyConnection) -> None:
        """100.01 / 4 = 25.0025: four times 25.00 and one cent left."""
        assert [money for _, _, money in credits(four_steps, "linear")] == [
            "25.0100",
            "25.0000",
            "25.0000",
            "25.0000",
        ]

    def test_position(self, four_steps: duckdb.DuckDBPyConnection) -> None:
        """40.004, 10.001, 10.001, 40.004: the odd cent goes to the largest remainder."""
        assert credits(four_steps, "position") == [
            ("Paid Search", "0.400000", "40.0100"), ("Email", "0.100000", "10.0000"),
            ("SMS", "0.100000", "10.0000"), ("Direct", "0.400000", "40.0000"),
        ]  # fmt: skip

    def test_time_decay_halves_every_seven_days(self, four_steps: duckdb.DuckDBPyConnection) -> None:
        """1/4 : 1/2 : 1 : 1 of 11/4, in millionths 90,909.09, 181,818.18 and twice 363,636.36."""
        assert credits(four_steps, "time_decay") == [
            ("Paid Search", "0.090909", "9.0900"), ("Email", "0.181818", "18.1800"),
            ("SMS", "0.363637", "36.3700"), ("Direct", "0.363636", "36.3700"),
        ]  # fmt: skip

    def test_one_and_two_steps(self, db: duckdb.DuckDBPyConnection, models: CompiledModels) -> None:
        touches = [touch("a", 0, "SMS"), touch("b", 0, "SMS", "q"), touch("c", 1, "Email", "q")]
        build_paths(db, models, touches, [conversion("c", 2), conversion("d", 2, person="q")])
        build_credit(db, models)
        assert credits(db, "position") == [("SMS", "1.000000", "100.0000")]
        assert credits(db, "position", "d") == [
            ("SMS", "0.500000", "50.0000"),
            ("Email", "0.500000", "50.0000"),
        ]

    def test_first_stands_for_the_first_visit_of_its_step_the_others_for_the_last(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        build_paths(db, models, [touch("a", 0, "SMS"), touch("b", 1, "SMS")], [conversion("c", 2)])
        build_credit(db, models)
        found = dict(rows(db, f"select method, session_key from {CREDIT}"))
        assert found == {method: "a" if method == "first" else "b" for method in METHODS}


class TestModels:
    """Credits of the data-driven models."""

    @pytest.fixture
    def worked(self, db: duckdb.DuckDBPyConnection, models: CompiledModels) -> duckdb.DuckDBPyConnection:
        """The worked example of docs/decisions/attribution.md."""
        paths = [("A", 2, 2), ("A > B", 1, 1), ("B", 0, 2)]
        touches, conversions = [], []
        for path, converting, others in paths:
            for number in range(converting + others):
                person = f"{path} {number}"
                for place, channel in enumerate(path.split(" > ")):
                    touches.append(touch(f"{person} {place}", place / 24, channel, person))
                if number < converting:
                    conversions.append(
                        conversion(f"{path} {number}", 1, "60.00" if ">" in path else "100.00", person)
                    )
        build_paths(db, models, touches, conversions)
        build_credit(db, models)
        return db

    def test_what_the_models_find(self, worked: duckdb.DuckDBPyConnection) -> None:
        """Worked out in tests/unit/test_attribution_mathematics.py."""
        found = rows(
            worked,
            "select method, channel_group, effect, share, path_count "
            "from cx.marts.mart_attribution_models order by 1, 2",
        )
        assert found == [
            ("markov_1", "A", pytest.approx(5 / 6), pytest.approx(5 / 7), 6),
            ("markov_1", "B", pytest.approx(1 / 3), pytest.approx(2 / 7), 4),
            ("markov_2", "A", pytest.approx(1), pytest.approx(3 / 4), 6),
            ("markov_2", "B", pytest.approx(1 / 3), pytest.approx(1 / 4), 4),
            ("shapley", "A", pytest.approx(7 / 16), pytest.approx(1), 6),
            ("shapley", "B", pytest.approx(-1 / 16), pytest.approx(0), 4),
        ]

    def test_a_conversion_is_shared_by_the_channels_of_its_path(
        self, worked: duckdb.DuckDBPyConnection
    ) -> None:
        assert credits(worked, "markov_1", "A > B 0") == [
            ("A", "0.714286", "42.8600"),
            ("B", "0.285714", "17.1400"),
        ]
        assert credits(worked, "markov_2", "A > B 0") == [
            ("A", "0.750000", "45.0000"),
            ("B", "0.250000", "15.0000"),
        ]
        assert credits(worked, "shapley", "A > B 0") == [("A", "1.000000", "60.0000")]
        assert credits(worked, "markov_1", "A 0") == [("A", "1.000000", "100.0000")]

    def test_path_removal_takes_what_the_rate_loses(self, worked: duckdb.DuckDBPyConnection) -> None:
        """A > B converts in 1/2, B alone in 0, A alone in 1/2: without A 1/2 is lost, without B nothing."""
        assert credits(worked, "path_removal", "A > B 0") == [("A", "1.000000", "60.0000")]

    def test_a_channel_that_comes_twice_earns_once(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """A > B > A is the only path, so without A or without B nobody converts: a half each, and A's is parted.

        A memory of one forgets: half of those at A convert, also without B, so A has 2/3 and parts them.
        """
        touches = [touch("a", 0, "A"), touch("b", 1, "B"), touch("c", 2, "A")]
        build_paths(db, models, touches, [conversion("c", 3)])
        build_credit(db, models)
        expected = [("A", "0.250000", "25.0000"), ("B", "0.500000", "50.0000"), ("A", "0.250000", "25.0000")]
        assert credits(db, "markov_2") == expected
        assert [part for _, part, _ in credits(db, "markov_1")] == ["0.333334", "0.333333", "0.333333"]
        assert [part for _, part, _ in credits(db, "linear")] == ["0.333334", "0.333333", "0.333333"]

    def test_without_anything_learnt_the_models_share_evenly(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        touches = [touch("a", 0, "A"), touch("b", 1, "B")]
        build_paths(db, models, touches, [conversion("c", 3)], now=START + dt.timedelta(days=4))
        build_credit(db, models)
        for method in ("markov_1", "markov_2", "shapley"):
            assert [part for _, part, _ in credits(db, method)] == ["0.500000", "0.500000"]
        assert [channel for channel, _, _ in credits(db, "path_removal")] == ["B"]


class TestTotals:
    """Nothing is lost and nothing comes twice."""

    def test_a_conversion_without_a_known_touch_is_unattributed(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        build_paths(db, models, [touch("a", 0, "A")], [conversion("c", 60), conversion("d", 60, person=None)])
        build_credit(db, models)
        for key in ("c", "d"):
            assert credits(db, "markov_1", key) == [("Unattributed", "1.000000", "100.0000")]
        share = "select distinct conversion_share from cx.marts.mart_attribution"
        assert rows(db, share) == [(1.0,)]

    def test_no_revenue_is_not_zero_revenue(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        build_paths(db, models, [touch("a", 0, "A")], [conversion("c", 1, None)])
        build_credit(db, models)
        assert rows(db, f"select distinct conversion_credit, revenue_credit from {CREDIT}") == [
            (Decimal(1), None)
        ]
        assert rows(db, "select distinct revenue_credit, revenue_share from cx.marts.mart_attribution") == [
            (None, None)
        ]

    @pytest.mark.parametrize(
        "revenue", ["0.01", "0.02", "100.0000", "99.9999", "0.0049", "-10.05", "12345678.91"]
    )
    def test_any_amount_is_shared_without_rest(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels, revenue: str
    ) -> None:
        touches = [touch(f"t{i}", i, "ABC"[i % 3]) for i in range(7)]
        build_paths(db, models, touches, [conversion("c", 8, revenue)])
        build_credit(db, models)
        sums = rows(
            db, f"select method, sum(conversion_credit), sum(revenue_credit) from {CREDIT} group by 1"
        )
        assert {(str(part), Decimal(money)) for _, part, money in sums} == {("1.000000", Decimal(revenue))}
        assert len(sums) == len(METHODS)

    def test_a_company_without_visits_has_empty_marts(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        build_paths(db, models, [], [])
        build_credit(db, models)
        assert all(found == [] for found in snapshot(db).values())

    def test_rounding_each_part_by_itself_would_lose_a_cent(self) -> None:
        """The negative control: three thirds of a cent-odd amount."""
        assert sum(round(Decimal("100.00") / 3, 2) for _ in range(3)) == Decimal("99.99")


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("collapse", "drop_direct"), [(True, False), (False, True)])
def test_random_visits_give_what_plain_loops_give(
    db: duckdb.DuckDBPyConnection, models: CompiledModels, seed: int, collapse: bool, drop_direct: bool
) -> None:
    """Paths, weights, rule credits in cents, sums of every method; then once more with the rows in another order."""
    touches, conversions = random_world(seed)
    settings = {"lookback_days": 10, "collapse_repeats": collapse, "drop_direct": drop_direct}
    build_paths(db, models, touches, conversions, **settings)
    build_credit(db, models)
    converting, others = paths_of(touches, conversions, days=10, collapse=collapse, drop_direct=drop_direct)
    texts = sorted((" > ".join(channel for channel, _ in steps), None) for steps in others)
    texts += sorted((" > ".join(channel for channel, _ in steps), key) for key, steps in converting.items())
    assert sorted(channels_in_order(db), key=lambda row: (row[1] is not None, row)) == texts

    weights = read_weights(db)
    counts = counts_of(converting, others)
    learnt = Paths.of((text, conversions, None, failures) for text, (conversions, failures) in counts.items())
    models_found = {
        name: dict(zip(learnt.channels, shares(estimate(learnt).by_conversion).tolist(), strict=True))
        for name, estimate in estimators(learnt, Settings(0, 12, 0, 1)).items()
    }
    found: dict[tuple[str, str], dict[int, Decimal]] = defaultdict(dict)
    for key, method, order, money in rows(
        db, f"select conversion_key, method, step_order, revenue_credit from {CREDIT}"
    ):
        found[key, method][order] = money
    for key, _, _, revenue in conversions:
        for method in METHODS:
            assert sum(found[key, method].values()) == Decimal(str(revenue)), (key, method)
        if key not in converting:
            continue
        channels = [channel for channel, _ in converting[key]]
        for name, share in models_found.items():
            assert weights[key, name] == pytest.approx(shared_by(channels, share), abs=1e-9), (key, name)
        removal = removal_weights_of(channels, counts, collapse=collapse)
        assert weights[key, "path_removal"] == pytest.approx(removal, abs=1e-9), key
        for method, expected in weights_of(converting[key]).items():
            assert weights[key, method] == pytest.approx(expected, abs=1e-9), (key, method)
            # The rounding of the same weights, in exact numbers; a tie of floats is a tie.
            cents = cents_of(Decimal(str(revenue)), [Fraction(w).limit_denominator(10**7) for w in expected])
            paid = [int(found[key, method].get(i + 1, Decimal(0)) * 100) for i in range(len(expected))]
            assert method == "time_decay" or paid == cents, (key, method)

    first = snapshot(db)
    generator = random.Random(seed)
    build_paths(
        db,
        models,
        generator.sample(touches, len(touches)),
        generator.sample(conversions, len(conversions)),
        **settings,
    )
    build_credit(db, models)
    assert snapshot(db) == first


def random_world(seed: int) -> tuple[list[Touch], list[Conversion]]:
    """Visits and purchases of 40 people in 60 days, on a grid of hours so that instants coincide."""
    generator = random.Random(seed)
    touches, conversions = [], []
    for person in range(40):
        for visit in range(generator.randint(0, 14)):
            channel = generator.choice(["Direct", "Direct", "Email", "Paid Search", "SMS"])
            touches.append(touch(f"s{person}-{visit}", generator.randint(0, 480) / 8, channel, f"p{person}"))
        for purchase in range(generator.choice([0, 0, 1, 1, 2])):
            conversions.append(conversion(
                f"c{person}-{purchase}", generator.randint(0, 480) / 8,
                f"{generator.randint(1, 99999) / 100:.2f}", f"p{person}",
            ))  # fmt: skip
    return touches, conversions


def read_weights(db: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], list[float]]:
    """Weights of every conversion and method in order of steps; those of a path add up to one."""
    columns = ", ".join(f"{method}_weight" for method in METHODS)
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for key, *values in rows(
        db,
        f"select conversion_key, {columns} from warehouse.intermediate.int_attribution__weights "
        "order by conversion_key, step_order",
    ):
        for method, value in zip(METHODS, values, strict=True):
            found[key, method].append(value)
    assert all(sum(values) == pytest.approx(1) for values in found.values())
    return found


def snapshot(db: duckdb.DuckDBPyConnection) -> dict[str, Sequence[Any]]:
    """Every mart, sorted."""
    names = (
        "mart_attribution",
        "mart_attribution_credit",
        "mart_attribution_models",
        "mart_attribution_paths",
    )
    return {name: rows(db, f"select * from cx.marts.{name} order by all") for name in names}


class TestConversions:
    """What counts as a conversion, and whose it is."""

    def build(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels, orders: Sequence[dict[str, Any]]
    ) -> None:
        at = START.isoformat(sep=" ")
        fill(db, "fct_orders", [
            {"order_type": "order", "is_completed": True, "channel": "web", "ordered_at": at,
             "ordered_date": START.date(), "net_amount": "10.00", "currency": "EUR", **order} for order in orders
        ])  # fmt: skip
        fill(db, "int_web__events", [
            {"web_event_key": f"e{i}", "event_name": "purchase", "transaction_id": "T1", "session_key": "s",
             "event_at": (START + dt.timedelta(seconds=i)).isoformat(sep=" "), "source_account": "w"} for i in (1, 2)
        ])  # fmt: skip
        fill(db, "fct_sessions", [{"session_key": "s", "person_id": "device"}])
        models.build(db, "int_attribution__conversions")

    def test_completed_orders_of_web_and_app_and_tracked_ones(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        self.build(db, models, [
            {"order_key": "web"}, {"order_key": "app", "channel": "app"}, {"order_key": "shop", "channel": "store"},
            {"order_key": "open", "is_completed": False}, {"order_key": "deal", "order_type": "deal"},
            {"order_key": "phone", "channel": "phone", "web_transaction_id": "T1"},
        ])  # fmt: skip
        found = rows(
            db, "select conversion_key from warehouse.intermediate.int_attribution__conversions order by 1"
        )
        assert found == [("app",), ("phone",), ("web",)]

    def test_a_tracked_order_belongs_to_the_person_of_its_session_and_to_its_clock(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """The page that reports the order was loaded twice; the first time counts."""
        self.build(db, models, [
            {"order_key": "a", "customer_id": "buyer", "web_transaction_id": "T1"},
            {"order_key": "b", "customer_id": "buyer"}, {"order_key": "c", "currency": "USD"},
        ])  # fmt: skip
        columns = "conversion_key, person_id, converted_at, revenue, is_tracked"
        assert rows(
            db, f"select {columns} from warehouse.intermediate.int_attribution__conversions order by 1"
        ) == [
            ("a", "device", START + dt.timedelta(seconds=1), Decimal("10.0000"), True),
            ("b", "buyer", START, Decimal("10.0000"), False),
            ("c", None, START, None, False),
        ]

    def test_without_an_order_system_purchases_of_the_tracking_count(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """A purchase reported twice counts once; one without a transaction id is one of its own."""
        self.build(db, models, [{"order_key": "a", "web_transaction_id": "T1"}])
        db.execute(
            "insert into warehouse.intermediate.int_web__events by name "
            "select * replace ('e3' as web_event_key, null as transaction_id, 5.5 as value) "
            "from warehouse.intermediate.int_web__events where web_event_key = 'e1'"
        )
        CompiledModels({CONVERSIONS: rendered_conversions("purchases")}).build(db, CONVERSIONS)
        columns = "conversion_key, person_id, converted_at, revenue"
        assert rows(db, f"select {columns} from warehouse.intermediate.{CONVERSIONS} order by 1") == [
            ("e1", "device", START + dt.timedelta(seconds=1), None),
            ("e3", "device", START + dt.timedelta(seconds=1), Decimal("5.5000")),
        ]

    def test_another_kind_of_conversion_is_refused_by_name(self) -> None:
        with pytest.raises(
            ValueError, match="attribution_conversions is 'orders' or 'purchases', not 'order'"
        ):
            rendered_conversions("order")


CONVERSIONS = "int_attribution__conversions"


def rendered_conversions(source: str) -> str:
    """The model's SQL under another setting, rendered without dbt: it uses nothing else of it."""

    def refuse(message: str) -> None:
        raise ValueError(message)

    settings = {"attribution_conversions": source, "attribution_order_channels": ["web"]}
    text = (DBT_PROJECT / f"models/intermediate/attribution/{CONVERSIONS}.sql").read_text(encoding="utf-8")
    return jinja2.Template(text).render(
        ref=relation, var=lambda name: "EUR", attribution_setting=settings.get,
        exceptions=SimpleNamespace(raise_compiler_error=refuse),
    )  # fmt: skip
