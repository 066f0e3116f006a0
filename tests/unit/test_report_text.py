"""Numbers, dates and the arithmetic of movement, as a reader expects them."""

from datetime import UTC, date, datetime

import pytest

from orchestration.report import text
from orchestration.report.conversion import wilson
from orchestration.report.headline import Point
from orchestration.report.movement import Estimate, discoveries, p_value, z_score
from orchestration.report.page import sparkline


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (text.integer(-1234.4), "−1,234"),
        (text.decimal(-0.04), "0.0"),
        (text.decimal(1234.56, 1), "1,234.6"),
        (text.percent(0.7123), "71.2%"),
        (text.money(12400, "EUR"), "€12,400"),
        (text.money(-12400, "EUR"), "−€12,400"),
        (text.money(12400, "PLN"), "12,400 zł"),
        (text.money(12400, "CZK"), "12,400 CZK"),
        (text.duration(4.26), "4.3 min"),
        (text.duration(42), "42 min"),
        (text.duration(59.7), "1 h"),
        (text.duration(320), "5 h 20 min"),
        (text.duration(4896), "3.4 days"),
        (text.duration(-27), "−27 min"),
        (text.signed("2.1"), "+2.1"),
        (text.signed("−2.1"), "−2.1"),
        (text.significant(24685.7), 24700),
        (text.significant(0.0), 0),
        (text.day_range(date(2025, 6, 23), date(2025, 6, 29)), "23–29 June 2025"),
        (text.day_range(date(2025, 6, 30), date(2025, 7, 6)), "30 June – 6 July 2025"),
        (text.day_range(date(2025, 12, 29), date(2026, 1, 4)), "29 December 2025 – 4 January 2026"),
        (text.period("month", date(2025, 3, 1)), "March 2025"),
        (text.period("all", date.min), "all time"),
        (text.instant(datetime(2025, 3, 30, 1, 30, tzinfo=UTC), "Europe/Warsaw"), "30 March 2025, 03:30"),
        (text.instant(datetime(2025, 3, 30, 0, 30), "Europe/Warsaw"), "30 March 2025, 01:30"),
        (text.count_of(1, "entry"), "1 entry"),
        (text.count_of(3, "entry"), "3 entries"),
        (text.plural("survey"), "surveys"),
        (text.listing(["a", "b", "c"]), "a, b and c"),
        (text.listing([]), ""),
    ],
)
def test_formats(shown, expected):
    assert shown == expected


def test_two_shares_are_compared_with_the_pooled_test():
    # 45 of 100 against 30 of 100: pooled 0.375, error sqrt(0.375 · 0.625 · 0.02) = 0.068465, z = 2.1909
    z = z_score(
        Estimate(0.45, numerator=45, denominator=100), Estimate(0.30, numerator=30, denominator=100), True
    )
    assert z == pytest.approx(2.1909, abs=5e-5)
    assert p_value(z) == pytest.approx(0.02846, abs=5e-5)


def test_figures_with_intervals_are_compared_by_their_widths():
    # errors 4 and 3 points: z = 10 / 5
    now, before = (
        Estimate(40, 40 - 4 * 1.959964, 40 + 4 * 1.959964),
        Estimate(30, 30 - 3 * 1.959964, 30 + 3 * 1.959964),
    )
    assert z_score(now, before, False) == pytest.approx(2.0)


def test_without_uncertainty_nothing_is_said():
    assert z_score(Estimate(40), Estimate(30), False) is None
    assert (
        z_score(Estimate(1.0, numerator=5, denominator=5), Estimate(1.0, numerator=9, denominator=9), True)
        is None
    )


def test_false_discoveries_are_held_down():
    # Benjamini and Hochberg at 10 %: thresholds 0.02, 0.04, 0.06, 0.08, 0.10; the third (0.055) passes and takes
    # the second (0.045) along, the fourth (0.09) and fifth fail.
    assert discoveries([0.9, 0.045, 0.001, 0.09, 0.055], 0.1) == [False, True, True, False, True]
    assert discoveries([], 0.1) == []


def test_wilson_of_published_examples():
    # Newcombe 1998, table I: 81 of 263 gives 0.2553–0.3662; 0 of 20 gives 0–0.1611
    assert wilson(81, 263) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert wilson(0, 20) == (0, pytest.approx(0.1611, abs=5e-5))


def test_a_small_line_has_gaps_where_there_are_not_enough_answers():
    points = [Point(date(2025, 6, day), value, None, None, 1) for day, value in
              ((2, 1.0), (9, 2.0), (16, None), (23, 1.5), (30, 1.0))]  # fmt: skip
    assert sparkline(points).count("<polyline") == 2
    assert sparkline(points[:2]) == ""
