"""The Dagster instance of a data home: where run history lies, and runs whose process died."""

from __future__ import annotations

import os
import shutil
import socket

import dagster as dg

from ingestion.settings import Settings

PID_TAG = "cx/pid"
HOST_TAG = "cx/host"


def environment(settings: Settings) -> dict[str, str]:
    """Variables that tie Dagster, its code location and its run workers to this data home."""
    return {
        "DAGSTER_HOME": str(settings.dagster_home),
        "CX_HOME": str(settings.home),
        "CX_CONNECTIONS": str(settings.connections_file),
    }


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance of this data home, created where it is missing."""
    settings.prepare()
    shutil.copyfile(settings.project_root / "dagster.yaml", settings.dagster_home / "dagster.yaml")
    os.environ.update(environment(settings))
    return dg.DagsterInstance.get()


def run_tags() -> dict[str, str]:
    """Tags that tell later whether the process of a run is still there."""
    return {PID_TAG: str(os.getpid()), HOST_TAG: socket.gethostname()}


def dead_runs(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Runs of this machine marked as started whose process is gone (killed, or the machine went down)."""
    started = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    return [
        run
        for run in started
        if run.tags.get(HOST_TAG) == socket.gethostname() and not _alive(int(run.tags[PID_TAG]))
    ]


def close_dead_runs(instance: dg.DagsterInstance) -> int:
    """Mark dead runs as failed, so that the UI does not show them running for ever; returns how many."""
    runs = dead_runs(instance)
    for run in runs:
        instance.report_run_failed(run, "the process of this run is gone; `cx run` finishes its work")
    return len(runs)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
