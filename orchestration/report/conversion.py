"""Conversion of the funnel by week and month, in the columns of mart_cx_metrics."""

from __future__ import annotations

import math

from orchestration.report.movement import Z95
from orchestration.report.reader import Marts, Row

# Below it the interval of a rate spans a third of the scale; the same limit as in the funnel marts.
MIN_ENTRIES = 30

# A session is over on its day, a person's window may be open for weeks.
_UNIT_ORDER = ("session", "person", "cart")
_MODE_ORDER = ("any", "ordered", "strict")  # whether somebody bought, whatever lay between


def conversion_rows(marts: Marts) -> list[Row]:
    """Rows of a metric `conversion` by week, month and all time, from mature entries of the first funnel.

    Counts of days are added up and divided once, so that no rate is a mean of rates.
    """
    choice = _choice(marts)
    if choice is None:
        return []
    funnel_id, unit, mode, step = choice
    rows = marts.rows(
        """
        select period_type,
               case period_type when 'week' then cast(date_trunc('week', entry_date) as date)
                                when 'month' then cast(date_trunc('month', entry_date) as date) end as period_start,
               cast(sum(from_start_count) filter (step_order = ?) as bigint) as hits,
               cast(sum(from_start_count) filter (step_order = 1) as bigint) as entries
        from marts.mart_funnel
        cross join (select unnest(['week', 'month', 'all']) as period_type)
        where funnel_id = ? and unit = ? and order_mode = ? and segment_type = 'all'
        group by 1, 2 order by 1, 2
        """,
        [step, funnel_id, unit, mode],
        of=["mart_funnel"],
    )
    return [_metric_row(row) for row in rows if row["entries"]]


def _choice(marts: Marts) -> tuple[str, str, str, int] | None:
    """Funnel, unit, order mode and the step at which somebody has bought."""
    rows = marts.rows(
        "select distinct funnel_id, unit, order_mode, step_order, step_name, is_last_step from marts.mart_funnel",
        of=["mart_funnel"],
    )
    if not rows:
        return None
    funnel_id = min(row["funnel_id"] for row in rows)
    own = [row for row in rows if row["funnel_id"] == funnel_id]
    unit = min((row["unit"] for row in own), key=_UNIT_ORDER.index)
    mode = min((row["order_mode"] for row in own if row["unit"] == unit), key=_MODE_ORDER.index)
    steps = [row for row in own if row["unit"] == unit and row["order_mode"] == mode]
    bought = [row["step_order"] for row in steps if row["step_name"] == "purchase"]
    return funnel_id, unit, mode, min(bought, default=max(row["step_order"] for row in steps))


def _metric_row(row: Row) -> Row:
    low, high = wilson(row["hits"], row["entries"])
    return {
        "metric_name": "conversion",
        "period_type": row["period_type"],
        "period_start": row["period_start"],
        "metric_value": row["hits"] / row["entries"],
        "ci_low": low,
        "ci_high": high,
        "numerator": row["hits"],
        "denominator": row["entries"],
        "response_count": row["entries"],
        "is_reportable": row["entries"] >= MIN_ENTRIES,
    }


def wilson(hits: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927)."""
    share, z2 = hits / n, Z95 * Z95
    centre = share + z2 / (2 * n)
    half = Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, (centre - half) / (1 + z2 / n)), min(1.0, (centre + half) / (1 + z2 / n))
