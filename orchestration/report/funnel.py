"""The funnel of the reported period, and where it leaks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from orchestration.report.conversion import MIN_ENTRIES, wilson
from orchestration.report.movement import Z95
from orchestration.report.periods import Kind, Periods
from orchestration.report.reader import Marts, Row

_UNIT_ORDER = ("session", "person")
_UNIT_NOUN = {"session": "visit", "person": "person"}
# A leak older than this is the new normal; it belongs into the goals, not into a weekly page.
_REMEMBERED = timedelta(weeks=13)
_LISTED = 6
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
        rate: share that went on in the reported week.
        reference: share that went on in the four full weeks before the drop.
        since: Monday of the week in which it dropped.
        entered: entries at the step in the reported week.
        lost: entries lost in the reported week that the reference would have kept.
        risk: money at risk in 30 days; None where the tracking sends no order value.
        risk_low: lower end of its 95 % interval.
        currency: of the money.
        is_new: it dropped in the reported week.
    """

    step: str
    next_step: str
    step_order: int
    segment_type: str
    segment: str
    rate: float
    reference: float
    since: date
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
    """Drops of the reported week, and earlier ones that have not come back; worst first."""
    weeks = [
        row["week_start"]
        for row in marts.rows(
            "select distinct week_start from marts.mart_funnel_leaks where funnel_id = ? and unit = ? order by 1",
            [funnel_id, unit],
            of=["mart_funnel_leaks"],
        )
        if periods.week is None or row["week_start"] <= periods.week
    ]
    if not weeks:
        return (), False
    newest = weeks[-1]
    rows = marts.rows(
        """
        select l.week_start, l.step_order, l.step_name, l.segment_type, l.segment_value, l.currency,
               l.reference_conversion_rate as reference, l.reference_entered_count as reference_n,
               n.step_conversion_rate as rate, n.entered_count as entered, n.purchase_rate_after_step as buys,
               cast(n.average_order_value as double) as order_value,
               (select min(s.step_name) from marts.mart_funnel as s
                where s.funnel_id = l.funnel_id and s.unit = l.unit and s.step_order = l.step_order + 1) as next_step
        from marts.mart_funnel_leaks as l
        join marts.mart_funnel_leaks as n
          on n.funnel_id = l.funnel_id and n.unit = l.unit and n.segment_type = l.segment_type
          and n.segment_value = l.segment_value and n.step_order = l.step_order and n.week_start = ?
        where l.funnel_id = ? and l.unit = ? and l.is_significant and l.is_clearest_segment
          and l.week_start between ? and ? and n.entered_count >= ?
        order by l.week_start, l.step_order, l.segment_type, l.segment_value
        """,
        [newest, funnel_id, unit, newest - _REMEMBERED, newest, MIN_ENTRIES],
        of=["mart_funnel_leaks", "mart_funnel"],
    )
    leaks: dict[tuple[str, str, str], Leak] = {}
    for row in rows:  # oldest first: the first drop of a step in a segment names its date and its reference
        key = (row["step_name"], row["segment_type"], row["segment_value"])
        leak = _leak(row, newest)
        if leak is not None and key not in leaks:
            leaks[key] = leak
    ranked = sorted(
        leaks.values(), key=lambda leak: (-(leak.risk_low or 0), -(leak.risk or 0), -leak.lost, leak.step)
    )
    return tuple(ranked[:_LISTED]), True


def _leak(row: Row, newest: date) -> Leak | None:
    """The leak as it stands in the newest week; None when the step has come back within chance."""
    rate, reference, n = row["rate"], row["reference"], row["entered"]
    error = math.sqrt(rate * (1 - rate) / n + reference * (1 - reference) / row["reference_n"])
    drop, sure = reference - rate, reference - rate - Z95 * error
    if sure <= 0:
        return None
    worth = (
        None
        if row["buys"] is None or row["order_value"] is None
        else row["buys"] * row["order_value"] * 30 / 7
    )
    return Leak(
        step=step_label(row["step_name"]),
        next_step=step_label(row["next_step"] or "the next step"),
        step_order=row["step_order"],
        segment_type=row["segment_type"],
        segment=segment_label(row["segment_type"], row["segment_value"]),
        rate=rate,
        reference=reference,
        since=row["week_start"],
        entered=n,
        lost=n * drop,
        risk=None if worth is None else n * drop * worth,
        risk_low=None if worth is None else n * sure * worth,
        currency=row["currency"],
        is_new=row["week_start"] == newest,
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
        [funnel_id, unit, segment_type, worst.step_order, first, periods.week, MIN_ENTRIES],
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
