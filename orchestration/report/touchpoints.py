"""The worst touchpoints with their owners, and satisfaction along the journey."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from orchestration.report import text
from orchestration.report.conversion import wilson
from orchestration.report.periods import Kind, Periods
from orchestration.report.reader import Marts, Row

_LISTED = 6
# With fewer scored touchpoints than this a ranking says nothing, and a longer period is taken.
_ENOUGH = 3
# Top-two-box shares are published from 20 answers on, as in mart_cx_metrics.
_MIN_ANSWERS = 20

_CRITERIA = {
    "csat": "satisfaction",
    "ces": "ease",
    "nps": "NPS",
    "fcr_repeat": "solved at first contact",
    "first_response_business_minutes_median": "first response",
}


@dataclass(frozen=True)
class Touchpoint:
    """A scored touchpoint.

    Attributes:
        name: of the touchpoint.
        channel: where it takes place.
        owner: who answers for it; None is a finding of its own.
        score: 1 to 5.
        coverage: share of the criteria's weight that could be measured.
        contacts: in the period.
        is_critical: as the registry says.
        reason: the criteria that pull it down, worst first.
    """

    name: str
    channel: str
    owner: str | None
    score: float
    coverage: float
    contacts: int
    is_critical: bool
    reason: str


@dataclass(frozen=True)
class Worst:
    """The lowest scores of a period, how many could be scored, and the critical ones in use that could not."""

    touchpoints: tuple[Touchpoint, ...]
    kind: Kind
    start: date | None
    scored: int
    with_contacts: int
    unscored_critical: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """A stage of the journey.

    Attributes:
        name: of the stage.
        satisfied: share of satisfied answers; None below 20 answers.
        low: lower end of its 95 % interval.
        high: upper end.
        answers: behind the share.
        contacts: in the period.
    """

    name: str
    satisfied: float | None
    low: float | None
    high: float | None
    answers: int
    contacts: int


@dataclass(frozen=True)
class Journey:
    """All stages in order, for one period."""

    stages: tuple[Stage, ...]
    kind: Kind
    start: date | None


def worst_touchpoints(marts: Marts, periods: Periods) -> Worst:
    """Lowest scores of the finest period in which enough touchpoints have one."""
    best = Worst((), "all", None, 0, 0)
    for kind in ("week", "month", "all"):
        start = periods.start(kind)
        rows = marts.rows(
            """
            select touchpoint_id, touchpoint_name, channel, owner_name, score, coverage, interaction_count, is_critical
            from marts.mart_touchpoint_scorecard
            where period_type = ? and period_start is not distinct from ? and touchpoint_id <> 'unmapped'
            order by score nulls last, interaction_count desc, touchpoint_id
            """,
            [kind, start],
            of=["mart_touchpoint_scorecard"],
        )
        scored = [row for row in rows if row["score"] is not None]
        seen = sum(1 for row in rows if row["interaction_count"])
        if len(scored) > best.scored or (kind == "all" and not best.scored):
            reasons = _reasons(marts, kind, start)
            best = Worst(
                tuple(_touchpoint(row, reasons.get(row["touchpoint_id"], "")) for row in scored[:_LISTED]),
                kind,
                start,
                len(scored),
                seen,
                tuple(
                    row["touchpoint_name"]
                    for row in rows
                    if row["is_critical"] and row["score"] is None and row["interaction_count"]
                ),
            )
        if best.scored >= _ENOUGH:
            break
    return best


def read_journey(marts: Marts, periods: Periods) -> Journey:
    """Satisfaction by stage, counted from the answers, for the finest period with two stages or more to show."""
    journey = Journey((), "all", None)
    for kind in ("week", "month", "all"):
        start = periods.start(kind)
        rows = marts.rows(
            """
            with answers as (
              select touchpoint_id, sum(numerator) as satisfied, sum(denominator) as answers
              from marts.mart_cx_metrics
              where metric_name = 'csat' and channel = 'all' and segment_type = 'all' and touchpoint_id <> 'all'
                and period_type = ? and period_start is not distinct from ?
              group by touchpoint_id
            ), contacts as (
              select touchpoint_id, sum(interaction_count) as contacts from marts.mart_touchpoint_scorecard
              where period_type = ? and period_start is not distinct from ?
              group by touchpoint_id
            )
            select t.stage_name, cast(coalesce(sum(a.satisfied), 0) as bigint) as satisfied,
                   cast(coalesce(sum(a.answers), 0) as bigint) as answers,
                   cast(coalesce(sum(c.contacts), 0) as bigint) as contacts
            from marts.dim_touchpoints as t
            left join answers as a on a.touchpoint_id = t.touchpoint_id
            left join contacts as c on c.touchpoint_id = t.touchpoint_id
            where t.stage_name is not null
            group by t.stage_name, t.stage_order order by t.stage_order, t.stage_name
            """,
            [kind, start, kind, start],
            of=["mart_cx_metrics", "mart_touchpoint_scorecard", "dim_touchpoints"],
        )
        journey = Journey(tuple(_stage(row) for row in rows), kind, start)
        if sum(1 for stage in journey.stages if stage.satisfied is not None) >= 2:
            break
    return journey


def _stage(row: Row) -> Stage:
    if row["answers"] < _MIN_ANSWERS:
        return Stage(row["stage_name"], None, None, None, row["answers"], row["contacts"])
    low, high = wilson(row["satisfied"], row["answers"])
    return Stage(
        row["stage_name"], row["satisfied"] / row["answers"], low, high, row["answers"], row["contacts"]
    )


def _touchpoint(row: Row, reason: str) -> Touchpoint:
    return Touchpoint(
        name=row["touchpoint_name"],
        channel=row["channel"].replace("_", " "),
        owner=row["owner_name"],
        score=row["score"],
        coverage=row["coverage"],
        contacts=row["interaction_count"],
        is_critical=bool(row["is_critical"]),
        reason=reason,
    )


def _reasons(marts: Marts, kind: Kind, start: date | None) -> dict[str, str]:
    """What pulls each touchpoint down: its measured criteria that score below the middle, worst first."""
    rows = marts.rows(
        """
        select touchpoint_id, metric_name, metric_value, response_count, criterion_score
        from marts.mart_scorecard_evidence
        where period_type = ? and period_start is not distinct from ? and criterion_score is not null
        order by touchpoint_id, criterion_score, metric_name
        """,
        [kind, start],
        of=["mart_scorecard_evidence"],
    )
    by_touchpoint: dict[str, list[Row]] = {}
    for row in rows:
        by_touchpoint.setdefault(row["touchpoint_id"], []).append(row)
    return {
        touchpoint: "; ".join(
            _criterion(row) for row in ([r for r in found if r["criterion_score"] < 3] or found[:1])[:2]
        )
        for touchpoint, found in by_touchpoint.items()
    }


def _criterion(row: Row) -> str:
    name, value = row["metric_name"], row["metric_value"]
    label = _CRITERIA.get(name, name.replace("_", " "))
    if name == "nps":
        shown = text.integer(value)
    elif name == "ces":
        shown = f"{text.decimal(value)} of 7"
    elif name.endswith(("_median", "_p90", "_mean")):
        shown = text.duration(value)
    else:
        shown = text.percent(value, 0)
    return f"{label} {shown} (n={text.integer(row['response_count'])})"
