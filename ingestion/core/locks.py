"""One process at a time, by a lock that the kernel frees when the process dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class Busy(Exception):
    """Another process, or another thread, holds the lock."""


@contextlib.contextmanager
def exclusive(file: Path) -> Iterator[None]:
    """Hold the lock `file` inside the block. Raises `Busy` at once when another holds it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(str(file)) from None
        yield
    finally:
        os.close(descriptor)
