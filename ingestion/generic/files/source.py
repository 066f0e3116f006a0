"""Reading files that are new or have changed, found by a manifest of every file seen.

A watermark on the change time would lose a file that arrives late with an older time, and would load a rewritten
file twice; the manifest finds both. A rewritten file is loaded again whole, and staging keeps the rows of the newest
load of each file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from ingestion.core.bookkeeping import FILES_SEEN
from ingestion.core.connector import Batch, RunContext
from ingestion.core.errors import SourceError
from ingestion.core.paths import expand
from ingestion.generic.files.config import FileTable
from ingestion.generic.files.csv_file import read_csv
from ingestion.generic.files.jsonl_file import read_jsonl
from ingestion.generic.files.parquet_file import read_parquet
from ingestion.generic.files.store import FoundFile, Store

# bytes of files per load package: what a crash costs to read again
_PACKAGE_BYTES = 1 << 30

_READERS: dict[str, Callable[..., Iterator[Batch]]] = {
    "csv": read_csv,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
}

Manifest = dict[str, dict[str, list[Any]]]
"""table -> file -> [size, signature]"""


def read(ctx: RunContext) -> Iterator[Batch]:
    """Batches of the files that are new or changed since `ctx.state`; see `Source.read`."""
    manifest: Manifest = ctx.state.get("files", {})
    taken = 0
    for table in ctx.config.tables:
        try:
            store = _store(ctx, table)
            found = _found(store, table, manifest)
        except SourceError as error:
            ctx.deferred.append(error)
            continue
        for file in _new(found, table, manifest, ctx.started_at):
            if taken and taken + file.size > _PACKAGE_BYTES:
                ctx.more = True
                break
            taken += file.size
            try:
                yield from _load(ctx, store, table, file)
            except _NotLoaded as error:
                ctx.deferred.append(error.problem)
                continue
            manifest.setdefault(table.name, {})[file.name] = [file.size, file.signature]
            ctx.state["files"] = manifest


def check(ctx: RunContext) -> list[str]:
    """Prove that each glob can be listed and that one file of each can be opened."""
    proven = []
    for table in ctx.config.tables:
        store = _store(ctx, table)
        files = _found(store, table, {})
        with store.open(files[0]) as stream:
            stream.read(1)
        total = sum(file.size for file in files)
        proven.append(f"{table.name}: {len(files)} files, {total:,} bytes at {table.glob}")
    return proven


class _NotLoaded(Exception):
    """One file cannot be loaded; the others can."""

    def __init__(self, problem: SourceError) -> None:
        self.problem = problem


def _store(ctx: RunContext, table: FileTable) -> Store:
    glob = expand(table.glob, {"CX_HOME": str(ctx.settings.home)})
    options = dict(ctx.config.storage_options)
    options.update({key: ctx.secret(key) for key in ctx.connection.secrets})
    try:
        return Store(glob, ctx.settings.connections_file.parent, options)
    except (ImportError, ValueError, TypeError) as error:
        raise SourceError(
            f"{table.glob} cannot be opened: {error}.",
            "Check the URL, and install the fsspec package of its protocol.",
            table=table.name,
        ) from error


def _found(store: Store, table: FileTable, manifest: Manifest) -> list[FoundFile]:
    try:
        found = store.files()
    except OSError as error:
        raise SourceError(
            f"{table.glob} cannot be listed: {error.strerror or type(error).__name__}.",
            "Check path, network and permissions.",
            table=table.name,
        ) from error
    if not found and not manifest.get(table.name):
        raise SourceError(f"no file matches {table.glob}.", "Correct `glob`.", table=table.name)
    return found


def _new(
    found: list[FoundFile], table: FileTable, manifest: Manifest, now: dt.datetime
) -> Iterator[FoundFile]:
    seen = manifest.get(table.name, {})
    for file in found:
        age = (now - file.modified_at).total_seconds() if file.modified_at else None
        # a time far ahead of ours is a wrong clock, not a file in the making
        if (age is None or abs(age) >= table.settle_seconds) and seen.get(file.name) != [
            file.size,
            file.signature,
        ]:
            yield file


def _load(ctx: RunContext, store: Store, table: FileTable, file: FoundFile) -> Iterator[Batch]:
    """Batches of one file, then its row for `files_seen`. The signature is the one from before reading."""
    spec = ctx.specs[table.name]
    loaded = rejected = 0
    held: list[Batch] = []
    needed = table.expect.min_rows
    try:
        with store.open(file) as stream:
            for batch in _READERS[table.format](stream, table, spec, file.name):
                loaded += batch.rows.num_rows if batch.rows is not None else 0
                rejected += len(batch.rejected)
                held.append(batch)
                # the first batch proves that the header fits; after that nothing refuses the file as a whole
                if loaded + rejected >= needed:
                    yield from held
                    held = []
    except SourceError as error:
        raise _NotLoaded(error) from error
    except OSError as error:
        problem = SourceError(
            f"{file.name} cannot be read: {error.strerror or type(error).__name__}.",
            "Check the file, network and permissions, then run again.",
            table=table.name,
        )
        raise _NotLoaded(problem) from error
    if loaded + rejected < needed:
        raise _NotLoaded(
            SourceError(
                f"{file.name} has {loaded + rejected:,} rows, fewer than the {needed:,} expected.",
                "Deliver the whole file, or lower `expect.min_rows`.",
                table=table.name,
            )
        )
    seen = {
        "source_table": table.name,
        "file": file.name,
        "size": file.size,
        "modified_at": file.modified_at,
        "rows_read": loaded + rejected,
        "rows_loaded": loaded,
        "rows_rejected": rejected,
    }
    yield ctx.rows(FILES_SEEN.name, [seen], file.name)
