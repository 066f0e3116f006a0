"""Charts as Vega-Lite specifications, made with Altair.

Colours are CSS variables of the page, so that the drawn SVG follows the reader's light or dark theme without
being drawn again. Data are aggregates with ISO dates, read in UTC so that no reader's time zone moves a week.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from orchestration.report import text
from orchestration.report.funnel import Funnel, StepHistory, segment_label, step_label
from orchestration.report.headline import Figure, Point
from orchestration.report.periods import Kind
from orchestration.report.sources import Release
from orchestration.report.touchpoints import Journey

if TYPE_CHECKING:
    import altair as alt

Spec = dict[str, Any]

INK, SOFT, RULE, ACCENT = "var(--ink)", "var(--soft)", "var(--rule)", "var(--accent)"
BAND, PAPER, MARK = "var(--band)", "var(--paper)", "var(--mark)"
SERIES = ("var(--series-1)", "var(--series-2)", "var(--series-3)", "var(--series-4)")
# Told apart without colour too.
_SHAPES = ("circle", "square", "triangle-up", "diamond")
# Literal, because Vega measures text on a canvas, which knows no CSS variables. The same stack as the page.
_SANS = "system-ui, -apple-system, Segoe UI, Helvetica Neue, Arial, sans-serif"


def trend(figure: Figure, releases: Sequence[Release]) -> Spec:
    """A metric over its periods: line with interval band, releases as marks.

    Args:
        figure: with a series of two points or more.
        releases: those that lie within the series are marked by a number; the page lists their names.
    """
    import altair as alt

    rows = [_point(figure, point) for point in figure.series]
    first, last = figure.series[0].start, figure.series[-1].start + timedelta(days=6)
    marks = [
        {"day": release.day.isoformat(), "mark": str(number), "release": f"{release.name} ({release.kind})"}
        for number, release in numbered(releases)
        if first <= release.day <= last
    ]
    x = alt.X("start:T", title=None, axis=_time_axis(alt, figure.kind), scale=alt.Scale(type="utc"))
    y_title = {"points": "points", "share": None, "score": "of 7", "minutes": "hours"}[figure.metric.unit]
    # A band of a small sample may reach far: the axis follows the values and clips it.
    y = alt.Y("value:Q", title=y_title, axis=_value_axis(alt, figure), scale=alt.Scale(zero=False, nice=True))
    tooltip = [alt.Tooltip("period:N", title="Period"), alt.Tooltip("shown:N", title="Value")]
    tooltip += [alt.Tooltip("interval:N", title="95% interval"), alt.Tooltip("n:Q", title="n", format=",")]
    base = alt.Chart(alt.Data(values=rows))
    layers: list[Any] = []
    if any(row["low"] is not None for row in rows):
        layers.append(
            base.mark_area(color=BAND, opacity=1).encode(x=x, y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))
        )
    if marks:
        marked = alt.Chart(alt.Data(values=marks)).encode(
            x=alt.X("day:T"), tooltip=[alt.Tooltip("release:N")]
        )
        layers.append(marked.mark_rule(color=MARK, strokeDash=[3, 3], strokeWidth=1.25))
        layers.append(
            marked.mark_text(color=MARK, y=0, dy=-7, fontSize=11, fontWeight=700).encode(
                text=alt.Text("mark:N")
            )
        )
    layers.append(base.mark_line(color=ACCENT, strokeWidth=2.25).encode(x=x, y=y))
    layers.append(
        base.mark_point(filled=True, color=ACCENT, size=46, stroke=PAPER, strokeWidth=1).encode(
            x=x, y=y, tooltip=tooltip
        )
    )
    return _spec(alt.layer(*layers), height=130)


def numbered(releases: Sequence[Release]) -> list[tuple[int, Release]]:
    """Releases with the number that marks them in every chart."""
    return list(enumerate(releases, start=1))


def step_rates(funnel: Funnel) -> Spec:
    """Share that goes on at each step, one point per device."""
    import altair as alt

    order = [step.name for step in funnel.steps[:-1]]
    rows = [
        {"step": step_label(step), "device": segment_label("device_type", value), "rate": rate,
         "shown": text.percent(rate), "n": entered}
        for step, value, rate, entered in funnel.segments
    ]  # fmt: skip
    devices = _largest(rows, "device")
    chart = (
        alt.Chart(alt.Data(values=[row for row in rows if row["device"] in devices]))
        .mark_point(filled=True, size=110, opacity=1, stroke=PAPER, strokeWidth=1)
        .encode(
            x=alt.X("rate:Q", title="share that goes on", axis=_axis(alt, format="%", tickCount=5),
                    scale=alt.Scale(domainMin=0, nice=True)),
            y=alt.Y("step:N", title=None, sort=order, axis=_axis(alt, grid=True, domain=False)),
            color=_colours(alt, "device", devices),
            shape=_shapes(alt, "device", devices),
            tooltip=[alt.Tooltip("device:N", title="Device"), alt.Tooltip("step:N", title="Step"),
                     alt.Tooltip("shown:N", title="Goes on"), alt.Tooltip("n:Q", title="n", format=",")],
        )
    )  # fmt: skip
    return _spec(chart, height=34 * max(len(order), 2))


def leak_history(history: StepHistory) -> Spec:
    """Weekly conversion of the step with the worst leak, one line per segment."""
    import altair as alt

    rows = [
        {"start": week.isoformat(), "segment": value.replace("_", " "), "rate": rate,
         "shown": text.percent(rate), "n": entered, "period": text.period("week", week)}
        for week, value, rate, entered in history.points
    ]  # fmt: skip
    segments = _largest(rows, "segment")
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("start:T", title=None, axis=_time_axis(alt, "week"), scale=alt.Scale(type="utc")),
        y=alt.Y("rate:Q", title=None, axis=_axis(alt, format="%", tickCount=4, grid=True, domain=False),
                scale=alt.Scale(domainMin=0, nice=True)),
        color=_colours(alt, "segment", segments),
        tooltip=[alt.Tooltip("period:N", title="Week"), alt.Tooltip("segment:N", title="Segment"),
                 alt.Tooltip("shown:N", title="Goes on"), alt.Tooltip("n:Q", title="n", format=",")],
    )  # fmt: skip
    points = base.mark_point(filled=True, size=40, opacity=1).encode(shape=_shapes(alt, "segment", segments))
    return _spec(alt.layer(base.mark_line(strokeWidth=2), points), height=190)


def journey_line(journey: Journey) -> Spec:
    """Satisfaction along the stages: a line with intervals; stages without enough answers stay empty."""
    import altair as alt

    order = [stage.name for stage in journey.stages]
    rows = [
        {"stage": stage.name, "satisfied": stage.satisfied, "low": stage.low, "high": stage.high,
         "shown": "" if stage.satisfied is None else text.percent(stage.satisfied, 0), "n": stage.answers,
         "contacts": stage.contacts}
        for stage in journey.stages
    ]  # fmt: skip
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X(
            "stage:O", title=None, sort=order, axis=_axis(alt, labelAngle=0, labelPadding=8, domain=False)
        ),
    )
    y = alt.Y("satisfied:Q", title=None, axis=_axis(alt, format="%", tickCount=4, grid=True, domain=False),
              scale=alt.Scale(zero=False, nice=True))  # fmt: skip
    tooltip = [alt.Tooltip("stage:N", title="Stage"), alt.Tooltip("shown:N", title="Satisfied"),
               alt.Tooltip("n:Q", title="Answers", format=","),
               alt.Tooltip("contacts:Q", title="Contacts", format=",")]  # fmt: skip
    line = base.mark_line(color=ACCENT, strokeWidth=2.25).encode(y=y)
    rule = base.mark_rule(color=ACCENT, opacity=0.45, strokeWidth=5).encode(
        y=alt.Y("low:Q"), y2=alt.Y2("high:Q")
    )
    point = base.mark_point(
        filled=True, color=ACCENT, size=90, opacity=1, stroke=PAPER, strokeWidth=1.5
    ).encode(y=y, tooltip=tooltip)
    words: Spec = {"dx": 9, "dy": -9, "align": "left", "fontSize": 12, "fontWeight": 600}
    label = base.encode(y=y, text=alt.Text("shown:N"))
    halo = label.mark_text(color=PAPER, stroke=PAPER, strokeWidth=4, strokeJoin="round", **words)
    return _spec(alt.layer(rule, line, point, halo, label.mark_text(color=INK, **words)), height=200)


def _point(figure: Figure, point: Point) -> Spec:
    unit = figure.metric.unit
    scale = 1 / 60 if unit == "minutes" else 1
    shown = "not enough answers" if point.value is None else format_value(unit, point.value)
    interval = "none"
    if point.low is not None and point.high is not None and point.value is not None:
        interval = f"{format_value(unit, point.low)} – {format_value(unit, point.high)}"
    return {
        "start": point.start.isoformat(),
        "period": text.period(figure.kind, point.start),
        "value": None if point.value is None else point.value * scale,
        "low": None if point.low is None or point.value is None else point.low * scale,
        "high": None if point.high is None or point.value is None else point.high * scale,
        "shown": shown,
        "interval": interval,
        "n": point.n,
    }


def format_value(unit: str, value: float) -> str:
    """A value of a metric in its unit."""
    if unit == "share":
        return text.percent(value)
    if unit == "minutes":
        return text.duration(value)
    return text.decimal(value, 2) if unit == "score" else text.decimal(value)


def _largest(rows: Sequence[Spec], field: str) -> list[str]:
    """The four values of a field with the largest n, by name, so that a value has one colour in every chart."""
    totals: dict[str, int] = {}
    for row in rows:
        totals[row[field]] = totals.get(row[field], 0) + row["n"]
    return sorted(sorted(totals, key=lambda value: (-totals[value], value))[: len(SERIES)])


def _colours(alt: Any, field: str, values: list[str]) -> alt.Color:
    scale = alt.Scale(domain=values, range=list(SERIES[: len(values)]))
    return alt.Color(f"{field}:N", sort=values, legend=_legend(alt, len(values)), scale=scale)


def _shapes(alt: Any, field: str, values: list[str]) -> alt.Shape:
    scale = alt.Scale(domain=values, range=list(_SHAPES[: len(values)]))
    return alt.Shape(f"{field}:N", sort=values, legend=_legend(alt, len(values)), scale=scale)


def _legend(alt: Any, entries: int) -> alt.Legend:
    look = {"orient": "top", "labelColor": INK, "labelFontSize": 12, "symbolSize": 90, "offset": 4}
    return alt.Legend(title=None, columns=2 if entries > 3 else 3, **look)


def _time_axis(alt: Any, kind: Kind) -> alt.Axis:
    form, ticks = ("%b", "month") if kind == "month" else ("%-d %b", 5)
    return _axis(alt, format=form, tickCount=ticks, labelOverlap="greedy", labelBound=True)


def _value_axis(alt: Any, figure: Figure) -> alt.Axis:
    form = {"share": "%", "score": ".1f", "points": "d", "minutes": ".1f"}[figure.metric.unit]
    if figure.metric.unit == "share":
        values = [point.value for point in figure.series if point.value is not None]
        form = ".1%" if values and max(values) - min(values) < 0.04 else "%"
    return _axis(alt, format=form, tickCount=4, grid=True, domain=False)


def _axis(alt: Any, **more: Any) -> alt.Axis:
    look = {"labelColor": SOFT, "titleColor": SOFT, "domainColor": RULE, "tickColor": RULE, "gridColor": RULE}
    return alt.Axis(**{**look, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
                       "grid": False, "ticks": False, "labelPadding": 6, **more})  # fmt: skip


def _spec(chart: Any, height: int) -> Spec:
    """The chart as a dictionary: as wide as its place in the page, transparent, in the page's type."""
    sized = chart.properties(width="container", height=height, background="transparent").configure(
        font=_SANS, autosize={"type": "fit-x", "contains": "padding"}
    )
    spec: Spec = sized.configure_view(stroke=None).to_dict()
    return spec
