"""Great Expectations at the two boundaries: what was landed, and what is about to be published.

The suites run in one step each (importing Great Expectations costs about 10 s of CPU, so it happens inside the
step); every suite shows as a check of its table. A failed blocking check stops the build, or the publish.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

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
        yield from _results(context, run, LANDING_CHECK, lambda key: f"{key.path[1]}.{key.path[2]}")

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
        yield from _results(context, run, AUDIT_CHECK, lambda key: key.path[-1])

    return audit


def _results(
    context: dg.AssetCheckExecutionContext, run: CheckRun, name: str, table_of: Any
) -> Iterator[dg.AssetCheckResult]:
    """One check result per table; several failed expectations of a table are told together."""
    by_table: dict[str, list[CheckResult]] = {}
    for result in run.results:
        by_table.setdefault(result.table, []).append(result)
    summary = current_summary()
    failed = [result for result in run.results if not result.passed]
    summary.add_checks(passed=len(run.results) - len(failed), warned=len(failed) - len(run.blocking_failures))
    for result in failed:
        error = CxError(
            subject=f"check {result.suite} on {result.table}",
            cause=f"{result.expectation}: {result.detail}",
            next_step=f"see {run.page or 'the check page'}",
        )
        (summary.errors if result in run.blocking_failures else summary.warnings).append(error)
        reporter().line(str(error))
    for key in sorted({check.asset_key for check in context.selected_asset_check_keys}):
        results = by_table.get(table_of(key), [])
        bad = [result for result in results if not result.passed]
        blocking = any(result in run.blocking_failures for result in bad)
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=name,
            passed=not bad,
            severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
            description="; ".join(f"{result.expectation}: {result.detail}" for result in bad) or None,
            metadata={
                "expectations": len(results),
                "failed": len(bad),
                **{
                    result.expectation: dg.MetadataValue.json(
                        {"observed": str(result.observed), "samples": [str(s) for s in result.sample]}
                    )
                    for result in bad
                },
            },
        )
