"""Whether a figure moved, or only wobbled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# 95 % two-sided
Z95 = 1.959964
# One in ten of the listed changes may be chance; a weekly page is read for hints, not for proof.
FALSE_DISCOVERY_RATE = 0.1


@dataclass(frozen=True)
class Estimate:
    """A figure with what is known about its uncertainty.

    Attributes:
        value: in the metric's own unit.
        low: lower end of the 95 % interval, None where there is none.
        high: upper end.
        numerator: of a rate; with `denominator` it gives the exact test of two rates.
        denominator: of a rate.
    """

    value: float
    low: float | None = None
    high: float | None = None
    numerator: float | None = None
    denominator: float | None = None


def z_score(now: Estimate, before: Estimate, is_rate: bool) -> float | None:
    """Standard errors between two independent figures; None where their uncertainty is unknown.

    Rates are compared with the pooled two-proportion test. For the rest the standard error is taken from the
    width of the interval, which is exact for NPS and means and an approximation for medians.
    """
    if is_rate and now.denominator and before.denominator:
        if now.numerator is None or before.numerator is None:
            return None
        pooled = (now.numerator + before.numerator) / (now.denominator + before.denominator)
        variance = pooled * (1 - pooled) * (1 / now.denominator + 1 / before.denominator)
        difference = now.numerator / now.denominator - before.numerator / before.denominator
    else:
        errors = [_standard_error(estimate) for estimate in (now, before)]
        if None in errors:
            return None
        variance = sum(error**2 for error in errors if error is not None)
        difference = now.value - before.value
    if variance <= 0:
        return None
    return difference / math.sqrt(variance)


def p_value(z: float) -> float:
    """Two-sided probability of a difference at least this large without a cause."""
    return math.erfc(abs(z) / math.sqrt(2))


def discoveries(p_values: Sequence[float], rate: float) -> list[bool]:
    """Which of many comparisons stand when at most `rate` of the named ones may be chance.

    Benjamini and Hochberg's procedure: a page that lists the largest of hundreds of changes would otherwise
    name one in twenty of those that did not change.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    last = 0
    for rank, index in enumerate(order, start=1):
        if p_values[index] <= rate * rank / len(p_values):
            last = rank
    stands = set(order[:last])
    return [index in stands for index in range(len(p_values))]


def _standard_error(estimate: Estimate) -> float | None:
    if estimate.low is None or estimate.high is None:
        return None
    return (estimate.high - estimate.low) / (2 * Z95)
