"""`python -m tests.support.killed_load POINT HOME CONNECTIONS`: one load that kills itself at an exact point.

Nothing in the product knows of this: the points are reached by wrapping functions from outside.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.support.killed_run import after_calls, die


def in_extract() -> None:
    """After some batches have been handed over."""
    from ingestion.generic.files import source

    original = source.read_csv

    def counted(*arguments: Any) -> Iterator[Any]:
        yield from original(*arguments)
        if arguments[3] == "3.csv":
            die()

    source._READERS["csv"] = counted


def after_extract() -> None:
    """The package is written, the working folder's own state is not."""
    from dlt.extract.extract import Extract

    after_calls(Extract, "commit_packages", 1)


def in_normalize() -> None:
    """Before the first file of the package is taken over."""
    from dlt.normalize.normalize import Normalize

    Normalize.run = die


def after_normalize() -> None:
    """The package waits for its load."""
    from dlt.normalize.normalize import Normalize

    after_calls(Normalize, "run", 1)


def in_load_between_files() -> None:
    """After two files lie in the lake."""
    from dlt.destinations.impl.filesystem.filesystem import FilesystemLoadJob

    after_calls(FilesystemLoadJob, "run", 2)


def in_load_inside_a_file() -> None:
    """A file lies in the lake by half."""
    from fsspec.implementations.local import LocalFileSystem

    def half(self: Any, source: str, target: str, **more: Any) -> None:
        shutil.copy(source, target)
        with Path(target).open("r+b") as file:
            file.truncate(Path(target).stat().st_size // 2)
        die()

    LocalFileSystem.put_file = half


def before_the_mark() -> None:
    """All files lie in the lake, the load is not marked complete."""
    from dlt.destinations.impl.filesystem.filesystem import FilesystemClient

    after_calls(FilesystemClient, "_store_current_state", 1)


def after_the_mark() -> None:
    """The load is marked complete, dlt does not know it yet."""
    from dlt.destinations.impl.filesystem.filesystem import FilesystemClient

    after_calls(FilesystemClient, "_store_load", 1)


POINTS: dict[str, Callable[[], None]] = {
    function.__name__: function
    for function in (
        in_extract,
        after_extract,
        in_normalize,
        after_normalize,
        in_load_between_files,
        in_load_inside_a_file,
        before_the_mark,
        after_the_mark,
    )
}

if __name__ == "__main__":
    POINTS[sys.argv[1]]()
    from ingestion.settings import load_settings
    from tests.support.loading import load

    load(load_settings(sys.argv[2], sys.argv[3]))
