"""`cx doctor`: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import duckdb

from ingestion.connections import load_connections
from ingestion.core.errors import ConfigError
from ingestion.settings import Settings
from orchestration import dbt_build
from orchestration.locks import WriterLock
from orchestration.publish import DATABASE_FILE, current_path, describe_database, list_versions

# A build keeps a work file beside the current version; the demo company needs 0.3 GB, 1 M events about 2 GB.
MIN_FREE_BYTES = 5 * 1024**3


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    subject: str
    ok: bool
    detail: str
    next_step: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Look at everything that a run needs; never changes anything but missing folders."""
    looks: list[Callable[[Settings], Finding]] = [
        _python,
        _connections,
        _disk,
        _writer,
        _runs,
        _manifest,
        _published,
    ]
    return [look(settings) for look in looks]


def _python(settings: Settings) -> Finding:
    found = f"Python {sys.version_info.major}.{sys.version_info.minor}, DuckDB {duckdb.__version__}"
    return Finding(
        "installation",
        sys.version_info[:2] == (3, 11) and version("duckdb") == "1.5.5",
        found,
        "install again with: make setup (Python 3.11, versions of requirements.lock)",
    )


def _connections(settings: Settings) -> Finding:
    try:
        connections = load_connections(settings)
    except ConfigError as error:
        return Finding("connections", False, str(error), "mend the file, then: cx sources check")
    return Finding(
        "connections", True, f"{len(connections.connections)} switched on in {settings.connections_file}"
    )


def _disk(settings: Settings) -> Finding:
    settings.prepare()
    free = shutil.disk_usage(settings.home).free
    return Finding(
        "disk",
        free >= MIN_FREE_BYTES,
        f"{free / 1024**3:.1f} GB free under {settings.home}",
        f"free some space; a build wants {MIN_FREE_BYTES / 1024**3:.0f} GB",
    )


def _writer(settings: Settings) -> Finding:
    lock = WriterLock(settings.locks / "writer")
    free = lock.is_free()
    return Finding("writer lock", True, "free" if free else f"process {lock.holder()} is building now")


def _runs(settings: Settings) -> Finding:
    from orchestration.instance import dead_runs, open_instance

    with open_instance(settings) as instance:
        dead = dead_runs(instance)
    return Finding(
        "run history",
        not dead,
        f"{len(dead)} runs are marked as started but their process is gone" if dead else "no dead runs",
        "start: cx run (it marks them as failed and finishes their work)",
    )


def _manifest(settings: Settings) -> Finding:
    try:
        connections = load_connections(settings)
    except ConfigError:
        return Finding("dbt manifest", True, "not looked at, the connections file is wrong")
    ready = dbt_build.is_prepared(settings, connections)
    return Finding("dbt manifest", True, "prepared" if ready else "is prepared at the next run or UI start")


def _published(settings: Settings) -> Finding:
    current = current_path(settings.published)
    if current is None:
        return Finding("published", True, "nothing yet; run: cx run")
    known = next(v for v in list_versions(settings.published) if v.is_current)
    try:
        found = describe_database(current / DATABASE_FILE)["tables"]
    except duckdb.Error as error:
        return Finding(
            "published", False, f"{known.name}: {error}", "put the version before back: cx rollback"
        )
    wrong = sorted(name for name, table in known.manifest["tables"].items() if found.get(name) != table)
    return Finding(
        "published",
        not wrong,
        f"{known.name} differs from its manifest in {', '.join(wrong)}"
        if wrong
        else f"{known.name} equals its manifest",
        "put the version before back: cx rollback",
    )
