"""Folders that are costly to build, built by one worker of a parallel test run and read by all."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """Folder `name` of this test run, after `build(folder)` has ended well in one of the workers.

    Other workers wait meanwhile. A build that fails is tried again by the next that asks, in a folder of its own.
    """
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # each worker has a folder of its own below the run's
    mark = root / f"{name}.built"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists():
            folder = factory.mktemp(name)
            build(folder)
            mark.write_text(str(folder))
    return Path(mark.read_text())
