"""The event log with open connections holds what Dagster's own holds, for every process and after every death."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import dagster as dg

from orchestration.event_log import OPEN_FILES, PooledEventLog

ASSETS = 20
# Writes messages until it is killed; says how many are stored.
WRITER = """
import sys
from tests.unit.test_event_log import instance_in, message
instance = instance_in(sys.argv[1])
for number in range(1_000_000):
    instance.handle_new_event(message("killed", number))
    print(number + 1, flush=True)
"""


def instance_in(home: Path | str) -> dg.DagsterInstance:
    pooled = {
        "module": "orchestration.event_log",
        "class": "PooledEventLog",
        "config": {"dagster_home": str(home)},
    }
    return dg.DagsterInstance.local_temp(str(home), overrides={"event_log_storage": pooled})


def message(run_id: str, number: int) -> dg.EventLogEntry:
    return dg.EventLogEntry(
        error_info=None, level=10, user_message=f"message {number}", run_id=run_id, timestamp=float(number)
    )


def run_job(instance: dg.DagsterInstance) -> str:
    """A run of assets with a check each, some of which depend on others; its id."""

    def asset_of(number: int) -> dg.AssetsDefinition:
        name = f"asset_{number}"
        deps = [f"asset_{number // 2}"] if number else []

        @dg.asset(name=name, deps=deps, check_specs=[dg.AssetCheckSpec("whole", asset=name)])
        def compute(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
            context.log.info("half way")
            return dg.MaterializeResult(
                metadata={"rows": number}, check_results=[dg.AssetCheckResult(passed=number % 3 > 0)]
            )

        return compute

    result = dg.materialize([asset_of(number) for number in range(ASSETS)], instance=instance)
    assert result.success
    return result.run_id


def stored(home: Path, run_id: str) -> dict[str, Counter[str | None]]:
    """Events by type in the file of the run and in the index, rows of the tables kept by asset and by check."""
    found = {}
    for file in (run_id, "index"):
        with closing(sqlite3.connect(home / "history" / "runs" / f"{file}.db")) as con:
            rows = con.execute("select dagster_event_type, asset_key from event_logs").fetchall()
            found[f"{'run' if file == run_id else file} events"] = Counter(
                f"{kind} {key}" for kind, key in rows
            )
            for table, columns in (
                ("asset_keys", "asset_key, last_materialization is null, last_run_id is null"),
                ("asset_check_executions", "asset_key, check_name, execution_status"),
            ):
                found[f"{file == run_id} {table}"] = Counter(
                    str(row) for row in con.execute(f"select {columns} from {table}").fetchall()
                )
    return found


def open_files(folder: Path) -> list[str]:
    links = (f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd"))  # noqa: PTH208
    return [path for path in map(os.path.realpath, links) if path.startswith(str(folder))]


def messages(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    return [entry.user_message for entry in instance.all_logs(run_id)]


def test_a_run_leaves_the_same_events_as_in_dagsters_own_log(tmp_path):
    for name in ("own", "pooled"):
        (tmp_path / name).mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "own")) as instance:
        expected = stored(tmp_path / "own", run_job(instance))
    with instance_in(tmp_path / "pooled") as instance:
        assert isinstance(instance.event_log_storage, PooledEventLog)
        run_id = run_job(instance)
        # A materialization, its plan, a check, its plan.
        assert expected["index events"].total() > 4 * ASSETS
        assert stored(tmp_path / "pooled", run_id) == expected
    assert stored(tmp_path / "pooled", run_id) == expected


def test_another_process_reads_each_event_as_it_is_written_and_all_of_them_after_a_kill(tmp_path):
    with instance_in(tmp_path) as reader:
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        for _ in range(50):
            written = int(writer.stdout.readline())
        assert len(messages(reader, "killed")) >= written == 50
        writer.send_signal(signal.SIGKILL)
        written = int(writer.stdout.read().split()[-1])
        assert writer.wait() == -signal.SIGKILL
        # The event that was being written when the kill came may stand too.
        found = messages(reader, "killed")
        assert found in ([f"message {n}" for n in range(count)] for count in (written, written + 1))
        reader.handle_new_event(message("killed", 7))
    with instance_in(tmp_path) as later:
        assert len(messages(later, "killed")) == len(found) + 1
    with closing(sqlite3.connect(tmp_path / "history" / "runs" / "killed.db")) as con:
        assert con.execute("pragma integrity_check").fetchone() == ("ok",)


def test_a_long_life_over_many_runs_keeps_few_files_open_and_dispose_closes_them(tmp_path):
    folder = tmp_path / "history" / "runs"
    with instance_in(tmp_path) as instance:
        for run in range(3 * OPEN_FILES):
            instance.handle_new_event(message(f"run_{run}", 1))
        assert 0 < len(open_files(folder)) <= 3 * OPEN_FILES  # database, log, shared memory
        assert [messages(instance, f"run_{run}") for run in range(3 * OPEN_FILES)] == [
            ["message 1"]
        ] * 3 * OPEN_FILES
    assert open_files(folder) == []


def test_a_forked_child_opens_files_of_its_own(tmp_path):
    with instance_in(tmp_path) as instance:
        instance.handle_new_event(message("shared", 1))
        child = os.fork()
        if child == 0:
            try:
                instance.handle_new_event(message("shared", 2))
            finally:
                os._exit(len(messages(instance, "shared")))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
        instance.handle_new_event(message("shared", 3))
        assert messages(instance, "shared") == ["message 1", "message 2", "message 3"]


def test_a_watcher_is_told_of_each_event_while_the_connection_of_the_writer_is_open(tmp_path):
    seen: list[str] = []
    with instance_in(tmp_path) as writer, instance_in(tmp_path) as watcher:
        writer.handle_new_event(message("watched", 0))
        watcher.watch_event_logs("watched", None, lambda entry, _: seen.append(entry.user_message))
        deadline = time.monotonic() + 60
        for number in range(1, 4):
            writer.handle_new_event(message("watched", number))
            while len(seen) < number + 1 and time.monotonic() < deadline:
                time.sleep(0.01)
            assert seen == [f"message {n}" for n in range(number + 1)]


def test_wiping_deletes_the_files_of_runs_and_leaves_a_log_that_works(tmp_path):
    with instance_in(tmp_path) as instance:
        instance.handle_new_event(message("old", 1))
        instance.event_log_storage.wipe()
        assert not list((tmp_path / "history" / "runs").glob("old.db*"))
        assert messages(instance, "old") == []
        instance.handle_new_event(message("new", 1))
        assert messages(instance, "new") == ["message 1"]
