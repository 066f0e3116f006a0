"""Interval macros against scipy and published examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import jinja2
import pytest
from scipy import stats

from tests.support.dbt_models import DBT_PROJECT

Macros = Callable[..., float | None]


@pytest.fixture(scope="module")
def value() -> Macros:
    """`value("wilson_low", 3, 10)` renders a macro with these SQL expressions and evaluates it."""
    source = (DBT_PROJECT / "macros" / "metrics" / "intervals.sql").read_text(encoding="utf-8")
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    environment.globals["var"] = lambda name, default: default
    macros: Any = environment.from_string(source).module
    connection = duckdb.connect()
    connection.execute("set ieee_floating_point_ops = false")

    def evaluate(name: str, *arguments: object) -> float | None:
        sql = getattr(macros, name)(*(str(a) for a in arguments))
        row = connection.execute(f"select {sql}").fetchone()
        assert row is not None
        return row[0]

    return evaluate


@pytest.mark.parametrize("hits, n", [(0, 20), (1, 20), (10, 20), (19, 20), (20, 20), (2293, 2993), (1, 1)])
def test_wilson(value: Macros, hits: int, n: int) -> None:
    expected = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert value("wilson_low", hits, n) == pytest.approx(expected.low, abs=1e-12)
    assert value("wilson_high", hits, n) == pytest.approx(expected.high, abs=1e-12)


def test_no_row_has_no_share_and_no_interval(value: Macros) -> None:
    for name in ("share", "wilson_low", "wilson_high"):
        assert value(name, 0, 0) is None
        assert value(name, "cast(null as bigint)", "cast(null as bigint)") is None
    for name in ("nps", "nps_low", "nps_high"):
        assert value(name, 0, 0, 0) is None
        assert value(name, "cast(null as bigint)", 0, "cast(null as bigint)") is None
    assert value("mean_low", 5, 25, 1) is None


def test_nps_of_fifty_promoters_and_seventeen_detractors(value: Macros) -> None:
    # Hand-worked: p = .50, d = .17, variance .67 - .33² = .5611, 196 x sqrt(.5611 / 100) = 14.68 points.
    assert value("nps", 50, 17, 100) == 33
    low, high = value("nps_low", 50, 17, 100), value("nps_high", 50, 17, 100)
    assert low is not None and high is not None
    assert (high - low) / 2 == pytest.approx(14.7, abs=0.05)
    assert (high + low) / 2 == pytest.approx(33)


def test_nps_of_few_answers_is_adjusted(value: Macros) -> None:
    # Hand-worked, 40 answers, 30 promoters, no detractor: p' = 30.75/43, d' = .75/43, p' - d' = .697674,
    # variance p' + d' - (p' - d')² = .732558 - .486750 = .245809, margin 196 x sqrt(.245809 / 43) = 14.819.
    assert value("nps_low", 30, 0, 40) == pytest.approx(69.7674 - 14.819, abs=0.001)
    assert value("nps_high", 30, 0, 40) == pytest.approx(69.7674 + 14.819, abs=0.001)


def test_nps_of_equal_answers_keeps_a_width_and_its_bounds(value: Macros) -> None:
    low, high = value("nps_low", 40, 0, 40), value("nps_high", 40, 0, 40)
    assert low is not None and low < 95
    assert high == 100


def test_the_adjusted_interval_covers_the_truth(value: Macros) -> None:
    # 50 answers each, of a population with 45 % promoters and 25 % detractors: NPS 20.
    covered = 0
    draws = stats.multinomial(50, [0.45, 0.30, 0.25]).rvs(150, random_state=1)
    for promoters, _, detractors in draws:
        low = value("nps_low", promoters, detractors, 50)
        high = value("nps_high", promoters, detractors, 50)
        assert low is not None and high is not None
        covered += low <= 20 <= high
    assert 0.92 <= covered / 150 <= 0.99


@pytest.mark.parametrize("df, error", [(8, 3e-5), (14, 2e-6), (19, 4e-7), (29, 1e-7), (500, 1e-9)])
def test_quantile_of_student(value: Macros, df: int, error: float) -> None:
    assert value("t_95", df) == pytest.approx(stats.t.ppf(0.975, df), abs=error)


def test_interval_of_a_mean(value: Macros) -> None:
    scores = [7, 6, 6, 5, 7, 4, 2, 6, 7, 5, 6, 7, 3, 6, 5, 6, 7, 7, 1, 6]
    total, squares = sum(scores), sum(s * s for s in scores)
    expected = stats.ttest_1samp(scores, 0).confidence_interval(0.95)
    assert value("mean_low", total, squares, len(scores)) == pytest.approx(expected.low, abs=1e-6)
    assert value("mean_high", total, squares, len(scores)) == pytest.approx(expected.high, abs=1e-6)


def test_equal_answers_have_a_mean_without_width(value: Macros) -> None:
    assert value("mean_low", 120, 720, 20) == value("mean_high", 120, 720, 20) == 6
