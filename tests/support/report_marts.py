"""A small published file in the shape of the marts, with figures worked out by hand, for the tests of the report.

The reported week is 23–29 June 2025. Every count is chosen so that rates and changes can be checked on paper:
satisfaction falls from 320 of 400 (80 %) to 280 of 400 (70 %), the mobile checkout from 48 % to 30 %.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb

WEEK = date(2025, 6, 23)
WEEKS = [WEEK - timedelta(weeks=back) for back in range(12, -1, -1)]
MANIFEST = {
    "company": {"name": "Demo company", "time_zone": "Europe/Warsaw", "currency": "EUR", "country": "PL"},
    "built_at": "2025-06-30T03:15:00+00:00",
    "version": 7,
}

SCHEMA = """
create schema marts;
create table marts.mart_cx_metrics (
  metric_name varchar, touchpoint_id varchar, channel varchar, segment_type varchar, segment_value varchar,
  period_type varchar, period_start date, metric_value double, numerator double, denominator double,
  response_count bigint, ci_low double, ci_high double, unit varchar, is_reportable boolean);
create table marts.mart_funnel (
  funnel_id varchar, funnel_name varchar, unit varchar, order_mode varchar, entry_date date, segment_type varchar,
  segment_value varchar, step_order bigint, step_name varchar, is_last_step boolean, reached_count bigint,
  in_progress_count bigint, entered_count bigint, advanced_count bigint, from_start_count bigint);
create table marts.mart_funnel_summary (
  funnel_id varchar, funnel_name varchar, unit varchar, order_mode varchar, segment_type varchar,
  segment_value varchar, step_order bigint, step_name varchar, is_last_step boolean, reached_count bigint,
  in_progress_count bigint, entered_count bigint, advanced_count bigint, from_start_count bigint);
create table marts.mart_funnel_leaks (
  funnel_id varchar, unit varchar, order_mode varchar, week_start date, segment_type varchar, segment_value varchar,
  step_order bigint, step_name varchar, entered_count bigint, step_conversion_rate double,
  reference_entered_count bigint, reference_conversion_rate double, z_score double, is_significant boolean,
  is_clearest_segment boolean, purchase_rate_after_step double, average_order_value decimal(18, 4),
  revenue_at_risk_30d_low decimal(18, 4), currency varchar, break_date date);
create table marts.dim_touchpoints (
  touchpoint_id varchar, touchpoint_name varchar, stage_name varchar, stage_order bigint);
create table marts.mart_touchpoint_scorecard (
  touchpoint_id varchar, touchpoint_name varchar, channel varchar, owner_name varchar, period_type varchar,
  period_start date, interaction_count bigint, score double, coverage double, is_critical boolean);
create table marts.mart_scorecard_evidence (
  touchpoint_id varchar, period_type varchar, period_start date, metric_name varchar, metric_value double,
  response_count bigint, criterion_score double);
create table marts.dim_releases (released_date date, release_name varchar, release_kind varchar);
create table marts.fct_interactions (interaction_at timestamp);
create table marts.fct_orders (ordered_at timestamp);
create table marts.mart_source_freshness (
  dataset varchar, source_table varchar, last_load_at timestamp, latest_record_at timestamp, rows_total bigint,
  rows_rejected bigint, is_late boolean);
create table marts.mart_rejected_rows (dataset varchar, source_table varchar, reason varchar, row_count bigint);
"""

STEPS = ("view", "add_to_cart", "checkout", "purchase")
TOUCHPOINTS = (
    ("website_home", "Home page", "web", "Awareness", 1, "Head of growth"),
    ("product_page", "Product page", "web", "Choice", 3, "Product manager web"),
    ("checkout", "Checkout", "web", "Purchase", 4, "Product manager checkout"),
    ("delivery", "Delivery", "other", "Use", 5, "Head of logistics"),
    ("email_support", "Support by e-mail", "email", "Support", 6, "Head of customer service"),
    ("chat_support", "Support by chat", "chat", "Support", 6, None),
)


def empty_marts(path: Path) -> Path:
    """Every mart, no row."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(SCHEMA)
    return path


def full_marts(path: Path) -> Path:
    """A company with surveys, support, web and orders."""
    empty_marts(path)
    with duckdb.connect(str(path)) as connection:
        _timeline(connection)
        _metrics(connection)
        _funnel(connection)
        _touchpoints(connection)
        _sources(connection)
    return path


def orders_only(path: Path) -> Path:
    """A company with an orders file and nothing else: monthly and all-time repeat purchase, no web, no surveys."""
    empty_marts(path)
    with duckdb.connect(str(path)) as connection:
        _timeline(connection)
        for start, hits in ((date(2025, 2, 1), 60), (date(2025, 3, 1), 66)):
            metric(connection, "repeat_purchase_rate", "month", start, hits / 200, hits, 200)
        metric(connection, "repeat_purchase_rate", "all", None, 0.655832, 2845, 4338)
        connection.execute(
            "insert into marts.mart_source_freshness values ('files__shop', 'lines', timestamp '2025-06-30 02:00:00',"
            " timestamp '2025-06-29 21:30:00', 541909, 0, false)"
        )
    return path


def too_few_answers(path: Path) -> Path:
    """A company whose only survey has twelve answers."""
    empty_marts(path)
    with duckdb.connect(str(path)) as connection:
        _timeline(connection)
        for period, start in (("week", WEEK), ("month", date(2025, 5, 1)), ("all", None)):
            metric(connection, "csat", period, start, None, 9, 12, reportable=False)
    return path


def metric(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    period: str,
    start: date | None,
    value: float | None,
    numerator: float | None,
    n: int,
    half: float | None = 0.04,
    *,
    touchpoint: str = "all",
    channel: str = "all",
    segment: tuple[str, str] = ("all", "all"),
    reportable: bool = True,
) -> None:
    """One row of mart_cx_metrics; `half` is the half width of its interval."""
    low, high = (None, None) if half is None or value is None else (value - half, value + half)
    connection.execute(
        "insert into marts.mart_cx_metrics values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'share', ?)",
        [name, touchpoint, channel, *segment, period, start, value, numerator, n, n, low, high, reportable],
    )


def _timeline(connection: duckdb.DuckDBPyConnection) -> None:
    # 23:30 in Warsaw on Sunday: the week is whole although nothing came in the last half hour.
    connection.execute("insert into marts.fct_interactions values (timestamp '2025-06-29 21:30:00')")
    connection.execute("insert into marts.fct_interactions values (timestamp '2999-01-01 00:00:00')")


def _metrics(connection: duckdb.DuckDBPyConnection) -> None:
    satisfied = [316, 322, 318, 325, 320, 312, 318, 324, 319, 322, 317, 320, 280]
    nps = [31.0, 34.5, 29.0, 33.0, 36.5, 30.0, 32.5, 35.0, 31.5, 34.0, 33.5, 32.0, 33.0]
    ease = [5.61, 5.58, 5.70, 5.66, 5.72, 5.69, 5.75, 5.71, 5.80, 5.74, 5.78, 5.77, 5.81]
    minutes = [118, 124, 131, 109, 115, 122, 140, 128, 133, 126, 121, 119, 92]
    solved = [141, 139, 144, 148, 150, 146, 149, 151, 147, 152, 150, 149, 155]
    for index, start in enumerate(WEEKS):
        metric(connection, "csat", "week", start, satisfied[index] / 400, satisfied[index], 400)
        metric(connection, "nps_relationship", "week", start, nps[index], nps[index] * 2.1, 210, 10.4)
        metric(connection, "ces", "week", start, ease[index], ease[index] * 160, 160, 0.21)
        metric(
            connection,
            "first_response_business_minutes_median",
            "week",
            start,
            minutes[index],
            None,
            190,
            None,
        )
        metric(connection, "fcr_repeat", "week", start, solved[index] / 200, solved[index], 200)
    for month, hits in ((1, 58), (2, 60), (3, 66)):
        metric(
            connection, "repeat_purchase_rate", "month", date(2025, month, 1), hits / 200, hits, 200, 0.065
        )
    before = WEEKS[-2]
    for touchpoint, was, now in (("checkout", 80, 52), ("delivery", 70, 72), ("product_page", 75, 74)):
        metric(connection, "csat", "week", before, was / 100, was, 100, touchpoint=touchpoint)
        metric(connection, "csat", "week", WEEK, now / 100, now, 100, touchpoint=touchpoint)
    for touchpoint, was, now in (("email_support", 55, 57), ("chat_support", 60, 88)):
        metric(connection, "csat", "week", before, was / 100, was, 100, touchpoint=touchpoint)
        metric(connection, "csat", "week", WEEK, now / 100, now, 100, touchpoint=touchpoint)
    # The chat channel is one touchpoint: the same rows again, which must not be listed twice.
    metric(connection, "csat", "week", before, 0.60, 60, 100, channel="chat")
    metric(connection, "csat", "week", WEEK, 0.88, 88, 100, channel="chat")
    for segment, was, now in (("new", 150, 146), ("repeat", 120, 84), ("loyal", 50, 50)):
        metric(connection, "csat", "week", before, was / 160, was, 160, segment=("customer_segment", segment))
        metric(connection, "csat", "week", WEEK, now / 160, now, 160, segment=("customer_segment", segment))
    for reason, was, now in (("delivery", 40, 41), ("payment", 35, 33), ("returns", 38, 39)):
        metric(connection, "fcr_repeat", "week", before, was / 60, was, 60, segment=("reason_code", reason))
        metric(connection, "fcr_repeat", "week", WEEK, now / 60, now, 60, segment=("reason_code", reason))


def funnel_counts(week: date, device: str) -> tuple[int, int, int, int]:
    """Visits that reach each step in a week: the mobile checkout breaks on 2 June."""
    if device == "desktop":
        return 2000, 800, 500, 300
    return (2400, 720, 400, 120) if week >= date(2025, 6, 2) else (2400, 720, 400, 192)


def _funnel(connection: duckdb.DuckDBPyConnection) -> None:
    totals: dict[str, list[int]] = {}
    for week in WEEKS:
        counts = {device: funnel_counts(week, device) for device in ("desktop", "mobile")}
        counts["all"] = tuple(map(sum, zip(*counts.values(), strict=True)))  # type: ignore[assignment]
        for value, reached in counts.items():
            kind = "all" if value == "all" else "device_type"
            _funnel_rows(connection, "mart_funnel", kind, value, list(reached), week)
            totals[value] = [a + b for a, b in zip(totals.get(value, [0] * 4), reached, strict=True)]
    for value, sums in totals.items():
        _funnel_rows(
            connection, "mart_funnel_summary", "all" if value == "all" else "device_type", value, sums
        )
    for week in WEEKS[4:]:
        for value in ("desktop", "mobile"):
            for order, name in enumerate(STEPS[:-1], start=1):
                reached = funnel_counts(week, value)
                earlier = [funnel_counts(week - timedelta(weeks=back), value) for back in range(1, 5)]
                n, reference_n = reached[order - 1], sum(counts[order - 1] for counts in earlier)
                rate, reference = reached[order] / n, sum(counts[order] for counts in earlier) / reference_n
                drop = value == "mobile" and order == 3 and rate < reference - 0.04
                connection.execute(
                    "insert into marts.mart_funnel_leaks values ('shop', 'session', 'ordered', ?, 'device_type',"
                    " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1.0, 80, ?, 'EUR', ?)",
                    [week, value, order, name, n, rate, reference_n, reference, -5.0 if drop else 0.1, drop, drop,
                     100 if drop else 0, date(2025, 6, 4) if value == "mobile" and order == 3 else None],
                )  # fmt: skip


def _funnel_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    kind: str,
    value: str,
    reached: list[int],
    week: date | None = None,
) -> None:
    for mode in ("ordered", "any"):
        for order, (name, count) in enumerate(zip(STEPS, reached, strict=True), start=1):
            last = order == len(STEPS)
            day = [] if week is None else [week + timedelta(days=2)]
            advanced = None if last else reached[order]
            row = ["shop", "Web shop", "session", mode, *day, kind, value, order, name, last, count + 3, 3, count,
                   advanced, count]  # fmt: skip
            marks = ", ".join("?" * len(row))
            connection.execute(f"insert into marts.{table} values ({marks})", row)


def _touchpoints(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("insert into marts.dim_touchpoints values ('unmapped', 'No touchpoint', null, null)")
    scores = {
        "checkout": 2.1,
        "email_support": 2.7,
        "chat_support": 3.6,
        "delivery": 3.4,
        "product_page": 3.9,
    }
    contacts = {"website_home": 5200, "product_page": 4400, "checkout": 900, "delivery": 610}
    for touchpoint, name, channel, stage, order, owner in TOUCHPOINTS:
        connection.execute(
            "insert into marts.dim_touchpoints values (?, ?, ?, ?)", [touchpoint, name, stage, order]
        )
        score = scores.get(touchpoint)
        connection.execute(
            "insert into marts.mart_touchpoint_scorecard values (?, ?, ?, ?, 'week', ?, ?, ?, ?, ?)",
            [touchpoint, name, channel, owner, WEEK, contacts.get(touchpoint, 150), score,
             0.3 if score is None else 0.85, touchpoint in ("checkout", "email_support")],
        )  # fmt: skip
    for touchpoint, name, value, n, score in (
        ("checkout", "csat", 0.52, 100, 1.0),
        ("checkout", "ces", 4.6, 80, 2.2),
        ("checkout", "nps", 12.0, 60, 2.5),
        ("email_support", "csat", 0.57, 100, 1.0),
        ("email_support", "first_response_business_minutes_median", 410.0, 90, 2.7),
        ("chat_support", "ces", 5.8, 40, 4.6),
        ("delivery", "csat", 0.72, 100, 2.6),
    ):
        connection.execute(
            "insert into marts.mart_scorecard_evidence values (?, 'week', ?, ?, ?, ?, ?)",
            [touchpoint, WEEK, name, value, n, score],
        )
    connection.execute(
        "insert into marts.mart_touchpoint_scorecard values"
        " ('unmapped', 'No touchpoint', 'unknown', null, 'week', ?, 40, null, 0, false)",
        [WEEK],
    )


def _sources(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        """
        insert into marts.mart_source_freshness values
          ('ga4_export__web', 'events', '2025-06-30 02:10:00', '2025-06-29 21:30:00', 201344, 18, false),
          ('hubspot__crm', 'contacts', '2025-06-30 02:11:00', '2025-06-29 18:02:00', 5240, 3, false),
          ('hubspot__crm', 'deals', '2025-06-30 02:11:00', '2025-06-28 11:40:00', 902, 0, false),
          ('zendesk__desk', 'tickets', '2025-06-30 02:12:00', '2025-06-29 20:45:00', 6120, 0, false),
          ('files__stores', 'visits', '2025-06-26 02:12:00', '2025-06-25 18:00:00', 3377, 41, true),
          ('typeform__voice', 'responses', '2025-06-30 02:13:00', '2025-06-29 21:10:00', 9033, 0, false)
        """
    )
    connection.execute(
        """
        insert into marts.mart_rejected_rows values
          ('files__stores', 'visits', 'visited_at: not a time', 33),
          ('files__stores', 'visits', 'store: missing', 8),
          ('ga4_export__web', 'events', 'event_timestamp: missing', 18),
          ('hubspot__crm', 'contacts', 'id: missing', 3)
        """
    )
    connection.execute(
        """
        insert into marts.dim_releases values
          ('2025-06-02', 'Checkout 4.0', 'feature'), ('2025-05-05', 'Free returns', 'policy'),
          ('2025-07-14', 'Not released yet', 'feature')
        """
    )
