"""Attribution against what other packages publish for their own example data."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from dbt_project.python.attribution.markov import Chain
from dbt_project.python.attribution.paths import Paths
from tests.support.attribution_models import START, build_credit, build_paths, rows
from tests.support.dbt_models import CompiledModels, fill, open_models
from tests.support.reference_data import read_rows, require_reference_data

INTERMEDIATE = "warehouse.intermediate"


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = open_models(seeds=False)
    yield connection
    connection.close()


def instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


class TestChannelAttribution:
    """10,000 paths over 12 channels (ChannelAttribution, Altomare and Loris)."""

    @pytest.fixture(scope="class")
    def folder(self) -> Path:
        return require_reference_data("peers", "channelattribution")

    @pytest.fixture(scope="class")
    def given(self, folder: Path) -> dict[str, tuple[str, float, float, float]]:
        """Rows of the file by number: path, conversions, value, nulls."""
        with (folder / "Data.csv").open(encoding="utf-8", newline="") as handle:
            return {
                f"{number}": (
                    row["path"], float(row["total_conversions"]), float(row["total_conversion_value"]),
                    float(row["total_null"]),
                )
                for number, row in enumerate(csv.DictReader(handle, delimiter=";"))
            }  # fmt: skip

    def build(
        self,
        db: duckdb.DuckDBPyConnection,
        models: CompiledModels,
        given: dict[str, tuple[str, float, float, float]],
        **more: bool,
    ) -> None:
        """Each row as one person, a touch a minute, and one conversion after them."""
        touches, conversions = [], []
        for number, (path, *_) in given.items():
            for place, channel in enumerate(path.split(" > ")):
                at = START + dt.timedelta(minutes=place)
                touches.append((f"{number}-{place}", number, at, channel))
            conversions.append((number, number, START + dt.timedelta(days=1), "1.00"))
        build_paths(db, models, touches, conversions, **more)

    def test_first_last_and_linear_are_equal(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels, folder: Path,
        given: dict[str, tuple[str, float, float, float]],
    ) -> None:  # fmt: skip
        """The package counts each touch, so repeats are kept."""
        self.build(db, models, given, collapse_repeats=False)
        models.build(db, "mart_attribution_paths")
        fill(db, "int_attribution__channels", [])
        models.build(db, "int_attribution__weights")
        found: dict[str, list[float]] = defaultdict(lambda: [0.0] * 6)
        for number, channel, *weights in rows(
            db,
            "select conversion_key, channel_group, sum(first_weight), sum(last_weight), sum(linear_weight) "
            f"from {INTERMEDIATE}.int_attribution__weights group by all",
        ):
            _, conversions, value, _ = given[number]
            for place, weight in enumerate(weights):
                found[channel][2 * place] += weight * conversions
                found[channel][2 * place + 1] += weight * value
        expected = {
            row.pop("channel_name"): [float(figure) for figure in row.values()]
            for row in read_rows(folder / "expected_heuristic.csv")
        }
        assert found.keys() == expected.keys()
        for channel, figures in expected.items():
            assert found[channel] == pytest.approx(figures, rel=1e-9), channel
        assert found["alpha"][::2] == pytest.approx([6308, 8447, 7574.718593751173])

    @pytest.fixture(scope="class")
    def paths(
        self,
        db: duckdb.DuckDBPyConnection,
        models: CompiledModels,
        given: dict[str, tuple[str, float, float, float]],
    ) -> Paths:
        """The paths as the models collapse them, with the counts of the file."""
        self.build(db, models, given)
        texts = rows(db, f"select conversion_key, path from {INTERMEDIATE}.int_attribution__paths")
        return Paths.of((path, *given[number][1:]) for number, path in texts)

    def test_transition_probabilities_are_equal(self, paths: Paths, folder: Path) -> None:
        """Its matrix numbers the channels in the order in which the file names them."""
        names = [row["channel_name"] for row in read_rows(folder / "expected_heuristic.csv")]
        states = {"(start)": (), **{f"{i}": (name,) for i, name in enumerate(names, 1)}}
        chain = Chain(paths, 1)
        numbers = {
            (): 0,
            **{state: i for i, state in enumerate(dict.fromkeys((c,) for p in paths.steps for c in p), 1)},
        }
        moves, converted, _ = chain.probabilities(paths)
        checked = 0
        for row in read_rows(folder / "expected_markov_order1_transition_matrix.csv"):
            at, expected = numbers[states[row["channel_from"]]], float(row["transition_probability"])
            if row["channel_to"] == "(conversion)":
                assert converted[at] == pytest.approx(expected, abs=1e-12)
            elif row["channel_to"] == "(null)":
                assert 1 - converted[at] - moves[at].sum() == pytest.approx(expected, abs=1e-12)
            else:
                assert moves[at, numbers[states[row["channel_to"]]]] == pytest.approx(expected, abs=1e-12)
            checked += 1
        assert checked == 138

    @pytest.mark.parametrize("figure", ["conversion", "conversion_value"])
    def test_markov_credits_lie_within_half_a_percent_of_all_conversions(
        self, paths: Paths, folder: Path, figure: str
    ) -> None:
        found = Chain(paths, 1).effects(paths)
        effect = found.by_conversion if figure == "conversion" else found.by_value
        total = paths.conversions.sum() if figure == "conversion" else paths.value.sum()
        assert total == pytest.approx(19785 if figure == "conversion" else 74802.9716)
        column = "total_conversions" if figure == "conversion" else "total_conversion_value"
        expected = {
            row["channel_name"]: float(row[column])
            for row in read_rows(folder / "expected_markov_order1.csv")
        }
        for channel, share in zip(paths.channels, effect / effect.sum(), strict=True):
            tolerance = 0.005 if figure == "conversion" else 0.01
            assert share * total == pytest.approx(expected[channel], abs=tolerance * total), channel

    def test_what_is_left_is_the_noise_of_the_package_s_simulation(self, paths: Paths, folder: Path) -> None:
        """Its removal effects are multiples of 1/2,233: shares of so many simulated conversions that met the channel.

        The exact ones lie within 2.5 standard errors of them.
        """
        found = Chain(paths, 1).effects(paths)
        exact = dict(zip(paths.channels, found.by_conversion, strict=True))
        for row in read_rows(folder / "expected_markov_order1_removal_effects.csv"):
            simulated, effect = float(row["removal_effects_conversion"]), exact[row["channel_name"]]
            assert simulated * 2233 == pytest.approx(round(simulated * 2233), abs=1e-6)
            assert abs(simulated - effect) < 2.5 * (effect * (1 - effect) / 2233) ** 0.5


class TestTasman:
    """First touch under three look-backs (Tasman multi-touch attribution)."""

    def test_first_touch_of_each_purchase(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        folder = require_reference_data("peers", "tasman_mta")
        touches = [
            (row["event"], row["user"], instant(row["event_timestamp"]), row["channel"])
            for row in read_rows(folder / "dummy_data" / "touch_events.csv") if row["channel"]
        ]  # fmt: skip
        conversions = [
            (row["event"], row["user"], instant(row["event_timestamp"]), "1.00")
            for row in read_rows(folder / "dummy_data" / "conversion_events.csv") if row["type"] == "purchase"
        ]  # fmt: skip
        seconds = {
            row["model_id"]: int(row["time_seconds"]) for row in read_rows(folder / "attribution_windows.csv")
        }
        known = {"first_touch": ("3f6931bc", 5), "first_touch_7_day": ("cb3a11ab", 3)}
        for model in ("first_touch", "first_touch_7_day", "first_touch_30_day"):
            window = dt.timedelta(seconds=seconds[model]) if seconds[model] else dt.timedelta(days=36500)
            build_paths(
                db, models, touches, conversions,
                lookback_days=window / dt.timedelta(days=1), keep_idle_visits_of_buyers=False,
            )  # fmt: skip
            found = {
                key: (first, count)
                for key, first, count in rows(
                    db,
                    "select conversion_key, min(first_session_key) filter (where step_order = 1), sum(touch_count) "
                    f"from {INTERMEDIATE}.int_attribution__steps where conversion_key is not null group by 1",
                )
            }
            expected = {}
            for key, user, at, _ in conversions:
                inside = sorted((t[2], t[0]) for t in touches if t[1] == user and at - window <= t[2] <= at)
                if inside:
                    expected[key] = (inside[0][1], len(inside))
            assert found == expected
            assert len(found) >= 2
            if model in known:
                event, count = next(value for key, value in found.items() if key.startswith("739982bb"))
                assert (event[:8], count) == known[model]


class TestSnowplowFractribution:
    """97 sessions and 6 purchases (Snowplow's fractribution package)."""

    @pytest.fixture(scope="class")
    def folder(self) -> Path:
        return require_reference_data("peers", "snowplow_fractribution", "expected")

    @pytest.fixture(scope="class")
    def built(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels, folder: Path
    ) -> duckdb.DuckDBPyConnection:
        """Its paths to non-conversion are those of people who bought nothing at all."""
        touches = [
            (f"{number}", row["customer_id"], instant(row["visit_start_tstamp"]), row["channel"])
            for number, row in enumerate(expected_rows(folder, "sessions_by_customer_id"))
        ]
        conversions = [
            (row["customer_id"], row["customer_id"], instant(row["conversion_tstamp"]), row["revenue"])
            for row in expected_rows(folder, "conversions_by_customer_id")
        ]
        assert (len(touches), len(conversions)) == (97, 6)
        build_paths(db, models, touches, conversions, keep_idle_visits_of_buyers=False)
        build_credit(db, models)
        return db

    def test_paths_are_equal(self, built: duckdb.DuckDBPyConnection, folder: Path) -> None:
        for condition, name in (
            ("is not null", "paths_to_conversion"),
            ("is null", "paths_to_non_conversion"),
        ):
            found = rows(
                built,
                f"select person_id, path from {INTERMEDIATE}.int_attribution__paths where conversion_key {condition}",
            )
            expected = [(row["customer_id"], row["transformed_path"]) for row in expected_rows(folder, name)]
            assert Counter(found) == Counter(expected)

    def test_the_path_summary_is_equal(self, built: duckdb.DuckDBPyConnection, folder: Path) -> None:
        found = rows(
            built,
            "select path, mature_conversion_count, mature_path_count - mature_conversion_count, "
            "cast(coalesce(mature_revenue, 0) as double) from cx.marts.mart_attribution_paths",
        )
        assert sorted(found) == sorted(
            (
                row["transformed_path"],
                int(row["conversions"]),
                int(row["non_conversions"]),
                float(row["revenue"] or 0),
            )
            for row in expected_rows(folder, "path_summary")
        )

    @pytest.mark.parametrize(("method", "theirs"), [("path_removal", "shapley"), ("last", "last_touch")])
    def test_channel_credits_are_equal(
        self, built: duckdb.DuckDBPyConnection, folder: Path, method: str, theirs: str
    ) -> None:
        """What it calls Shapley takes one step at a time out of the path and compares conversion rates."""
        found = {
            channel: figures
            for channel, *figures in rows(
                built,
                f"select w.channel_group, sum({method}_weight), sum({method}_weight * cast(c.revenue as double)) "
                f"from {INTERMEDIATE}.int_attribution__weights as w "
                f"join {INTERMEDIATE}.int_attribution__conversions as c on w.conversion_key = c.conversion_key "
                "group by 1",
            )
        }
        for row in expected_rows(folder, "channel_attribution"):
            if row["ATTRIBUTION_TYPE"] == theirs:
                expected = [float(row["CONVERSIONS"]), float(row["REVENUE"])]
                assert found.get(row["CHANNEL"], [0, 0]) == pytest.approx(expected, abs=1e-9), row["CHANNEL"]
        credit = dict(rows(
            built,
            "select channel_group, revenue_credit from cx.marts.mart_attribution "
            f"where method = '{method}' and period_type = 'all'",
        ))  # fmt: skip
        assert {
            channel: pytest.approx(float(money), abs=0.01) for channel, money in credit.items() if money
        } == {channel: figures[1] for channel, figures in found.items() if figures[1]}


def expected_rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    """Rows of one of its expected tables."""
    return read_rows(folder / f"snowplow_fractribution_{name}_expected.csv")
