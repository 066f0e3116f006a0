"""The funnel of the reported period, and where it leaks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from orchestration.report.conversion import MIN_ENTRIES, wilson
from orchestration.report.movement import FALSE_DISCOVERY_RATE, Z95, discoveries, p_value
from orchestration.report.periods import Kind, Periods
from orchestration.report.reader import Marts, Row

_UNIT_ORDER = ("session", "person", "cart")
_UNIT_NOUN = {"session": "visit", "person": "person", "cart": "cart"}
# A leak older than this is the new normal; it belongs into the goals, not into a weekly page.
_REMEMBERED = timedelta(weeks=13)
_LISTED = 6
# Two-sided 99 %.
_Z99 = 2.575829
# A point of the chart; the line shows the course, the table the figures.
_MIN_CHART_ENTRIES = 10
_CHART_WEEKS = 13


@dataclass(frozen=True)
class Step:
    """One step: who got there in order, and the share that went on.

    Attributes:
        name: of the step.
        reached: entries that got as far, whose window is over.
        rate: share of them that took the next step; None at the last step or below 30 entries.
        low: lower end of its 95 % interval.
        high: upper end.
        share: of all entries that got as far.
        seconds: median time from the step before.
    """

    name: str
    reached: int
    rate: float | None
    low: float | None
    high: float | None
    share: float | None
    seconds: float | None


@dataclass(frozen=True)
class Leak:
    """A step that lets fewer through than before, in one segment.

    Attributes:
        step: where they leave.
        next_step: what they do not reach.
        step_order: place of the step in the funnel.
        segment_type: all, device_type, channel or customer_segment.
        segment: device, channel or all, for people.
        rate: share that goes on: since the week of the drop, or in it when it is the newest.
        reference: share that went on in the four full weeks before the drop.
        since: Monday of the week in which it dropped.
        day: day from which on it is broken, where the days tell it.
        entered: entries behind `rate`.
        lost: entries lost in a week that the reference would have kept.
        risk: money at risk in 30 days; None where the tracking sends no order value.
        risk_low: lower end of its 95 % interval.
        currency: of the money.
        is_new: it dropped in the newest full week.
    """

    step: str
    next_step: str
    step_order: int
    segment_type: str
    segment: str
    rate: float
    reference: float
    since: date
    day: date | None
    entered: int
    lost: float
    risk: float | None
    risk_low: float | None
    currency: str
    is_new: bool


@dataclass(frozen=True)
class StepHistory:
    """Conversion of the step with the worst leak, by week and value of its segment type."""

    step: str
    next_step: str
    segment_type: str
    points: tuple[tuple[date, str, float, int], ...]


@dataclass(frozen=True)
class Funnel:
    """A funnel in a period.

    Attributes:
        name: of the funnel.
        noun: what is counted, visit or person.
        kind: of the period.
        start: its first day.
        steps: in order.
        segments: step -> segment value -> share that went on, for the segment type device.
        in_progress: entries left out because their window is open.
        leaks: worst first.
        compared: whether enough full weeks were there to look for leaks.
        history: of the worst leak, if there is one.
    """

    name: str
    noun: str
    kind: Kind
    start: date | None
    steps: tuple[Step, ...]
    segments: tuple[tuple[str, str, float, int], ...]
    in_progress: int
    leaks: tuple[Leak, ...]
    compared: bool
    history: StepHistory | None


def read_funnel(marts: Marts, periods: Periods) -> Funnel | None:
    """The first funnel, in order, for the finest period with enough entries; None without any entry."""
    known = marts.rows(
        "select distinct funnel_id, unit from marts.mart_funnel where order_mode = 'ordered' and entered_count > 0",
        of=["mart_funnel"],
    )
    if not known:
        return None
    funnel_id = min(row["funnel_id"] for row in known)
    unit = min((row["unit"] for row in known if row["funnel_id"] == funnel_id), key=_UNIT_ORDER.index)
    kinds: tuple[Kind, ...] = ("week", "month", "all")
    for kind in kinds:
        rows = _step_rows(marts, funnel_id, unit, kind, periods.start(kind))
        overall = [row for row in rows if row["segment_type"] == "all"]
        if overall and (overall[0]["entered"] >= MIN_ENTRIES or kind == "all"):
            break
    leaks, compared = _leaks(marts, funnel_id, unit, periods)
    return Funnel(
        name=overall[0]["funnel_name"],
        noun=_UNIT_NOUN[unit],
        kind=kind,
        start=periods.start(kind),
        steps=tuple(_step(row, overall[0]) for row in overall),
        segments=tuple(
            (row["step_name"], row["segment_value"], row["advanced"] / row["entered"], row["entered"])
            for row in rows
            if row["segment_type"] == "device_type"
            and not row["is_last_step"]
            and row["entered"] >= MIN_ENTRIES
        ),
        in_progress=overall[0]["in_progress"],
        leaks=leaks,
        compared=compared,
        history=_history(marts, funnel_id, unit, periods, leaks),
    )


def step_label(name: str) -> str:
    """add_to_cart -> add to cart."""
    return name.replace("_", " ")


def segment_label(kind: str, value: str) -> str:
    """A segment for people: mobile; channel: Paid Search; everybody."""
    if kind == "all":
        return "everybody"
    value = value.replace("_", " ")
    return value if kind == "device_type" else f"{kind.replace('_', ' ')}: {value}"


def _step_rows(marts: Marts, funnel_id: str, unit: str, kind: Kind, start: date | None) -> list[Row]:
    period: tuple[str, list[Any]]
    if kind == "all":
        table, period = "mart_funnel_summary", ("true", [])
    else:
        table = "mart_funnel"
        period = (f"cast(date_trunc('{kind}', entry_date) as date) = ?", [start])
    return marts.rows(
        f"""
        select any_value(funnel_name) as funnel_name, segment_type, segment_value, step_order, step_name, is_last_step,
               cast(sum(entered_count) as bigint) as entered, cast(sum(advanced_count) as bigint) as advanced,
               cast(sum(in_progress_count) as bigint) as in_progress
        from marts.{table}
        where funnel_id = ? and unit = ? and order_mode = 'ordered' and segment_type in ('all', 'device_type')
          and {period[0]}
        group by all order by segment_type, segment_value, step_order
        """,
        [funnel_id, unit, *period[1]],
        of=[table],
    )


def _step(row: Row, first: Row) -> Step:
    enough = row["entered"] >= MIN_ENTRIES and not row["is_last_step"]
    low, high = wilson(row["advanced"], row["entered"]) if enough else (None, None)
    return Step(
        name=step_label(row["step_name"]),
        reached=row["entered"],
        rate=row["advanced"] / row["entered"] if enough else None,
        low=low,
        high=high,
        share=row["entered"] / first["entered"] if first["entered"] else None,
        seconds=None,
    )


def _leaks(marts: Marts, funnel_id: str, unit: str, periods: Periods) -> tuple[tuple[Leak, ...], bool]:
    """Drops of the newest full week, and earlier ones that later weeks confirm; worst first."""
    rows = marts.rows(
        """
        select week_start, step_order, step_name, segment_type, segment_value, entered_count as n,
               step_conversion_rate as rate, reference_entered_count as reference_n,
               reference_conversion_rate as reference, z_score, is_significant and is_clearest_segment as is_drop,
               purchase_rate_after_step as buys, cast(average_order_value as double) as order_value, currency,
               break_date
        from marts.mart_funnel_leaks
        where funnel_id = ? and unit = ? and (? is null or week_start <= ?)
        order by week_start, step_order, segment_type, segment_value
        """,
        [funnel_id, unit, periods.week, periods.week],
        of=["mart_funnel_leaks"],
    )
    if not rows:
        return (), False
    newest = rows[-1]["week_start"]
    cells: dict[tuple[int, str, str], list[Row]] = {}
    for row in rows:
        if row["week_start"] >= newest - _REMEMBERED:
            cells.setdefault((row["step_order"], row["segment_type"], row["segment_value"]), []).append(row)
    names = {row["step_order"]: row["step_name"] for row in _step_names(marts, funnel_id, unit)}
    fresh = _fresh_drops([weeks[-1] for weeks in cells.values() if weeks[-1]["week_start"] == newest])
    leaks = []
    for cell, weeks in cells.items():
        found = _lasting(weeks) or ([weeks[-1]] if cell in fresh else None)
        if found is not None:
            drop, after = found[0], found[1:] or found
            leaks.append(_leak(drop, after, weeks[-1], names, is_new=drop["week_start"] == newest))
    ranked = sorted(leaks, key=lambda leak: (-(leak.risk_low or 0), -(leak.risk or 0), -leak.lost, leak.step))
    return tuple(ranked[:_LISTED]), True


def _fresh_drops(rows: list[Row]) -> set[tuple[int, str, str]]:
    """Cells that dropped in the newest week, with the share of chance among them held down.

    Dozens of steps and segments are looked at each week; at 95 % some drop every week without a cause.
    """
    tested = [row for row in rows if row["z_score"] is not None]
    stand = discoveries([p_value(row["z_score"]) for row in tested], FALSE_DISCOVERY_RATE)
    return {
        (row["step_order"], row["segment_type"], row["segment_value"])
        for row, stands in zip(tested, stand, strict=True)
        if stands and row["is_drop"]
    }


def _lasting(weeks: list[Row]) -> list[Row] | None:
    """The week of the clearest lasting drop of a cell and the weeks after it, or None.

    A drop is lasting when the weeks after it, taken together, lie below its reference at 99 %. They were not
    used to find it, so they are evidence of their own.
    """
    best: list[Row] | None = None
    clearest = -_Z99
    for index, drop in enumerate(weeks):
        after = weeks[index + 1 :]
        n = sum(row["n"] for row in after)
        if not drop["is_drop"] or n < MIN_ENTRIES:
            continue
        rate = sum(row["rate"] * row["n"] for row in after) / n
        z = _z(rate, n, drop["reference"], drop["reference_n"])
        if z is not None and z <= clearest:
            best, clearest = weeks[index:], z
    return best


def _leak(drop: Row, after: list[Row], newest: Row, names: dict[int, str], is_new: bool) -> Leak:
    n = sum(row["n"] for row in after)
    rate, reference = sum(row["rate"] * row["n"] for row in after) / n, drop["reference"]
    error = math.sqrt(rate * (1 - rate) / n + reference * (1 - reference) / drop["reference_n"])
    a_week = n / len(after)
    worth = None
    if newest["buys"] is not None and newest["order_value"] is not None:
        worth = newest["buys"] * newest["order_value"] * 30 / 7
    return Leak(
        step=step_label(drop["step_name"]),
        next_step=step_label(names.get(drop["step_order"] + 1, "the next step")),
        step_order=drop["step_order"],
        segment_type=drop["segment_type"],
        segment=segment_label(drop["segment_type"], drop["segment_value"]),
        rate=rate,
        reference=reference,
        since=drop["week_start"],
        day=newest["break_date"],
        entered=n,
        lost=a_week * (reference - rate),
        risk=None if worth is None else a_week * (reference - rate) * worth,
        risk_low=None if worth is None else max(0.0, a_week * (reference - rate - Z95 * error) * worth),
        currency=drop["currency"],
        is_new=is_new,
    )


def _z(rate: float, n: float, reference: float, reference_n: float) -> float | None:
    """Standard errors between a share and its reference, with the pooled variance."""
    pooled = (rate * n + reference * reference_n) / (n + reference_n)
    variance = pooled * (1 - pooled) * (1 / n + 1 / reference_n)
    return (rate - reference) / math.sqrt(variance) if variance > 0 else None


def _step_names(marts: Marts, funnel_id: str, unit: str) -> list[Row]:
    return marts.rows(
        "select distinct step_order, step_name from marts.mart_funnel where funnel_id = ? and unit = ?",
        [funnel_id, unit],
        of=["mart_funnel"],
    )


def _history(
    marts: Marts, funnel_id: str, unit: str, periods: Periods, leaks: Sequence[Leak]
) -> StepHistory | None:
    """Weekly conversion of the step with the worst leak, by the values of its segment type."""
    if periods.week is None or not leaks:
        return None
    worst = leaks[0]
    segment_type = "device_type" if worst.segment_type == "all" else worst.segment_type
    first = periods.week - timedelta(weeks=_CHART_WEEKS - 1)
    points = marts.rows(
        """
        select cast(date_trunc('week', entry_date) as date) as week_start, segment_value,
               cast(sum(entered_count) as bigint) as entered, cast(sum(advanced_count) as bigint) as advanced
        from marts.mart_funnel
        where funnel_id = ? and unit = ? and order_mode = 'ordered' and segment_type = ? and step_order = ?
          and cast(date_trunc('week', entry_date) as date) between ? and ?
        group by 1, 2 having sum(entered_count) >= ? order by 1, 2
        """,
        [funnel_id, unit, segment_type, worst.step_order, first, periods.week, _MIN_CHART_ENTRIES],
        of=["mart_funnel"],
    )
    totals: dict[str, int] = {}
    for point in points:
        totals[point["segment_value"]] = totals.get(point["segment_value"], 0) + point["entered"]
    # More lines than four cannot be told apart.
    kept = set(sorted(totals, key=lambda value: (-totals[value], value))[:4])
    return StepHistory(
        step=worst.step,
        next_step=worst.next_step,
        segment_type=segment_type,
        points=tuple(
            (
                point["week_start"],
                point["segment_value"],
                point["advanced"] / point["entered"],
                point["entered"],
            )
            for point in points
            if point["segment_value"] in kept
        ),
    )
