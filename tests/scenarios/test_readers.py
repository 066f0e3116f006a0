"""BI tools read while a run builds and publishes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb


def read_20_times_a_second(database: Path, stop: threading.Event, seen: list[int], errors: list[str]) -> None:
    while not stop.is_set():
        started = time.monotonic()
        try:
            with duckdb.connect(str(database), read_only=True) as con:
                row = con.execute("select sum(event_count) from marts.fct_sessions").fetchone()
                seen.append(int(row[0]))
        except Exception as error:
            errors.append(str(error))
        time.sleep(max(0.0, 0.05 - (time.monotonic() - started)))


def test_a_reader_sees_no_error_and_no_half_version_during_a_run_and_a_publish(company):
    late = [sys.executable, "-m", "ingestion.demo", "late", "--home", str(company.settings.home)]
    subprocess.run(late, check=True, capture_output=True)  # more events for days that are loaded already
    stop, seen, errors = threading.Event(), [], []
    reader = threading.Thread(target=read_20_times_a_second, args=(company.database, stop, seen, errors))
    reader.start()
    line = company.run()
    time.sleep(0.5)
    stop.set()
    reader.join()
    assert "published v2" in line, line
    assert errors == []
    assert len(seen) > 100
    assert len(set(seen)) == 2 and seen == sorted(seen)
