"""The dbt project as Dagster and the command line call it: environment, prepared manifest, invocation.

The manifest is prepared ahead (a cold `dbt parse` costs about 7 s of CPU) and prepared again when the
connections file, a model, a seed, a macro or dbt itself changes: the graph holds only what is switched on.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from ingestion.connections import Connections, dbt_vars
from ingestion.settings import Settings, telemetry_off
from orchestration.errors import CxError
from orchestration.locks import WriterLock

# Unit tests try the models' SQL on made-up rows: they can only change with the code, so they belong to its
# tests, and cost a third of dbt's CPU. A log file besides the output costs a seventh: dbt writes each of 11,000
# debug events as text before it asks for the level of the file.
BUILD = ("build", "--exclude-resource-type", "unit_test", "--log-level-file", "none")
# Seeds change with the project only; loading and testing them anew is a quarter of the nodes of a run.
# Cautious: a test that reads a model too stays.
WITHOUT_SEEDS = ("--exclude", "resource_type:seed", "--indirect-selection", "cautious")
# What incremental models hold was worked out by the project of the last build.
FROM_SCRATCH = ("--full-refresh",)

_PARSED = "manifest.msgpack"  # the manifest as dbt itself reads it back
_PARSED_SUFFIXES = {".sql", ".yml", ".yaml", ".csv", ".md", ".py"}


def executable() -> str:
    """Path of `cx-dbt` beside the interpreter that runs."""
    return str(Path(sys.executable).parent / "cx-dbt")


def project_dir(settings: Settings) -> Path:
    """The dbt project folder."""
    return settings.project_root / "dbt_project"


def environment(settings: Settings) -> dict[str, str]:
    """Variables that profiles.yml and dbt read; merged over the process environment."""
    telemetry_off()
    return {
        "CX_DBT_MANIFEST": "",  # parse: a build earlier in this process may have set another
        "CX_HOME": str(settings.home),
        "CX_LAKE": str(settings.lake),
        "CX_WAREHOUSE": str(settings.warehouse),
        "CX_WORK": str(settings.work),
        "DBT_TARGET_PATH": str(settings.dbt_target),
        "DBT_LOG_PATH": str(settings.dbt_target),
        "DBT_PROFILES_DIR": str(project_dir(settings)),
        "DBT_PROJECT_DIR": str(project_dir(settings)),
    }


def variables(settings: Settings, connections: Connections) -> str:
    """The dbt `--vars` argument; the same text for parse and build, or dbt parses everything again."""
    return json.dumps(dbt_vars(connections, settings), sort_keys=True)


def prepared_environment(settings: Settings, connections: Connections) -> dict[str, str]:
    """`environment`, and dbt takes the prepared manifest as it is instead of looking for what changed since."""
    prepared = prepare(settings, connections)
    return {**environment(settings), "CX_DBT_MANIFEST": str(prepared.with_name(_PARSED))}


def _project_files(root: Path) -> Iterator[Path]:
    skip = {"target", "logs", "dbt_packages"}
    for path in sorted(root.rglob("*")):
        if path.suffix in _PARSED_SUFFIXES and not skip & set(path.relative_to(root).parts):
            yield path


def fingerprint(settings: Settings, connections: Connections) -> str:
    """Hash of everything the manifest depends on."""
    digest = hashlib.sha256()
    root = project_dir(settings)
    for path in _project_files(root):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes())
    digest.update(variables(settings, connections).encode())
    digest.update(f"{version('dbt-core')} {version('dbt-duckdb')} {root}".encode())
    return digest.hexdigest()


def manifest_path(settings: Settings) -> Path:
    """Where the prepared manifest lies; a running dbt writes its own copy elsewhere."""
    return settings.dbt_target / "prepared" / "manifest.json"


def prepare(settings: Settings, connections: Connections) -> Path:
    """Make sure that the prepared manifest fits the project and the connections.

    Returns:
        Path of the manifest.

    Raises:
        CxError: dbt could not parse the project; carries dbt's own message.
    """
    prepared = manifest_path(settings)
    mark = prepared.with_name("fingerprint")
    wanted = fingerprint(settings, connections)
    if _is_current(prepared, mark, wanted):
        return prepared
    prepared.parent.mkdir(parents=True, exist_ok=True)
    lock = WriterLock(prepared.with_name(".lock"))
    lock.acquire()
    try:
        if _is_current(prepared, mark, wanted):
            return prepared
        run_dbt(settings, ["parse", "--vars", variables(settings, connections)])
        mark.unlink(missing_ok=True)
        for written, kept in (("partial_parse.msgpack", _PARSED), ("manifest.json", prepared.name)):
            temporary = prepared.with_name(f".{kept}.new")
            temporary.write_bytes((settings.dbt_target / written).read_bytes())
            temporary.replace(prepared.with_name(kept))
        mark.write_text(wanted)
    finally:
        lock.release()
    return prepared


def _is_current(prepared: Path, mark: Path, wanted: str) -> bool:
    return prepared.exists() and mark.exists() and mark.read_text() == wanted


def is_prepared(settings: Settings, connections: Connections) -> bool:
    """Whether the prepared manifest fits the project and the connections."""
    prepared = manifest_path(settings)
    return _is_current(prepared, prepared.with_name("fingerprint"), fingerprint(settings, connections))


def built_project(settings: Settings) -> str | None:
    """Fingerprint of the last build that ended well in this warehouse; None after any other."""
    if not settings.warehouse.exists():
        return None
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        if not con.execute("select 1 from duckdb_tables() where table_name = 'built_project'").fetchone():
            return None
        row = con.execute("select fingerprint from main.built_project").fetchone()
    return row[0] if row else None


def set_built_project(settings: Settings, project: str | None) -> None:
    """Note the fingerprint of a build that ended well; None before one that may change what stands."""
    if project is None and not settings.warehouse.exists():
        return  # dbt creates it, with the storage options of its profile
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute(
            "create or replace table main.built_project as select cast(? as text) as fingerprint", [project]
        )


def reads_seeds_only(test: Mapping[str, Any]) -> bool:
    """Whether a test of dbt's manifest reads seeds and nothing else."""
    parents = test["depends_on"]["nodes"]
    return bool(parents) and all(name.startswith("seed.") for name in parents)


def node_count(nodes: Mapping[str, Any], *, with_seeds: bool) -> int:
    """Number of nodes that a build runs, of `nodes` of dbt's manifest; without seeds, their tests stay out too."""
    return sum(
        kind in ("model", "snapshot")
        or (kind == "seed" and with_seeds)
        or (kind == "test" and (with_seeds or not reads_seeds_only(node)))
        for node in nodes.values()
        for kind in (node["resource_type"],)
    )


def run_dbt(settings: Settings, arguments: list[str], given: Mapping[str, str] | None = None) -> None:
    """Run one dbt command to its end.

    Args:
        settings: the data home.
        arguments: command and options.
        given: environment for dbt; default `environment`, with which it parses what changed.

    Raises:
        CxError: dbt failed; carries the end of its output.
    """
    settings.dbt_target.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [executable(), "--no-use-colors", *arguments],
        cwd=project_dir(settings),
        env={**os.environ, **(given or environment(settings))},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        message = (done.stdout + done.stderr).strip()[-2000:]
        raise CxError(
            subject=f"dbt {arguments[0]}",
            cause=message or f"exit code {done.returncode}",
            next_step=f"mend the file named above; dbt's log is {settings.dbt_target / 'dbt.log'}",
        )


def failures(run_results: Mapping[str, Any]) -> list[CxError]:
    """Failed models and tests of a dbt run, each with its cause.

    Args:
        run_results: dbt's run_results.json.
    """
    errors = []
    for result in run_results.get("results", []):
        if result["status"] not in ("error", "fail", "runtime error"):
            continue
        kind, _, name = result["unique_id"].split(".", 2)
        name = name.split(".")[0]
        cause = " ".join((result.get("message") or result["status"]).split())
        count = result.get("failures")
        errors.append(
            CxError(
                subject=f"dbt {kind.replace('_', ' ')} {name}",
                cause=f"{count} failing rows" if result["status"] == "fail" and count else cause,
                next_step=f"see {result.get('relation_name') or 'the compiled SQL'}; "
                f"try it alone: cx-dbt build --select {name}",
            )
        )
    return errors
