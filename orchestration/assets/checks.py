"""Great Expectations at the two boundaries: what was landed, and what is about to be published.

The suites run in one step each (importing Great Expectations costs about 10 s of CPU, so it happens inside the
step); every suite shows as a check of its table. A failed blocking check stops the build, or the publish.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from ingestion.connections import Connections
from ingestion.settings import Settings
from orchestration.errors import CxError
from orchestration.progress import reporter
from orchestration.summary import current_summary

if TYPE_CHECKING:
    from expectations.results import CheckResult, CheckRun

LANDING_CHECK = "landing_suite"
AUDIT_CHECK = "audit_suite"


def build_landing_checks(
    settings: Settings, connections: Connections, keys: Sequence[dg.AssetKey]
) -> dg.AssetChecksDefinition:
    """Checks of the landed tables: contract, volume, freshness."""
    specs = [
        dg.AssetCheckSpec(
            LANDING_CHECK,
            asset=key,
            blocking=True,
            description="contract, volume and freshness of what was landed",
        )
        for key in keys
    ]

    @dg.multi_asset_check(name="check_landing", specs=specs, can_subset=True)
    def check_landing(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        from expectations.runner import run_landing

        reporter().stage("check what came in")
        run = run_landing(settings, connections)
        yield from _results(
            context,
            run,
            LANDING_CHECK,
            settings.checks / "landing.html",
            lambda key: (key.path[1], key.path[2]),
        )

    return check_landing


def build_audit(settings: Settings, keys: Sequence[dg.AssetKey]) -> dg.AssetChecksDefinition:
    """Checks of the marts in the work file, before they are published."""
    specs = [
        dg.AssetCheckSpec(
            AUDIT_CHECK, asset=key, blocking=True, description="audit of the mart before it is published"
        )
        for key in keys
    ]

    @dg.multi_asset_check(name="audit", specs=specs, can_subset=True)
    def audit(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        from expectations.runner import run_marts

        reporter().stage("audit what goes out")
        run = run_marts(settings, settings.work)
        yield from _results(
            context, run, AUDIT_CHECK, settings.checks / "marts.html", lambda key: ("", key.path[-1])
        )

    return audit


def _results(
    context: dg.AssetCheckExecutionContext,
    run: "CheckRun",
    name: str,
    page: Path,
    place_of: Callable[[dg.AssetKey], tuple[str, str]],
) -> Iterator[dg.AssetCheckResult]:
    """One check result per table; several failed expectations of a table are told together."""
    by_place: dict[tuple[str, str], list[CheckResult]] = {}
    for result in run.results:
        by_place.setdefault((result.dataset, result.table), []).append(result)
    summary = current_summary()
    counts = run.counts()
    summary.add_checks(passed=counts["passed"], warned=counts["warnings"])
    for results, found in ((summary.errors, run.blocking_failures), (summary.warnings, run.warnings)):
        for result in found:
            where = f"{result.dataset}.{result.table}" if result.dataset else result.table
            results.append(CxError(f"check on {where}", f"{result.title}: {result.detail}", f"see {page}"))
            reporter().line(str(results[-1]))
    for key in sorted({check.asset_key for check in context.selected_asset_check_keys}):
        results_of_key = by_place.get(place_of(key), [])
        bad = [result for result in results_of_key if not result.passed]
        blocking = any(result.is_blocking for result in bad)
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=name,
            passed=not bad,
            severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
            description="; ".join(result.sentence() for result in bad) or None,
            metadata={
                "expectations": len(results_of_key),
                "failed": len(bad),
                "page": dg.MetadataValue.path(str(page)),
                **{result.title: _samples(result) for result in bad},
            },
        )


def _samples(result: "CheckResult") -> dg.MetadataValue:
    return dg.MetadataValue.json(
        {
            "observed": str(result.observed),
            "unexpected_count": result.unexpected_count,
            "sample": [str(value) for value in result.sample],
        }
    )
