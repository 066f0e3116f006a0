"""How fresh each source is, and what it sent that did not fit; releases on the same time line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from orchestration.report.periods import Periods
from orchestration.report.reader import Marts

_REASONS = 3


@dataclass(frozen=True)
class Source:
    """One connection.

    Attributes:
        name: dataset, `<connector>__<connection>`.
        tables: number of landed tables.
        rows: landed rows, every version counted.
        rejected: rows set aside.
        last_load_at: end of the newest load, UTC; None when it was never loaded.
        latest_record_at: newest instant in its data, UTC; None when its data have none.
        is_late: no load within the hours it is expected in.
        reasons: commonest reasons for rejection, with counts.
    """

    name: str
    tables: int
    rows: int
    rejected: int
    last_load_at: datetime | None
    latest_record_at: datetime | None
    is_late: bool
    reasons: tuple[tuple[str, int], ...]

    @property
    def rejected_share(self) -> float | None:
        """Rejected rows among all rows read; None before any row."""
        read = self.rows + self.rejected
        return self.rejected / read if read else None


@dataclass(frozen=True)
class Release:
    """A dated change of the product, a price or a policy."""

    day: date
    name: str
    kind: str


def read_sources(marts: Marts) -> list[Source]:
    """All connections by name."""
    rows = marts.rows(
        """
        select dataset, count(*) as tables, cast(sum(rows_total) as bigint) as row_count,
               cast(sum(rows_rejected) as bigint) as rejected, max(last_load_at) as last_load_at,
               max(latest_record_at) as latest_record_at, bool_or(is_late) as is_late
        from marts.mart_source_freshness group by dataset order by dataset
        """,
        of=["mart_source_freshness"],
    )
    reasons = marts.rows(
        """
        select dataset, reason, cast(sum(row_count) as bigint) as row_count from marts.mart_rejected_rows
        group by dataset, reason order by dataset, row_count desc, reason
        """,
        of=["mart_rejected_rows"],
    )
    return [
        Source(
            name=row["dataset"],
            tables=row["tables"],
            rows=row["row_count"] or 0,
            rejected=row["rejected"] or 0,
            last_load_at=row["last_load_at"],
            latest_record_at=row["latest_record_at"],
            is_late=bool(row["is_late"]),
            reasons=tuple(
                (reason["reason"], reason["row_count"])
                for reason in reasons
                if reason["dataset"] == row["dataset"]
            )[:_REASONS],
        )
        for row in rows
    ]


def read_releases(marts: Marts, periods: Periods) -> list[Release]:
    """Releases up to the end of the data, oldest first."""
    until = periods.data_until.date() if periods.data_until else None
    rows = marts.rows(
        """
        select released_date, release_name, release_kind from marts.dim_releases
        where released_date is not null and (? is null or released_date <= ?)
        order by released_date, release_name
        """,
        [until, until],
        of=["dim_releases"],
    )
    return [
        Release(row["released_date"], row["release_name"] or "release", row["release_kind"] or "change")
        for row in rows
    ]
