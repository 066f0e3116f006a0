"""The report as HTML: sections in their order, text for what is missing, charts as specifications."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from html import escape
from importlib.resources import files

from orchestration.report import charts, text
from orchestration.report.funnel import Funnel, Leak
from orchestration.report.headline import METRICS, Figure, Point
from orchestration.report.moves import Move, Moves
from orchestration.report.periods import Periods, previous
from orchestration.report.sources import Release, Source
from orchestration.report.touchpoints import Journey, Stage, Touchpoint, Worst

_LATEST_RELEASES = 8


@dataclass(frozen=True)
class Report:
    """Everything the page says.

    Attributes:
        company: its name.
        time_zone: in which instants are shown.
        built_at: when the marts were built, UTC.
        version: of the marts, '' while it is not published yet.
        periods: the reported week and month.
        figures: the seven numbers.
        moves: what moved most.
        funnel: None without web events.
        worst: lowest touchpoints.
        journey: satisfaction by stage.
        sources: connections.
        releases: oldest first.
    """

    company: str
    time_zone: str
    built_at: datetime
    version: str
    periods: Periods
    figures: Sequence[Figure]
    moves: Moves
    funnel: Funnel | None
    worst: Worst
    journey: Journey
    sources: Sequence[Source]
    releases: Sequence[Release]


@dataclass
class _Drawing:
    """Charts collected while the page is written."""

    specs: dict[str, charts.Spec] = field(default_factory=dict)

    def place(self, spec: charts.Spec, description: str) -> str:
        """Keeps a chart and returns the element that it will be drawn into."""
        key = f"chart-{len(self.specs) + 1}"
        self.specs[key] = {**spec, "description": description}
        return f'<div class="chart" id="{key}"></div>'


def render_page(report: Report) -> str:
    """The whole page as one string, with styles, script and data inside."""
    drawing = _Drawing()
    sections = [
        _numbers(report),
        _moved(report),
        _funnel(report, drawing),
        _touchpoints(report),
        _journey(report, drawing),
        _trends(report, drawing),
        _sources(report),
        _definitions(report),
    ]
    title = f"{escape(report.company)} · {escape(_period_title(report))}"
    script = ""
    if drawing.specs:
        script = (
            f'<script type="application/json" id="specs">{_json(drawing.specs)}</script>\n'
            # The bundle has a script of its own: in one script with ours its names would clash.
            f'<script type="module">{_bundle()}</script>\n'
            f'<script type="module">{_theme("report.js")}</script>\n'
        )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        # Nothing may be fetched: the page is mailed around and must not call home.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline';"
        " script-src 'unsafe-inline' 'unsafe-eval'; img-src data:\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{_theme('report.css')}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#numbers">Skip to the numbers</a>\n<div class="page">\n{_masthead(report)}\n<main>\n'
        + "\n".join(sections)
        + f"\n</main>\n{_colophon(report)}\n</div>\n{script}</body>\n</html>\n"
    )


# ---------------------------------------------------------------- head


def _masthead(report: Report) -> str:
    facts = [("Data until", _instant(report.periods.data_until, report.time_zone))]
    if report.periods.week:
        before = previous("week", report.periods.week)
        facts.append(("Compared with", text.day_range(before, before + timedelta(days=6))))
    facts.append(("Built", text.instant(report.built_at, report.time_zone)))
    if report.version:
        facts.append(("Version", report.version))
    listed = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    return (
        f'<header class="masthead"><p class="kicker">{escape(report.company)} · Customer experience</p>'
        f"<h1>{escape(_period_title(report))}</h1>"
        f'<p class="lede">{" ".join(lede(report))}</p><dl class="facts">{listed}</dl></header>'
    )


def _period_title(report: Report) -> str:
    return text.period("week", report.periods.week) if report.periods.week else "No dated records yet"


def lede(report: Report) -> list[str]:
    """The week in a few sentences, as HTML: what moved, where it leaks, what is worst, what is late."""
    if not any(figure.value is not None for figure in report.figures) and report.funnel is None:
        return ["There is not enough data for a single number yet; each section says what it waits for."]
    sentences = []
    moved = [figure for figure in report.figures if figure.is_significant and figure.kind != "all"]
    for figure in moved[:3]:
        went = "rose" if (figure.change or 0) > 0 else "fell"
        assert figure.value is not None and figure.before is not None
        sentences.append(
            f"<strong>{escape(figure.metric.label)}</strong> {went} from {_value(figure, figure.before)} to "
            f"<strong>{_value(figure, figure.value)}</strong>."
        )
    if not moved and any(figure.before is not None for figure in report.figures):
        sentences.append("None of the numbers moved by more than chance.")
    if report.funnel and report.funnel.leaks:
        sentences.append(_leak_sentence(report.funnel.leaks[0], report.funnel.noun))
    if report.worst.touchpoints:
        worst = report.worst.touchpoints[0]
        owner = f", {escape(worst.owner)}" if worst.owner else ", which has no owner"
        sentences.append(
            f"The lowest touchpoint is <strong>{escape(worst.name)}</strong> "
            f"({text.decimal(worst.score)} of 5{owner})."
        )
    late = [source for source in report.sources if source.is_late]
    if late:
        names = text.listing([f"<strong>{escape(_source_name(source))}</strong>" for source in late[:3]])
        more = f" and {len(late) - 3} more" if len(late) > 3 else ""
        sentences.append(f"Late: {names}{more}.")
    return sentences


def _leak_sentence(leak: Leak, noun: str) -> str:
    who = "Of" if leak.segment == "everybody" else f"Of <strong>{escape(leak.segment)}</strong>"
    risk = ""
    if leak.risk:
        risk = f": about <strong>{text.money(text.significant(leak.risk), leak.currency)}</strong> at risk in 30 days"
    return (
        f"{who} {text.plural(noun)} at {escape(leak.step)}, {text.percent(leak.rate, 0)} reach "
        f"{escape(leak.next_step)}, against {text.percent(leak.reference, 0)} before "
        f"{text.day(leak.day) if leak.day else f'the week of {text.day(leak.since)}'}{risk}."
    )


# ---------------------------------------------------------------- numbers


def _numbers(report: Report) -> str:
    cards = "".join(_card(figure, report.periods) for figure in report.figures)
    key = (
        '<li class="key"><p><span class="good">▲</span> <span class="bad">▼</span> a change larger than chance '
        "gives in 19 of 20 cases.</p><p>The rest is within chance and is not marked.</p>"
        "<p>Interval: where the true figure lies with 95% confidence.</p></li>"
    )
    return _section(
        "numbers", "The numbers", "Each with its interval, its n, and its movement against the period before.",
        f'<ul class="numbers">{cards}{key}</ul>',
    )  # fmt: skip


def _card(figure: Figure, periods: Periods) -> str:
    label = escape(figure.metric.label)
    if figure.value is None:
        return f'<li><h3>{label}</h3><p class="value none">{escape(figure.reason())}</p></li>'
    lines = [f'<p class="move {_tone(figure)}">{_movement(figure)}</p>']
    interval = ""
    if figure.low is not None and figure.high is not None:
        interval = f"<span>Interval {_bounds(figure)}</span> "
    lines.append(f'<p class="fine parts">{interval}<span>n = {text.integer(figure.n)}</span></p>')
    remarks = _remarks(figure, periods)
    if remarks:
        lines.append(f'<p class="fine">{remarks}</p>')
    value = f'<p class="value">{_value(figure, figure.value, small=True)}</p>'
    return f"<li><h3>{label}</h3>{value}{sparkline(figure.series)}{''.join(lines)}</li>"


def sparkline(series: Sequence[Point]) -> str:
    """The course of a figure as a small line; gaps where there are not enough answers; '' when most are."""
    known = [point.value for point in series if point.value is not None]
    if len(known) < 3 or len(known) < 0.6 * len(series):
        return ""
    low, high = min(known), max(known)
    width, height, step = 120, 26, 120 / (len(series) - 1)
    spread = high - low or 1
    runs: list[list[str]] = [[]]
    x = y = 0.0
    for index, point in enumerate(series):
        if point.value is None:
            runs.append([])
            continue
        x, y = index * step, height - (point.value - low) / spread * height
        runs[-1].append(f"{x:.1f},{y:.1f}")
    lines = "".join(f'<polyline points="{" ".join(run)}"/>' for run in runs if len(run) > 1)
    return (
        f'<svg class="spark" viewBox="-4 -4 {width + 8} {height + 8}" aria-hidden="true">'
        f'{lines}<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/></svg>'
    )


def _movement(figure: Figure) -> str:
    change = figure.change
    if change is None:
        return f"no earlier {figure.kind} to compare" if figure.kind != "all" else "all time"
    amount = text.signed(_difference(figure, change))
    if not amount.strip("+0.").removesuffix(" points").strip(" min"):
        return f"unchanged on the {figure.kind} before"
    since = f"on the {figure.kind} before"
    if figure.is_significant:
        return f"{'▲' if change > 0 else '▼'} {amount} {since}"
    if figure.z is None:
        return f"{amount} {since}"
    return f"{amount} {since}, within chance"


def _remarks(figure: Figure, periods: Periods) -> str:
    remarks = []
    if figure.metric.key == "nps" and figure.name.startswith("nps_"):
        remarks.append(f"{figure.name.removeprefix('nps_')} survey")
    if figure.name == "first_response_business_minutes_median":
        remarks.append("median, business hours")
    if figure.name == "first_response_calendar_minutes_median":
        remarks.append("median, around the clock")
    if figure.name == "repeat_purchase_rate_cumulative":
        remarks.append("two orders or more, all time")
    elif figure.metric.lagged and figure.start:
        remarks.append(f"first order in {text.period(figure.kind, figure.start)}")
    elif figure.kind == "month" and figure.start:
        remarks.append(text.period("month", figure.start))
    remarks += [note for note in figure.notes[-1:] if not figure.metric.lagged]
    return escape("; ".join(remarks))


def _tone(figure: Figure) -> str:
    if not figure.is_significant or figure.is_better is None:
        return "calm"
    return "good" if figure.is_better else "bad"


def _value(figure: Figure, value: float, small: bool = False) -> str:
    unit = figure.metric.unit
    shown = {
        "points": lambda: text.integer(value),
        "share": lambda: text.percent(value),
        "score": lambda: text.decimal(value, 2),
        "minutes": lambda: text.duration(value),
    }[unit]()
    if small and unit in ("points", "score"):
        return f"{shown} <small>{'points' if unit == 'points' else 'of 7'}</small>"
    return shown


def _bounds(figure: Figure) -> str:
    assert figure.low is not None and figure.high is not None
    if figure.metric.unit == "share":
        return f"{text.decimal(figure.low * 100)}–{text.percent(figure.high)}"
    if figure.metric.unit == "points":
        return f"{text.integer(figure.low)} to {text.integer(figure.high)}"
    return f"{_value(figure, figure.low)}–{_value(figure, figure.high)}"


def _difference(figure: Figure | Move, change: float) -> str:
    unit = figure.metric.unit
    if unit == "share":
        return f"{text.decimal(change * 100)} points"
    if unit == "points":
        return f"{text.decimal(change)} points"
    return text.duration(change) if unit == "minutes" else text.decimal(change, 2)


# ---------------------------------------------------------------- trends


def _trends(report: Report, drawing: _Drawing) -> str:
    shown = [
        figure for figure in report.figures if sum(point.value is not None for point in figure.series) >= 2
    ]
    if not shown:
        return _section("trends", "Trends", "", _empty("No number has two periods with enough answers yet."))
    first = min(figure.series[0].start for figure in shown)
    until = max(figure.series[-1].start for figure in shown) + timedelta(days=31)
    releases = [release for release in report.releases if first <= release.day <= until][-_LATEST_RELEASES:]
    plots = "".join(_trend(figure, releases, drawing) for figure in shown)
    return _section(
        "trends", "Trends", "The band is the 95% interval. Gaps are periods without enough answers.",
        f'<div class="charts small">{plots}</div>{_release_key(releases)}',
    )  # fmt: skip


def _trend(figure: Figure, releases: Sequence[Release], drawing: _Drawing) -> str:
    every = {"week": "by week", "month": "by month", "all": ""}[figure.kind]
    if figure.metric.lagged:
        every += " of the first order"
    place = drawing.place(
        charts.trend(figure, releases), f"{figure.metric.label} {every}; the figures stand in the table below"
    )
    rows = [
        [text.period(figure.kind, point.start), _point_value(figure, point), text.integer(point.n)]
        for point in figure.series
    ]
    return _figure(figure.metric.label, every, place, ["Period", "Value", "n"], rows)


def _point_value(figure: Figure, point: Point) -> str:
    if point.value is None:
        return f"not enough {text.plural(figure.metric.noun)}"
    return _value(figure, point.value)


def _release_key(releases: Sequence[Release]) -> str:
    if not releases:
        return ""
    items = "".join(
        f'<li><b>{number}</b> {escape(release.name)} <span class="fine">{escape(release.kind)}, '
        f"{text.day(release.day)}</span></li>"
        for number, release in charts.numbered(releases)
    )
    return f'<div><h3>Releases and changes</h3><ul class="releases">{items}</ul></div>'


# ---------------------------------------------------------------- moves


def _moved(report: Report) -> str:
    moves = report.moves
    intro = "Changes at single touchpoints, channels and segments that are more than chance."
    if not moves.compared:
        body = _empty(
            "Nothing to compare yet: no touchpoint, channel or segment has enough answers in two periods."
        )
    elif not moves.moves:
        body = _empty(
            f"Nothing stands out: {text.count_of(moves.compared, 'comparison')}, none beyond chance."
        )
    else:
        rows = [
            [
                _head(move.metric.label, move.scope),
                _cell(_figure_text(move, move.before), "Before", num=True),
                _cell(_figure_text(move, move.value), "Now", num=True),
                _cell(
                    f'<span class="strong {"good" if move.is_better else "bad"}">{"▲" if move.change > 0 else "▼"} '
                    f"{text.signed(_difference(move, move.change))}</span>",
                    "Change",
                    num=True,
                ),
                _cell(text.integer(move.n), "n", num=True),
            ]
            for move in moves.moves
        ]
        assert moves.start is not None
        caption = f"{text.period(moves.kind, moves.start)} against the {moves.kind} before"
        note = (
            f"Picked from {text.count_of(moves.compared, 'comparison')} so that at most one in ten is chance."
        )
        body = _table(caption, note, ["What, and where", "Before", "Now", "Change", "n"], rows)
    return _section("moved", "What moved most", intro, body)


def _figure_text(move: Move, value: float) -> str:
    return charts.format_value(move.metric.unit, value)


# ---------------------------------------------------------------- funnel


def _funnel(report: Report, drawing: _Drawing) -> str:
    funnel = report.funnel
    if funnel is None:
        return _section(
            "funnel", "Funnel and leaks", "", _empty("No funnel entries: needs web events and a funnel.")
        )
    parts = [_steps(funnel), _leaks(funnel)]
    plots = []
    if len(funnel.segments) > 1:
        place = drawing.place(charts.step_rates(funnel), "Share that goes on at each step, by device")
        rows = [[charts.step_label(s), v, text.percent(r), text.integer(n)] for s, v, r, n in funnel.segments]
        plots.append(_figure("Who goes on, by device", "", place, ["Step", "Device", "Goes on", "n"], rows))
    history = funnel.history
    if history is not None and len(history.points) > 2:
        place = drawing.place(
            charts.leak_history(history), f"Share that goes on from {history.step}, by week"
        )
        rows = [
            [text.period("week", w), v, text.percent(r), text.integer(n)] for w, v, r, n in history.points
        ]
        title = f"From {history.step} to {history.next_step}"
        plots.append(_figure(title, "by week", place, ["Week", "Segment", "Goes on", "n"], rows))
    if plots:
        parts.append(f'<div class="charts">{"".join(plots)}</div>')
    intro = f"{funnel.name}. Steps in order, others may lie between; counted once per {funnel.noun}."
    return _section("funnel", "Funnel and leaks", intro, "".join(parts))


def _steps(funnel: Funnel) -> str:
    rows = []
    for step in funnel.steps:
        share = step.share or 0.0
        goes_on = "" if step is funnel.steps[-1] else "not enough entries"
        if step.rate is not None and step.low is not None and step.high is not None:
            interval = f"{text.decimal(step.low * 100)}–{text.percent(step.high)}"
            goes_on = f"{text.percent(step.rate)}<small>{interval}</small>"
        rows.append(
            [
                _head(step.name),
                _cell(f'<span class="bar"><i style="width:{share * 100:.1f}%"></i></span>', "", css="wide"),
                _cell(text.integer(step.reached), "Reached", num=True),
                _cell(text.percent(share) if step.share is not None else "no entries", "Of all", num=True),
                _cell(goes_on or "last step", "Goes on", num=True),
            ]
        )
    period = text.period(funnel.kind, funnel.start or date.min)
    waiting = ""
    if funnel.in_progress:
        waiting = f" {text.count_of(funnel.in_progress, funnel.noun)} with an open window left out."
    note = f"Share that goes on with its 95% interval.{waiting}"
    if funnel.steps and funnel.noun == "visit":
        note += " Conversion, above, counts every visit that bought, whatever lay between."
    return _table(f"Steps, {period}", note, ["Step", "", "Reached", "Of all", "Goes on"], rows)


def _leaks(funnel: Funnel) -> str:
    if not funnel.compared:
        return _empty("Leaks need five full weeks of visits: one to look at and four to compare with.")
    if not funnel.leaks:
        return _empty("No leak: no step of any segment lets fewer through than before, beyond chance.")
    rows = []
    for leak in funnel.leaks:
        risk = "no order values"
        if leak.risk is not None:
            low = text.money(text.significant(leak.risk_low or 0), leak.currency)
            risk = f"{text.money(text.significant(leak.risk), leak.currency)}<small>at least {low}</small>"
        new = '<span class="tag bad">new</span>' if leak.is_new else ""
        day = f"<small>broken from {text.day(leak.day)} on</small>" if leak.day else ""
        rows.append(
            [
                _head(f"{leak.step} → {leak.next_step}", leak.segment),
                _cell(f"{text.percent(leak.reference)}", "Before", num=True),
                _cell(
                    f"{text.percent(leak.rate)}<small>n = {text.integer(leak.entered)}</small>",
                    "Now",
                    num=True,
                ),
                _cell(f"{text.day(leak.since)}{new}{day}", "Since week of"),
                _cell(text.integer(leak.lost), "Lost a week", num=True),
                _cell(risk, "At risk in 30 days", num=True),
            ]
        )
    note = "Drops that the weeks since then confirm, or new ones. Steps overlap: do not add them up."
    names = ["Where they leave", "Before", "Now", "Since week of", "Lost a week", "At risk in 30 days"]
    return _table("Leaks, worst first", note, names, rows)


# ---------------------------------------------------------------- touchpoints, journey


def _touchpoints(report: Report) -> str:
    worst = report.worst
    intro = "Score from 1 to 5, weighted over what could be measured. Critical: a bad contact there loses the customer."
    if not worst.touchpoints:
        reason = "No touchpoint has a score: a score needs 60% of its criteria, which come from surveys and tickets."
        if worst.with_contacts:
            seen = "one has" if worst.with_contacts == 1 else f"{worst.with_contacts} have"
            reason += f" Of the touchpoints, {seen} contacts."
        return _section("touchpoints", "Worst touchpoints", intro, _empty(reason))
    rows = [_touchpoint_row(touchpoint) for touchpoint in worst.touchpoints]
    period = text.period(worst.kind, worst.start or date.min)
    note = f"{text.count_of(worst.scored, 'touchpoint')} with a score, {worst.with_contacts} with contacts."
    names = ["Touchpoint", "Score", "Why", "Owner", "Contacts"]
    body = _table(f"Lowest scores, {period}", note, names, rows)
    if worst.unscored_critical:
        listed = escape(text.listing(list(worst.unscored_critical)))
        body += f'<p class="fine">Critical, in use and without a score, for want of answers: {listed}.</p>'
    return _section("touchpoints", "Worst touchpoints", intro, body)


def _touchpoint_row(touchpoint: Touchpoint) -> list[str]:
    below = f"{touchpoint.channel} · critical" if touchpoint.is_critical else touchpoint.channel
    owner = escape(touchpoint.owner) if touchpoint.owner else '<span class="bad strong">no owner</span>'
    css = ' class="strong bad"' if touchpoint.score < 3 else ""
    return [
        _head(touchpoint.name, below),
        _cell(
            f"<span{css}>{text.decimal(touchpoint.score)}</span>"
            f"<small>{text.percent(touchpoint.coverage, 0)} measured</small>",
            "Score",
            num=True,
        ),
        _cell(escape(touchpoint.reason) or "no single criterion", "Why"),
        _cell(owner, "Owner"),
        _cell(text.integer(touchpoint.contacts), "Contacts", num=True),
    ]


def _journey(report: Report, drawing: _Drawing) -> str:
    journey = report.journey
    intro = "Share of satisfied customers at each stage, with its 95% interval."
    shown = [stage for stage in journey.stages if stage.satisfied is not None]
    if not journey.stages:
        body = _empty("There are no journey stages: the touchpoint registry is empty.")
    elif len(shown) < 2:
        counts = sum(stage.answers for stage in journey.stages)
        body = _empty(f"Not enough satisfaction answers along the journey (n={text.integer(counts)}).")
        body += _stage_table(journey)
    else:
        place = drawing.place(charts.journey_line(journey), "Satisfaction by stage of the journey")
        period = text.period(journey.kind, journey.start or date.min)
        body = (
            f"<figure><figcaption><h3>Satisfied, {period}</h3></figcaption>{place}</figure>"
            + _stage_table(journey)
        )
    return _section("journey", "Along the journey", intro, body)


def _stage_table(journey: Journey) -> str:
    rows = [
        [
            _head(stage.name),
            _cell(_stage_value(stage), "Satisfied", num=True),
            _cell(text.integer(stage.answers), "Answers", num=True),
            _cell(text.integer(stage.contacts), "Contacts", num=True),
        ]
        for stage in journey.stages
    ]
    period = text.period(journey.kind, journey.start or date.min)
    return _table(f"Stages, {period}", "", ["Stage", "Satisfied", "Answers", "Contacts"], rows)


def _stage_value(stage: Stage) -> str:
    if stage.satisfied is None or stage.low is None or stage.high is None:
        return f"not enough answers (n={text.integer(stage.answers)})"
    return f"{text.percent(stage.satisfied)} ({text.decimal(stage.low * 100)}–{text.percent(stage.high)})"


# ---------------------------------------------------------------- sources, definitions


def _sources(report: Report) -> str:
    intro = "How recent each source is, and what it sent that did not fit. Rejected rows can be replayed."
    if not report.sources:
        return _section("sources", "Data", intro, _empty("No source has been loaded yet."))
    rows = []
    for source in report.sources:
        late = '<span class="tag bad">late</span>' if source.is_late else ""
        share = source.rejected_share
        rejected = "none" if not source.rejected else f"{text.integer(source.rejected)}"
        if source.rejected and share is not None:
            rejected += f"<small>{text.percent(share, 2)} of rows read</small>"
        reasons = "; ".join(f"{reason} ({text.integer(count)})" for reason, count in source.reasons)
        rows.append(
            [
                _head(_source_name(source), text.count_of(source.tables, "table"), late),
                _cell(_moment(source.latest_record_at, report.time_zone, "no dates"), "Newest record"),
                _cell(_moment(source.last_load_at, report.time_zone, "never loaded"), "Last load"),
                _cell(text.integer(source.rows), "Rows", num=True),
                _cell(rejected, "Rejected", num=True),
                _cell(f'<span class="fine">{escape(reasons)}</span>' if reasons else "–", "Reasons"),
            ]
        )
    names = ["Source", "Newest record", "Last load", "Rows", "Rejected", "Reasons"]
    note = f"Times in {report.time_zone}."
    return _section(
        "sources", "Data", intro, _table("Freshness and rejected rows by source", note, names, rows)
    )


def _source_name(source: Source) -> str:
    connector, _, connection = source.name.partition("__")
    return f"{connection} ({connector.replace('_', ' ')})" if connection else source.name


def _definitions(report: Report) -> str:
    more = [
        ("Interval and chance", "Wilson interval for shares, t-interval for means, multinomial for NPS. A change is "
         "marked when it exceeds 1.96 standard errors; in “What moved most” the false discovery rate is held at 10%."),
        ("Not enough answers", "Below 30 answers for NPS, 20 for shares and means, 10 tickets for times, 30 funnel "
         "entries. Nothing is then shown, because it would say more about chance than about customers."),
        ("Leak", "A step that fewer go on from than in the four full weeks before the drop. An earlier drop is listed "
         "while the weeks after it, taken together, lie below at 99%; one of the newest week when it stands at a "
         "false discovery rate of 10% among all steps and segments."),
        ("Money at risk", "Entries lost against the reference × share that would have bought × mean order value, "
         "per 30 days. The lower figure uses the lower end of the interval."),
        ("Touchpoint score", "Weighted mean of satisfaction, ease, NPS, resolution and response speed on a scale "
         "from 1 to 5, over what is measured; none below 60% of the weight."),
    ]  # fmt: skip
    entries = [(metric.label, metric.definition) for metric in METRICS] + more
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(body)}</dd></div>" for name, body in entries)
    return _section("definitions", "Definitions", "", f'<dl class="definitions">{items}</dl>')


def _colophon(report: Report) -> str:
    return (
        '<footer class="colophon">Made from the published marts of '
        f"{escape(report.company)}. The page holds aggregates only, no row of any person, and fetches nothing."
        "</footer>"
    )


# ---------------------------------------------------------------- pieces


def _section(key: str, title: str, intro: str, body: str) -> str:
    note = f"<p>{escape(intro)}</p>" if intro else ""
    return (
        f'<section class="section" id="{key}" aria-labelledby="{key}-title">'
        f'<header><h2 id="{key}-title">{escape(title)}</h2>{note}</header><div>{body}</div></section>'
    )


def _empty(reason: str) -> str:
    return f'<p class="empty">{escape(reason)}</p>'


def _head(title: str, below: str = "", mark: str = "") -> str:
    small = f"<small>{escape(below)}</small>" if below else ""
    return f'<th scope="row" role="rowheader">{escape(title)}{mark}{small}</th>'


def _cell(body: str, label: str, num: bool = False, css: str = "") -> str:
    names = " ".join(name for name in ("num" if num else "", css) if name)
    attribute = f' class="{names}"' if names else ""
    return f'<td role="cell" data-label="{escape(label)}"{attribute}><span>{body}</span></td>'


def _table(caption: str, note: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    numeric = ['class="num"' in cell or 'class="num ' in cell for cell in rows[0]] if rows else []
    heads = "".join(
        f'<th scope="col" role="columnheader"{" class=num" if number else ""}>{escape(name)}</th>'
        for name, number in zip(names, numeric, strict=True)
    )
    body = "".join(f'<tr role="row">{"".join(row)}</tr>' for row in rows)
    below = f"<span>{escape(note)}</span>" if note else ""
    return (
        f'<table class="stack" role="table"><caption>{escape(caption)}{below}</caption>'
        f'<thead role="rowgroup"><tr role="row">{heads}</tr></thead><tbody role="rowgroup">{body}</tbody></table>'
    )


def _figure(title: str, below: str, place: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    under = f'<p class="fine">{escape(below)}</p>' if below else ""
    return (
        f"<figure><figcaption><h3>{escape(title)}</h3>{under}</figcaption>{place}"
        f"<details><summary>Figures</summary><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
        "</details></figure>"
    )


def _instant(value: datetime | None, zone: str, none: str = "no dated records") -> str:
    return none if value is None else text.instant(value, zone)


def _moment(value: datetime | None, zone: str, none: str) -> str:
    """An instant in two lines, day and time."""
    if value is None:
        return none
    day, time = text.moment(value, zone)
    return f'<span class="nowrap">{day}</span><small>{time}</small>'


def _json(value: object) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


@cache
def _bundle() -> str:
    import vl_convert

    bundle: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    return bundle.replace("</script", "<\\/script")


@cache
def _theme(name: str) -> str:
    return files("orchestration.report").joinpath("theme", name).read_text(encoding="utf-8")
