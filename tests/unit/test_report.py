"""The report's figures and sentences, on marts whose numbers are worked out by hand (tests/support/report_marts)."""

import re
from datetime import date

import pytest

from orchestration.report.build import read_report, render_report
from orchestration.report.funnel import _fresh_drops, _lasting
from orchestration.report.page import lede, render_page
from tests.support.contracts import create_empty_marts, mart_columns
from tests.support.report_marts import (
    MANIFEST,
    SCHEMA,
    WEEK,
    empty_marts,
    full_marts,
    orders_only,
    too_few_answers,
)

SECTIONS = ["numbers", "moved", "funnel", "touchpoints", "journey", "trends", "sources", "definitions"]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return read_report(full_marts(tmp_path_factory.mktemp("report") / "cx.duckdb"), MANIFEST)


@pytest.fixture(scope="module")
def page(report):
    return render_page(report)


def figure(report, key):
    return next(figure for figure in report.figures if figure.metric.key == key)


def words(html):
    """The text a reader sees, with single spaces."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_the_test_marts_have_columns_of_the_real_marts_in_their_types():
    declared = mart_columns()
    for table, columns in re.findall(r"create table marts\.(\w+) \((.*?)\);", SCHEMA, flags=re.S):
        for column in re.split(r",\s+", columns.replace("(18, 4)", "(18,4)")):
            name, kind = column.strip().split(" ", 1)
            assert name in declared[table], f"{table}.{name}"
            assert declared[table][name].startswith(("decimal", kind)), f"{table}.{name}"


def test_the_reported_week_is_the_last_one_that_the_data_cover_to_its_end(report):
    # The newest record is of Sunday 23:30 in Warsaw; the record of the year 2999 is a mistake and moves nothing.
    assert report.periods.week == date(2025, 6, 23)
    assert report.periods.month == date(2025, 5, 1)


def test_satisfaction_fell_by_more_than_chance(report):
    # 320 and 280 of 400: pooled rate 0.75, standard error sqrt(0.75 · 0.25 · 2 / 400) = 0.030619, z = −3.2660
    csat = figure(report, "csat")
    assert (csat.value, csat.before, csat.n) == (0.7, 0.8, 400)
    assert csat.z == pytest.approx(-3.2660, abs=5e-5)
    assert csat.is_significant
    assert csat.is_better is False


def test_recommendation_moved_within_chance(report):
    # 32 and 33 points, each ±10.4: standard error 10.4 / 1.959964 · sqrt(2) = 7.504, z = 0.1333
    nps = figure(report, "nps")
    assert nps.name == "nps_relationship"
    assert nps.z == pytest.approx(0.1333, abs=5e-5)
    assert not nps.is_significant


def test_a_median_without_interval_is_never_called_significant(report):
    response = figure(report, "first_response")
    assert (response.value, response.change, response.z) == (92, -27, None)
    assert response.is_better  # faster
    assert not response.is_significant


def test_conversion_is_counted_from_entries_not_averaged(report):
    # 300 of 2000 desktop and 120 of 2400 mobile visits: 420 of 4400, not the mean of 15 % and 5 %
    conversion = figure(report, "conversion")
    assert conversion.value == pytest.approx(420 / 4400)
    assert conversion.n == 4400


def test_repeat_purchase_shows_the_newest_month_whose_time_is_over(report):
    repeat = figure(report, "repeat")
    assert (repeat.kind, repeat.start, repeat.value) == ("month", date(2025, 3, 1), 0.33)


def test_changes_beyond_chance_are_listed_once_and_by_clarity(report):
    # By z: chat 60 → 88 of 100 (4.51), repeat customers 120 → 84 of 160 (−4.19), checkout 80 → 52 (−4.18).
    moves = report.moves
    assert [(move.scope, round(move.z, 2)) for move in moves.moves] == [
        ("Support by chat", 4.51),
        ("customers: repeat", -4.19),
        ("Checkout", -4.18),
    ]
    assert moves.compared == 11  # the chat channel is the chat touchpoint and is compared once


def test_the_leak_is_named_with_its_step_device_date_and_money(report):
    # Since the week of the drop 400 mobile visits a week reach the checkout and 30 % instead of 48 % go on: 72 are
    # lost. All who go on buy for 80 EUR: 72 · 80 · 30 / 7 = 24,685.71 EUR in 30 days. Lower end, from the three
    # weeks after the drop: 0.18 − 1.959964 · sqrt(0.3 · 0.7 / 1200 + 0.48 · 0.52 / 1600) = 0.144342 → 19,795.4 EUR.
    (leak,) = report.funnel.leaks
    assert (leak.step, leak.next_step, leak.segment) == ("checkout", "purchase", "mobile")
    assert (leak.rate, leak.reference, leak.since) == (0.3, pytest.approx(0.48), date(2025, 6, 2))
    assert leak.lost == pytest.approx(72)
    assert leak.risk == pytest.approx(24685.71, abs=0.01)
    assert leak.risk_low == pytest.approx(19795.4, abs=0.1)
    assert not leak.is_new


def week_of_leaks(number, rate, reference=0.6, drop=False, n=100):
    return {
        "week_start": number,
        "rate": rate,
        "n": n,
        "reference": reference,
        "reference_n": 400,
        "is_drop": drop,
    }


def test_a_lasting_drop_is_dated_by_the_week_that_later_weeks_confirm_most():
    # A chance dip in week 2 came back; the break of week 5 did not.
    weeks = [week_of_leaks(1, 0.6), week_of_leaks(2, 0.45, drop=True), week_of_leaks(3, 0.62), week_of_leaks(4, 0.6),
             week_of_leaks(5, 0.3, drop=True), week_of_leaks(6, 0.28), week_of_leaks(7, 0.3)]  # fmt: skip
    assert [week["week_start"] for week in _lasting(weeks)] == [5, 6, 7]


def test_a_drop_that_came_back_and_one_without_later_weeks_are_not_lasting():
    came_back = [week_of_leaks(1, 0.4, drop=True), week_of_leaks(2, 0.58), week_of_leaks(3, 0.61)]
    assert _lasting(came_back) is None
    assert _lasting([week_of_leaks(1, 0.6), week_of_leaks(2, 0.3, drop=True)]) is None
    assert (
        _lasting([week_of_leaks(1, 0.3, drop=True), week_of_leaks(2, 0.1, n=29)]) is None
    )  # 30 are the least


def test_of_many_steps_some_drop_each_week_by_chance_and_are_not_called_new():
    cells = [{"step_order": number, "segment_type": "all", "segment_value": "all", "z_score": z, "is_drop": z < -1.96}
             for number, z in enumerate([-2.1, -0.4, 0.3, 1.2, -1.1, 0.8, -0.2, 0.5, -1.5, 0.1])]  # fmt: skip
    assert _fresh_drops(cells) == set()  # p = 0.036 for the first of ten; one of ten at 10 % needs 0.01
    cells[0]["z_score"] = -4.0
    assert _fresh_drops(cells) == {(0, "all", "all")}


def test_funnel_steps_carry_counts_and_wilson_intervals(report):
    steps = report.funnel.steps
    assert [step.reached for step in steps] == [4400, 1520, 900, 420]
    assert steps[2].rate == pytest.approx(420 / 900)
    # Wilson for 420 of 900: centre (420 + 1.920729) / 903.841459 = 0.466808, half width 0.032524
    assert (steps[2].low, steps[2].high) == (
        pytest.approx(0.434284, abs=2e-6),
        pytest.approx(0.499333, abs=2e-6),
    )
    assert steps[-1].rate is None


def test_the_worst_touchpoints_have_owner_and_reason(report):
    worst = report.worst.touchpoints
    assert [(touchpoint.name, touchpoint.score) for touchpoint in worst[:2]] == [
        ("Checkout", 2.1),
        ("Support by e-mail", 2.7),
    ]
    assert worst[0].reason == "satisfaction 52% (n=100); ease 4.6 of 7 (n=80)"
    assert worst[1].reason == "satisfaction 57% (n=100); first response 6 h 50 min (n=90)"
    assert (worst[0].owner, worst[3].owner) == ("Product manager checkout", None)
    assert report.worst.with_contacts == 6


def test_stages_are_counted_from_answers(report):
    stages = {stage.name: stage for stage in report.journey.stages}
    assert list(stages) == ["Awareness", "Choice", "Purchase", "Use", "Support"]
    assert (stages["Support"].satisfied, stages["Support"].answers) == (0.725, 200)  # 57 + 88 of 200
    assert (stages["Awareness"].satisfied, stages["Awareness"].answers) == (None, 0)


def test_releases_are_those_that_happened(report):
    assert [(release.day, release.name) for release in report.releases] == [
        (date(2025, 5, 5), "Free returns"),
        (date(2025, 6, 2), "Checkout 4.0"),
    ]


def test_the_lede_says_what_moved_where_it_leaks_what_is_worst_and_what_is_late(report):
    assert words(" ".join(lede(report))) == (
        "Satisfaction (CSAT) fell from 80.0% to 70.0% . Of mobile visits at checkout, 30% reach purchase, against "
        "48% before 4 June 2025: about €24,700 at risk in 30 days. The lowest touchpoint is Checkout "
        "(2.1 of 5, Product manager checkout). Late: stores (files) ."
    )


def test_the_page_has_its_sections_in_order(page):
    assert re.findall(r'<section class="section" id="(\w+)"', page) == SECTIONS


def test_the_page_shows_the_numbers(page):
    text = words(page)
    for shown in (
        "23–29 June 2025",
        "70.0% ▼ −10.0 points on the week before Interval 66.0–74.0% n = 400",
        "33 points +1.0 points on the week before, within chance Interval 23 to 43 n = 210 relationship survey",
        "1 h 32 min −27 min on the week before n = 190 median, business hours",
        "9.5% unchanged on the week before",
        "checkout → purchase mobile 48.0% 30.0% n = 1,200 2 June 2025 broken from 4 June 2025 on 72 €24,700 at least "
        "€19,800",
        "stores (files) late 1 table 25 Jun 2025 20:00 26 Jun 2025 04:12 3,377 41 1.20% of rows read",
        "visited_at: not a time (33); store: missing (8)",
        "Awareness not enough answers (n=0)",
        "2 Checkout 4.0 feature, 2 June 2025",
    ):
        assert shown in text, shown
    assert "no owner" in text
    assert "Not released yet" not in text


def test_the_page_fetches_nothing_and_ends_no_script_early(page):
    markup = re.sub(r"<script\b.*?</script>", "", page, flags=re.S)
    assert "http://" not in markup.replace("http-equiv", "")
    assert "https://" not in markup
    assert re.findall(r"""\b(?:src|href)=["'](?!#)""", markup) == []
    assert "default-src 'none'" in markup
    assert len(re.findall(r"<script", page)) == len(re.findall(r"</script>", page)) == 3


def test_the_page_is_the_same_for_the_same_marts(report, page):
    assert render_page(report) == page


def test_empty_marts_give_a_page_that_says_why(tmp_path):
    render_report(empty_marts(tmp_path / "cx.duckdb"), tmp_path / "report.html", MANIFEST)
    text = words((tmp_path / "report.html").read_text())
    assert "No dated records yet" in text
    assert "There is not enough data for a single number yet" in text
    assert "no data: needs surveys" in text
    assert "needs web events and a funnel" in text
    assert "No source has been loaded yet." in text
    assert "0.0%" not in text


def test_declared_marts_without_rows_and_a_file_without_marts_give_a_page(tmp_path):
    import duckdb

    create_empty_marts(tmp_path / "declared.duckdb")
    with duckdb.connect(str(tmp_path / "nothing.duckdb")):
        pass
    for name in ("declared", "nothing"):
        render_report(tmp_path / f"{name}.duckdb", tmp_path / f"{name}.html", {})
        assert "No dated records yet" in words((tmp_path / f"{name}.html").read_text())


def test_a_company_with_orders_alone_gets_repeat_purchase_and_reasons_for_the_rest(tmp_path):
    report = read_report(orders_only(tmp_path / "cx.duckdb"), MANIFEST)
    repeat = figure(report, "repeat")
    assert (repeat.kind, repeat.start, repeat.value, repeat.before) == ("month", date(2025, 3, 1), 0.33, 0.3)
    text = words(render_page(report))
    assert "Repeat purchase 33.0%" in text
    assert "no data: needs support tickets with replies" in text
    assert "None of the numbers moved by more than chance." in text
    assert "541,909 none" in text


def test_too_few_answers_are_said_to_be_too_few(tmp_path):
    report = read_report(too_few_answers(tmp_path / "cx.duckdb"), MANIFEST)
    csat = figure(report, "csat")
    assert (csat.value, csat.n, csat.reason()) == (None, 12, "not enough answers (n=12)")
    assert "not enough answers (n=12)" in words(render_page(report))


def test_a_thin_week_falls_back_to_the_month_and_says_so(tmp_path):
    import duckdb

    from tests.support.report_marts import metric

    path = too_few_answers(tmp_path / "cx.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from marts.mart_cx_metrics where period_type = 'month'")
        metric(connection, "csat", "month", date(2025, 5, 1), 0.75, 90, 120)
    report = read_report(path, MANIFEST)
    csat = figure(report, "csat")
    assert (csat.kind, csat.value) == ("month", 0.75)
    assert "May 2025; week: not enough answers (n=12)" in words(render_page(report))


def test_names_from_the_data_cannot_become_markup(tmp_path):
    import duckdb

    path = full_marts(tmp_path / "cx.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "update marts.dim_releases set release_name = '</script><script>alert(1)</script>'"
        )
        connection.execute(
            "update marts.mart_touchpoint_scorecard set touchpoint_name = '<img src=x>', owner_name = '<b>'"
        )
    page = render_page(read_report(path, {**MANIFEST, "company": {"name": "<i>&", "time_zone": "UTC"}}))
    markup = re.sub(r"<script\b.*?</script>", "", page, flags=re.S)
    assert "<img" not in markup
    assert "alert(1)" in markup
    assert "<script>alert(1)" not in page
    assert "</script><script>alert" not in page
    assert "&lt;i&gt;&amp;" in page


def test_the_week_constant_of_the_test_marts_is_a_monday():
    assert WEEK.weekday() == 0
