"""One writer of the build database and of the next version, from build to publish.

A Dagster pool slot stays taken when its process is killed; this lock is freed by the kernel.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path

from ingestion.core.locks import Busy, exclusive
from orchestration.errors import CxError

# The largest build measured in bench/ ends well within ten minutes.
DEFAULT_WAIT_SECONDS = 600.0


class WriterLock:
    """Exclusive lock on a file that outlives a step: re-entrant in its process, waits for another holder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: ExitStack | None = None

    def acquire(self, wait_seconds: float = DEFAULT_WAIT_SECONDS) -> None:
        """Take the lock; does nothing when this process has it already.

        Args:
            wait_seconds: how long to wait for another holder, in seconds.

        Raises:
            CxError: another process still holds it after the wait; names that process.
        """
        deadline = time.monotonic() + wait_seconds
        while self._held is None:
            stack = ExitStack()
            try:
                stack.enter_context(exclusive(self.path))
            except Busy:
                if time.monotonic() >= deadline:
                    raise CxError(
                        subject=str(self.path),
                        cause=f"another run (process {self.holder()}) is still building after {wait_seconds:.0f} s",
                        next_step="wait for it to end, or stop that process, then run again",
                    ) from None
                time.sleep(0.2)
            else:
                self.path.write_text(str(os.getpid()))
                self._held = stack

    def release(self) -> None:
        """Give the lock back; does nothing when it is not held."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def holder(self) -> str:
        """Process that took the lock last."""
        return self.path.read_text().strip() or "unknown"

    def is_free(self) -> bool:
        """Whether nobody holds it now."""
        try:
            with exclusive(self.path):
                return True
        except Busy:
            return False


_locks: dict[Path, WriterLock] = {}


def writer_lock(path: Path) -> WriterLock:
    """The one lock object of this process for `path`, so that build, audit and publish share it."""
    return _locks.setdefault(path.resolve(), WriterLock(path.resolve()))
