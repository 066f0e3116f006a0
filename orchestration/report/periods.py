"""Which week and month the report is about: the last ones that the data cover to their end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from orchestration.report.reader import Marts

Kind = Literal["week", "month", "all"]

# Shops and desks are silent at night: a week whose last record came at 22:00 on Sunday is whole.
_SILENCE = timedelta(hours=3)


@dataclass(frozen=True)
class Periods:
    """The periods of a report.

    Attributes:
        week: Monday of the reported week; None without dated records.
        month: first day of the reported month; None without dated records.
        data_until: newest instant in the data, UTC.
    """

    week: date | None
    month: date | None
    data_until: datetime | None

    def start(self, kind: Kind) -> date | None:
        """First day of the reported period of that kind; None for all time."""
        return {"week": self.week, "month": self.month, "all": None}[kind]


def previous(kind: Kind, start: date) -> date:
    """First day of the period before."""
    if kind == "week":
        return start - timedelta(days=7)
    return (start.replace(day=1) - timedelta(days=1)).replace(day=1)


def find_periods(marts: Marts, zone: str, built_at: datetime) -> Periods:
    """Finds the reported periods from the newest record of the timeline.

    Args:
        marts: the published marts.
        zone: the company's time zone, which decides where a day ends.
        built_at: records dated after it are mistakes and move nothing.
    """
    limit = built_at.astimezone(UTC).replace(tzinfo=None)
    candidates = [
        marts.value(f"select max({column}) from marts.{table} where {column} <= ?", [limit], of=[table])
        for table, column in (("fct_interactions", "interaction_at"), ("fct_orders", "ordered_at"))
    ]
    known = [instant for instant in candidates if instant is not None]
    if not known:
        return Periods(None, None, None)
    until = max(known).replace(tzinfo=UTC)
    today = (until + _SILENCE).astimezone(ZoneInfo(zone)).date()
    month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    week = today - timedelta(days=today.weekday() + 7)
    earliest = marts.value(
        "select min(period_start) from marts.mart_cx_metrics where period_type = 'week'",
        of=["mart_cx_metrics"],
    )
    if earliest is not None and week < earliest:  # the data do not cover one whole week yet
        week = earliest
    return Periods(week, month, until)
