"""The daily job in this process, recorded in the instance that the UI shows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ingestion.settings import Settings
from orchestration.errors import CxError
from orchestration.graph import build_definitions
from orchestration.instance import close_dead_runs, open_instance, run_tags
from orchestration.locks import writer_lock
from orchestration.progress import Reporter, use_reporter
from orchestration.schedules import JOB
from orchestration.summary import RunSummary, start_summary

# Dagster's console log repeats what the reporter says; errors of steps are told from the summary.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run_job(settings: Settings, reporter: Reporter) -> tuple[bool, RunSummary]:
    """Ingest, check, build, audit, report and publish once.

    Args:
        settings: the data home and connections file.
        reporter: where progress goes.

    Returns:
        Whether the run succeeded, and what it did. Failures are in `summary.errors`.
    """
    summary = start_summary()
    use_reporter(reporter)
    reporter.stage("prepare")
    with open_instance(settings) as instance:
        close_dead_runs(instance)
        job = build_definitions(settings).resolve_job_def(JOB)
        with _output_to_log(settings) as log:
            try:
                result = job.execute_in_process(
                    instance=instance, run_config=_QUIET, tags=run_tags(), raise_on_error=False
                )
            finally:
                writer_lock(settings.locks / "writer").release()
        if not result.success and not summary.errors:
            for event in result.all_events:
                if event.is_step_failure:
                    error = event.step_failure_data.error
                    cause = error.cause or error if error else None
                    summary.errors.append(
                        CxError(
                            f"step {event.step_key}",
                            " ".join(cause.message.split()) if cause else "failed",
                            f"see run {result.run_id} in the UI (cx ui), or {log}",
                        )
                    )
        return result.success, summary


@contextlib.contextmanager
def _output_to_log(settings: Settings) -> Iterator[str]:
    """dbt's messages go to a file: standard output belongs to the command line."""
    path = settings.dagster_home / "last_run.log"
    with path.open("w") as log, contextlib.redirect_stdout(log):
        yield str(path)
