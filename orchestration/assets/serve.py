"""The report and the published version: what readers see."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg

from ingestion.connections import Connections
from ingestion.settings import Settings
from orchestration import publish as versions
from orchestration.locks import writer_lock
from orchestration.progress import reporter
from orchestration.summary import current_summary

REPORT = dg.AssetKey(["published", "report"])
VERSION = dg.AssetKey(["published", "version"])
OWNER = "team:data-platform"


def build_serving_assets(
    settings: Settings, connections: Connections, marts: Sequence[dg.AssetKey]
) -> list[dg.AssetsDefinition]:
    """The report page, and the version directory that it is published in."""

    @dg.asset(
        key=REPORT,
        deps=list(marts),
        owners=[OWNER],
        kinds={"html"},
        group_name="published",
        description="One-page report of the marts that passed the audit; published with them.",
    )
    def report() -> dg.MaterializeResult:
        from orchestration.report.build import render_report

        reporter().stage("report")
        page = settings.work.with_name("report.html")
        details = {
            "company": connections.company.model_dump(),
            "version": versions.next_number(settings.published),
            "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        versions.seal(settings.work)
        render_report(settings.work, page, details)
        return dg.MaterializeResult(metadata={"bytes": page.stat().st_size})

    @dg.asset(
        key=VERSION,
        deps=[REPORT],
        owners=[OWNER],
        kinds={"duckdb", "parquet"},
        group_name="published",
        description="The version that BI tools read: published/current, swapped atomically.",
    )
    def version(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        reporter().stage("publish")
        summary = current_summary()
        settings.work.with_name("checks.html").write_text(_checks_page(settings))
        published = versions.publish(
            settings.published,
            details={
                "run_id": context.run_id,
                "company": connections.company.model_dump(),
                "checks": {"passed": summary.checks_passed, "warned": summary.checks_warned},
                "source_freshness": versions.source_freshness(settings.work),
            },
        )
        writer_lock(settings.locks / "writer").release()
        summary.published = published.version.name
        summary.is_new_version = published.is_new
        summary.where = str(settings.published / "current")
        tables = published.version.manifest["tables"]
        yield dg.MaterializeResult(
            metadata={
                "version": published.version.name,
                "is_new": published.is_new,
                "path": dg.MetadataValue.path(str(published.version.path)),
                "report": dg.MetadataValue.url(f"file://{published.version.path}/report.html"),
                "tables": len(tables),
                "rows": sum(table["rows"] for table in tables.values()),
            }
        )

    return [report, version]


def _checks_page(settings: Settings) -> str:
    """What was checked on the way in and on the way out, as one page; a company without sources lands nothing."""
    from expectations.html import render
    from expectations.results import load_run

    runs = (load_run(settings.checks, stage) for stage in ("landing", "marts"))
    return render(*(run for run in runs if run is not None))
