"""`python -m tests.support.killed_run POINT`: `cx run` in a process that kills itself at an exact point.

Nothing in the product knows of this: the points are reached by wrapping functions from outside.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any


def die(*args: Any, **kwargs: Any) -> Any:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def in_extract() -> None:
    """While a connector's rows are being read, after some of them."""
    from ingestion import registry

    original = registry.source_module

    def source_module(name: str) -> Any:
        module = original(name)

        class Reading:
            check = module.check

            @staticmethod
            def read(ctx: Any) -> Iterator[Any]:
                for count, batch in enumerate(module.read(ctx)):
                    if count == 3:
                        die()
                    yield batch

        return Reading

    registry.source_module = source_module


def in_load() -> None:
    """After some files of a package lie in the lake, before it is marked complete."""
    from dlt.destinations.impl.filesystem.filesystem import FilesystemLoadJob

    after_calls(FilesystemLoadJob, "run", 4)


def in_dbt() -> None:
    """While dbt builds, after forty of its messages."""
    from dagster_dbt.core.dbt_cli_invocation import DbtCliInvocation

    original = DbtCliInvocation.stream_raw_events

    def stream_raw_events(self: Any) -> Iterator[Any]:
        for count, event in enumerate(original(self)):
            if count == 40:
                die()
            yield event

    DbtCliInvocation.stream_raw_events = stream_raw_events


def in_publish() -> None:
    """After the new version has its name, before readers are pointed at it."""
    from orchestration import publish

    publish._swap = die


def after_calls(owner: type, name: str, calls: int) -> None:
    """Let a method do its work `calls` times, then die at its end."""
    original = getattr(owner, name)
    done = 0

    def counted(self: Any, *args: Any) -> Any:
        nonlocal done
        result = original(self, *args)
        done += 1
        if done == calls:
            die()
        return result

    setattr(owner, name, counted)


POINTS: dict[str, Callable[[], None]] = {
    "extract": in_extract,
    "load": in_load,
    "dbt": in_dbt,
    "publish": in_publish,
}

if __name__ == "__main__":
    POINTS[sys.argv[1]]()
    from orchestration.cli import main

    sys.argv = ["cx", "run"]
    main()
