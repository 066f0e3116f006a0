"""The hand-written tables against the built ones, row for row, on the columns that both have."""

from __future__ import annotations

from pathlib import Path

import duckdb

# count(*) of bigint columns and doubles of medians compare exactly: both sides compute them from the same values.
_FUNNEL = (
    "order_mode, {date}, step_order, segment_type, segment_value, reached_count, in_progress_count,"
    " entered_count, {advanced}, from_start_count, median_seconds_to_step, p90_seconds_to_step"
)
# The script knows nothing of persons, other funnels and the strict mode.
_OWN = "unit = 'session' and funnel_id = 'shop' and order_mode in ('ordered', 'any') and reached_count > 0"

PAIRS = {
    "sessions": (
        "select * from floor.sessions",
        "select session_key, session_date, started_at, ended_at, event_count, page_view_count, conversion_count,"
        " has_login, device_type, os, browser, country, referrer_host, landing_page_path, anonymous_id,"
        " purchase_count, purchase_value, is_closed, source, medium, campaign, channel_group"
        " from cx.marts.fct_sessions",
    ),
    "touchpoints": (
        "select * from floor.touches",
        "select session_key, touchpoint_id, first_event_at, last_event_at, event_count"
        " from warehouse.intermediate.int_web__touches",
    ),
    "funnel by day": (
        f"select {_FUNNEL.format(date='entry_date', advanced='advanced_count')}"
        " from floor.funnel where entry_date is not null",
        f"select {_FUNNEL.format(date='entry_date', advanced='coalesce(advanced_count, 0)')}"
        f" from cx.marts.mart_funnel where {_OWN}",
    ),
    "funnel": (
        f"select {_FUNNEL.format(date='null', advanced='advanced_count')}"
        " from floor.funnel where entry_date is null",
        f"select {_FUNNEL.format(date='null', advanced='coalesce(advanced_count, 0)')}"
        f" from cx.marts.mart_funnel_summary where {_OWN}",
    ),
}
"""Name -> query on the hand-written tables, query on the built ones; the same columns in the same order."""

TABLES = ("fct_sessions", "int_web__touches", "mart_funnel", "mart_funnel_summary")
"""The built ones, by model."""


def compare(floor: Path, warehouse: Path, marts: Path) -> dict[str, tuple[int, int, int]]:
    """Rows of each pair of tables: in both, only hand-written, only built.

    Args:
        floor: output of `bench.floor`.
        warehouse: build database.
        marts: database with the schema marts.
    """
    result = {}
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        for alias, path in (("floor", floor), ("warehouse", warehouse), ("cx", marts)):
            con.execute(f"attach '{path}' as {alias} (read_only)")
        for name, (hand_written, built) in PAIRS.items():
            counts = con.execute(
                f"with a as ({hand_written}), b as ({built})"
                " select (select count(*) from a), (select count(*) from (from a except all from b)),"
                " (select count(*) from (from b except all from a))"
            ).fetchone()
            assert counts is not None
            total, only_hand_written, only_built = counts
            result[name] = (total - only_hand_written, only_hand_written, only_built)
    return result
