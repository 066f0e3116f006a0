"""A BI tool that queries the published file while a run builds and publishes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb


@dataclass
class Readings:
    """What the reader saw, in order, and the errors it met."""

    event_counts: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@contextmanager
def reading_20_times_a_second(database: Path) -> Iterator[Readings]:
    """Query the file 20 times a second, each time by a connection of its own, until the block ends."""
    readings, stop = Readings(), threading.Event()
    thread = threading.Thread(target=_read, args=(database, stop, readings))
    thread.start()
    try:
        yield readings
        time.sleep(0.5)  # the version that the block published is read too
    finally:
        stop.set()
        thread.join()


def _read(database: Path, stop: threading.Event, readings: Readings) -> None:
    while not stop.is_set():
        started = time.monotonic()
        try:
            with duckdb.connect(str(database), read_only=True) as con:
                row = con.execute("select sum(event_count) from marts.fct_sessions").fetchone()
                readings.event_counts.append(int(row[0]))
        except Exception as error:
            readings.errors.append(str(error))
        time.sleep(max(0.0, 0.05 - (time.monotonic() - started)))
