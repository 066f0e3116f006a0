"""One writer of the build database and of the next version, guarded by the kernel.

A Dagster pool slot stays taken when its process is killed; an flock is freed by the kernel. So the lock
file is what really guards the writer, and the pool only orders steps inside one instance.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import IO

from orchestration.errors import CxError

# A full build of the demo company takes under a minute; ten minutes covers the largest build measured in bench/.
DEFAULT_WAIT_SECONDS = 600.0


class WriterLock:
    """Exclusive lock on a file, re-entrant within the process, released by the kernel when the process dies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock now."""
        return self._file is not None

    def acquire(self, wait_seconds: float = DEFAULT_WAIT_SECONDS) -> None:
        """Take the lock, waiting for another holder.

        Args:
            wait_seconds: how long to wait before giving up, in seconds.

        Raises:
            CxError: another process still holds it after the wait; names that process.
        """
        if self._file is not None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = self.path.open("a+")
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    handle.seek(0)
                    holder = handle.read().strip() or "unknown"
                    handle.close()
                    raise CxError(
                        subject=str(self.path),
                        cause=f"another run (process {holder}) is still building after {wait_seconds:.0f} s",
                        next_step="wait for it to end, or stop that process, then run again",
                    ) from None
                time.sleep(0.2)
        handle.seek(0)
        handle.truncate()
        handle.write(str(os.getpid()))
        handle.flush()
        self._file = handle

    def release(self) -> None:
        """Give the lock back; does nothing when it is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None


_locks: dict[Path, WriterLock] = {}


def writer_lock(path: Path) -> WriterLock:
    """The one lock object of this process for `path`, so that build, audit and publish share it."""
    return _locks.setdefault(path.resolve(), WriterLock(path.resolve()))
