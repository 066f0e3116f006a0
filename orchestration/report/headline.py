"""The few numbers: each with its interval, its n, and its movement against the period before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from orchestration.report import text
from orchestration.report.conversion import conversion_rows
from orchestration.report.movement import Z95, Estimate, z_score
from orchestration.report.periods import Kind, Periods, previous
from orchestration.report.reader import Marts, Row

Unit = Literal["points", "share", "score", "minutes"]

_SERIES_LENGTH: dict[Kind, int] = {"week": 13, "month": 13, "all": 0}


@dataclass(frozen=True)
class Metric:
    """One of the headline metrics.

    Attributes:
        key: id used in the page.
        label: name for people.
        names: metric_name in mart_cx_metrics; the first one with data is taken.
        unit: of the value.
        noun: what is counted in n.
        higher_is_better: direction of an improvement.
        definition: one sentence for the footer.
        lagged: the newest period is long past, because its outcome needs time to show.
        source: what has to be loaded for it.
    """

    key: str
    label: str
    names: tuple[str, ...]
    unit: Unit
    noun: str
    higher_is_better: bool
    definition: str
    source: str
    lagged: bool = False


METRICS: tuple[Metric, ...] = (
    Metric(
        "nps",
        "Net Promoter Score",
        ("nps_relationship", "nps_transactional", "nps"),
        "points",
        "answer",
        True,
        "Share of answers 9–10 minus share of answers 0–6 to “Would you recommend us?”, in points from "
        "−100 to 100. Relationship and transactional surveys are never mixed.",
        "surveys",
    ),
    Metric(
        "csat",
        "Satisfaction (CSAT)",
        ("csat",),
        "share",
        "answer",
        True,
        "Share of satisfied answers: 4–5 of five, 6–7 of seven, good of good and bad.",
        "surveys or ticket ratings",
    ),
    Metric(
        "ces",
        "Ease (CES)",
        ("ces",),
        "score",
        "answer",
        True,
        "Mean answer to “It was easy to handle my issue”, 1 (strongly disagree) to 7 (strongly agree).",
        "surveys",
    ),
    Metric(
        "first_response",
        "First response",
        ("first_response_business_minutes_median", "first_response_calendar_minutes_median"),
        "minutes",
        "ticket",
        False,
        "Median time from the opening of a ticket to the first public reply of a person, in business hours.",
        "support tickets with replies",
    ),
    Metric(
        "fcr",
        "First-contact resolution",
        ("fcr_repeat",),
        "share",
        "ticket",
        True,
        "Share of resolved tickets without a reopening and without another contact of the same customer about "
        "the same issue within 7 days. Tickets whose 7 days are not over are left out.",
        "support tickets",
    ),
    Metric(
        "conversion",
        "Conversion",
        (),
        "share",
        "visit",
        True,
        "Share of visits that entered the funnel and reached the purchase, whatever lay between. Visits that are "
        "still open are left out.",
        "web events",
    ),
    Metric(
        "repeat",
        "Repeat purchase",
        ("repeat_purchase_rate", "repeat_purchase_rate_cumulative"),
        "share",
        "customer",
        True,
        "Share of customers with a second order on another day within the window (90 days unless set otherwise) of "
        "the first, by month of the first order. Customers whose window is still open are left out, and so are the "
        "months within one window of the start of the data, where the first order seen may not be the first.",
        "orders",
        lagged=True,
    ),
)


@dataclass(frozen=True)
class Point:
    """One period of a series; `value` is None where there are not enough answers."""

    start: date
    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Figure:
    """A metric as the page shows it.

    Attributes:
        metric: what it is.
        kind: the finest kind of period with enough answers.
        start: first day of that period.
        value: None where even all time has too few answers.
        low: lower end of the 95 % interval.
        high: upper end.
        n: answers behind the value.
        before: value of the period before; None where it has too few answers.
        z: standard errors between the two; None where it cannot be known.
        notes: why a finer period is not shown, and other remarks.
        series: history of the same kind of period, oldest first.
    """

    metric: Metric
    name: str = ""
    kind: Kind = "all"
    start: date | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    before: float | None = None
    z: float | None = None
    notes: tuple[str, ...] = ()
    series: tuple[Point, ...] = field(default=())

    @property
    def change(self) -> float | None:
        """Difference to the period before, in the unit of the metric."""
        return None if self.value is None or self.before is None else self.value - self.before

    @property
    def is_significant(self) -> bool:
        """The change is larger than chance gives in 19 of 20 cases."""
        return self.z is not None and abs(self.z) >= Z95

    @property
    def is_better(self) -> bool | None:
        """Whether the change goes the right way; None without one."""
        if not self.change:
            return None
        return (self.change > 0) == self.metric.higher_is_better

    def reason(self) -> str:
        """Why there is no value."""
        if self.n:
            return f"not enough {text.plural(self.metric.noun)} (n={text.integer(self.n)})"
        return f"no data: needs {self.metric.source}"


def headline(marts: Marts, periods: Periods) -> list[Figure]:
    """The seven figures of the report, in its order."""
    rows = marts.rows(
        """
        select metric_name, period_type, period_start, metric_value, ci_low, ci_high, numerator, denominator,
               response_count, is_reportable
        from marts.mart_cx_metrics
        where touchpoint_id = 'all' and channel = 'all' and segment_type = 'all'
        order by metric_name, period_type, period_start
        """,
        of=["mart_cx_metrics"],
    )
    by_name: dict[str, list[Row]] = {}
    for row in [*rows, *conversion_rows(marts)]:
        by_name.setdefault(row["metric_name"], []).append(row)
    figures = []
    for metric in METRICS:
        names = metric.names or (metric.key,)
        name = next((name for name in names if by_name.get(name)), names[0])
        found = by_name.get(name, [])
        figures.append(figure(metric, _settled(marts, found) if metric.lagged else found, periods, name))
    return figures


def _settled(marts: Marts, rows: list[Row]) -> list[Row]:
    """Cohorts that begin at least one window after the data do, and all time.

    Customers seen first in the early months mostly bought before: they come back more often than new ones, and
    the rate would seem to fall ever after.
    """
    window = marts.value(
        "select max(window_days) from marts.mart_repeat_purchase", of=["mart_repeat_purchase"]
    )
    starts = [row["period_start"] for row in rows if row["period_start"] is not None]
    if not starts or window is None:
        return rows
    first = min(starts) + timedelta(days=int(window))
    return [row for row in rows if row["period_start"] is None or row["period_start"] >= first]


def figure(metric: Metric, rows: Iterable[Row], periods: Periods, name: str = "") -> Figure:
    """The finest figure that the rows of a metric allow.

    Args:
        metric: what it is.
        rows: all periods of the metric, all-up.
        periods: the reported week and month.
        name: metric_name the rows have.
    """
    found = {(row["period_type"], row["period_start"]): row for row in rows}
    notes: list[str] = []
    most = 0
    for kind in ("week", "month", "all"):
        start = _start(metric, kind, found, periods)
        row = found.get((kind, start))
        if row is None:
            continue
        most = max(most, row["response_count"])
        if not row["is_reportable"] or row["metric_value"] is None:
            count = text.integer(row["response_count"])
            notes.append(f"{kind}: not enough {text.plural(metric.noun)} (n={count})")
            continue
        earlier = found.get((kind, previous(kind, start))) if start else None
        usable = earlier is not None and earlier["is_reportable"] and earlier["metric_value"] is not None
        return Figure(
            metric=metric,
            name=name,
            kind=kind,
            start=start,
            value=row["metric_value"],
            low=row["ci_low"],
            high=row["ci_high"],
            n=row["response_count"],
            before=earlier["metric_value"] if earlier and usable else None,
            z=z_score(estimate(row), estimate(earlier), metric.unit == "share")
            if earlier and usable
            else None,
            notes=tuple(notes),
            series=_series(found, kind, start),
        )
    return Figure(metric=metric, name=name, n=most)


def estimate(row: Row) -> Estimate:
    """A row of mart_cx_metrics as an estimate."""
    return Estimate(row["metric_value"], row["ci_low"], row["ci_high"], row["numerator"], row["denominator"])


def _start(
    metric: Metric, kind: Kind, found: dict[tuple[str, date | None], Row], periods: Periods
) -> date | None:
    if kind == "all":
        return None
    start = periods.start(kind)
    if metric.lagged and start is not None:
        reportable = [
            begin
            for (type_, begin), row in found.items()
            if type_ == kind and begin is not None and begin <= start and row["is_reportable"]
        ]
        return max(reportable, default=start)
    return start


def _series(found: dict[tuple[str, date | None], Row], kind: Kind, start: date | None) -> tuple[Point, ...]:
    if start is None:
        return ()
    begins = [start]
    while len(begins) < _SERIES_LENGTH[kind]:
        begins.append(previous(kind, begins[-1]))
    first = min((begin for type_, begin in found if type_ == kind and begin is not None), default=start)
    points = []
    for begin in reversed(begins):
        if begin < first:
            continue
        row = found.get((kind, begin))
        if row is None:
            points.append(Point(begin, None, None, None, 0))
        else:
            value = row["metric_value"] if row["is_reportable"] else None
            points.append(Point(begin, value, row["ci_low"], row["ci_high"], row["response_count"]))
    return tuple(points)
