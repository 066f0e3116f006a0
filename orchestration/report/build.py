"""Makes the report of one version of the marts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.report.funnel import read_funnel
from orchestration.report.headline import headline
from orchestration.report.moves import what_moved
from orchestration.report.page import Report, render_page
from orchestration.report.periods import find_periods
from orchestration.report.reader import Marts
from orchestration.report.sources import read_releases, read_sources
from orchestration.report.touchpoints import read_journey, worst_touchpoints


def render_report(database: Path, out: Path, manifest: Mapping[str, Any]) -> None:
    """Writes the report as one self-contained HTML file.

    Args:
        database: DuckDB file with the schema `marts`, opened read-only. Missing and empty marts are said to be
            missing on the page.
        out: file to write, whole or not at all.
        manifest: `company` (name, time_zone), `built_at` (ISO 8601) and, when known, `version`.
    """
    page = render_page(read_report(database, manifest))
    part = out.with_name(f".{out.name}.part")
    part.write_text(page, encoding="utf-8")
    part.replace(out)


def read_report(database: Path, manifest: Mapping[str, Any]) -> Report:
    """Reads everything the page says from the marts."""
    company = manifest.get("company") or {}
    zone = company.get("time_zone") or "UTC"
    built_at = _instant(manifest.get("built_at") or manifest.get("created_at"))
    version = manifest.get("version")
    with Marts(database) as marts:
        periods = find_periods(marts, zone, built_at)
        return Report(
            company=company.get("name") or "Company",
            time_zone=zone,
            built_at=built_at,
            version=f"v{version}" if isinstance(version, int) else str(version or ""),
            periods=periods,
            figures=headline(marts, periods),
            moves=what_moved(marts, periods),
            funnel=read_funnel(marts, periods),
            worst=worst_touchpoints(marts, periods),
            journey=read_journey(marts, periods),
            sources=read_sources(marts),
            releases=read_releases(marts, periods),
        )


def _instant(value: object) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        return datetime.now(UTC)
    return value if value.tzinfo else value.replace(tzinfo=UTC)
