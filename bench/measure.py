"""Run a command and measure its whole process tree: wall time, CPU seconds, greatest resident memory.

Reads /proc, so Linux only; nothing but the standard library.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
# The tree is looked at every 50 ms: a scan of /proc costs about 2 ms, and DuckDB holds its peak for far longer.
_INTERVAL_SECONDS = 0.05


@dataclass(frozen=True)
class Measured:
    """What one command cost.

    Attributes:
        wall_seconds: start to end.
        cpu_seconds: user and system time of the process and the children it waited for.
        peak_bytes: greatest sum of resident memory over the tree; shared pages count once per process, so
            this is an upper bound.
        output: standard output as text.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


FIGURES = ("wall_seconds", "cpu_seconds", "peak_bytes")
"""Names of the numbers of `Measured`."""


def run(command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Measured:
    """Run `command` to its end and measure it. Raises RuntimeError with its output when it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(
        list(command),
        env={**os.environ, **(env or {})},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    chunks: list[str] = []
    reader = threading.Thread(target=lambda: chunks.append(process.stdout.read()), daemon=True)  # type: ignore[union-attr]
    reader.start()
    peak = 0
    try:
        while True:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            peak = max(peak, tree_bytes(process.pid))
            time.sleep(_INTERVAL_SECONDS)
    except BaseException:
        process.send_signal(signal.SIGTERM)
        process.wait()
        raise
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    reader.join()
    output = "".join(chunks)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)[:200]} ended with {process.returncode}:\n{output[-4000:]}")
    # ru_maxrss (KiB) is the greatest single process, seen by the kernel even between two looks.
    return Measured(wall, usage.ru_utime + usage.ru_stime, max(peak, usage.ru_maxrss * 1024), output)


def tree_bytes(root: int) -> int:
    """Sum of resident bytes of a process and all its descendants that live at this moment."""
    parents: dict[int, int] = {}
    resident: dict[int, int] = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            # The command name may hold spaces and brackets; fields are counted from its closing bracket.
            fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # ended between the listing and the reading
        parents[int(entry.name)] = int(fields[1])
        resident[int(entry.name)] = int(fields[21]) * _PAGE
    total = 0
    for pid, size in resident.items():
        ancestor = pid
        while ancestor not in (0, root):
            ancestor = parents.get(ancestor, 0)
        total += size if ancestor == root else 0
    return total
