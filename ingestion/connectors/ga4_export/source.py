"""Reads the daily files of a GA4 raw export that are new or were written again.

GA4 restates a day for up to three days. A rewritten file is loaded again whole, and staging keeps the rows
of the newest load of each file, so the new day takes the place of the old one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.connectors.ga4_export.config import Config
from ingestion.connectors.ga4_export.day_file import KEY_COLUMNS, JsonDay, ParquetDay
from ingestion.connectors.ga4_export.flatten import Flattener
from ingestion.core.bookkeeping import FILES_SEEN
from ingestion.core.connector import Batch, RunContext
from ingestion.core.errors import SourceError
from ingestion.core.paths import expand
from ingestion.core.quarantine import settle
from ingestion.generic.files.store import FoundFile, Store

TABLE = "events"
_DAY = re.compile(r"events_(\d{4})(\d{2})(\d{2})\.(parquet|jsonl|jsonl\.gz|json|json\.gz)$")


def read(ctx: RunContext) -> Iterator[Batch]:
    """Batches of the files that are new or changed since `ctx.state`; see the module."""
    config: Config = ctx.config
    store = _store(ctx)
    manifest: dict[str, list[Any]] = ctx.state.setdefault("files", {})
    days = _days(ctx, store, manifest)
    taken = 0
    for day, file in _new(config, days, manifest, ctx.started_at):
        if taken >= config.days_per_package:
            ctx.more = True
            return
        try:
            digest = _digest(store, file)
            known = manifest.get(file.name)
            if known is None or known[2] != digest:
                yield from _load(ctx, store, file)
                taken += 1
        except SourceError as error:
            ctx.deferred.append(error)
            continue
        except (OSError, EOFError) as error:
            ctx.deferred.append(
                SourceError(
                    f"{file.name} cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}.",
                    "Check the file, network and permissions, then run again.",
                    table=TABLE,
                )
            )
            continue
        # the signature is the one from before reading: a file written meanwhile is read again next time
        manifest[file.name] = [file.size, file.signature, digest, day.isoformat()]


def check(ctx: RunContext) -> list[str]:
    """Prove that the folder can be listed and that the newest day can be opened."""
    store = _store(ctx)
    days = _days(ctx, store, {})
    newest = days[-1][1]
    with store.open(newest) as stream:
        stream.read(1)
    return [f"{len(days)} daily files, newest {newest.name}"]


def _store(ctx: RunContext) -> Store:
    config: Config = ctx.config
    folder = expand(config.path, {"CX_HOME": str(ctx.settings.home)})
    options = {**config.storage_options, **{key: ctx.secret(key) for key in ctx.connection.secrets}}
    try:
        return Store(f"{folder.rstrip('/')}/{config.pattern}", ctx.settings.connections_file.parent, options)
    except (ImportError, ValueError, TypeError) as error:
        raise SourceError(
            f"{config.path} cannot be opened: {type(error).__name__}.",
            "Check `path`, and install the fsspec package of its protocol.",
            table=TABLE,
        ) from error


def _days(ctx: RunContext, store: Store, manifest: dict[str, list[Any]]) -> list[tuple[date, FoundFile]]:
    """Daily files by day; intraday and other files are left alone."""
    try:
        found = store.files()
    except OSError as error:
        raise SourceError(
            f"{ctx.config.path} cannot be listed: {error.strerror or type(error).__name__}.",
            "Check `path`, network and permissions.",
            table=TABLE,
        ) from error
    days = []
    for file in found:
        match = _DAY.search(file.name)
        if match:
            try:
                days.append((date(int(match[1]), int(match[2]), int(match[3])), file))
            except ValueError:
                continue
    if not days and not manifest:
        raise SourceError(
            f"no file events_YYYYMMDD.parquet, .jsonl or .jsonl.gz in {ctx.config.path}.",
            "Correct `path`, or wait for the first export.",
            table=TABLE,
        )
    return sorted(days, key=lambda pair: (pair[0], pair[1].name))


def _new(
    config: Config, days: list[tuple[date, FoundFile]], manifest: dict[str, list[Any]], now: datetime
) -> Iterator[tuple[date, FoundFile]]:
    for day, file in days:
        known = manifest.get(file.name)
        if known is not None and known[:2] == [file.size, file.signature]:
            continue
        if file.modified_at and (now - file.modified_at).total_seconds() < config.settle_seconds:
            continue
        if known is not None and config.restate_days is not None:
            newest = days[-1][0]
            if newest - day > timedelta(days=config.restate_days):
                continue
        yield day, file


def _load(ctx: RunContext, store: Store, file: FoundFile) -> Iterator[Batch]:
    """Batches of one file, then its row for `files_seen`."""
    spec = ctx.specs[TABLE]
    flattener = Flattener(frozenset(ctx.config.keep_query_parameters))
    loaded = rejected = 0
    with store.open(file) as stream:
        day = _open(stream, file.name)
        keys, ordinals = event_keys(day.keys())
        done = 0
        for part in day.parts():
            count = part.rows.num_rows
            arrays, problems = flattener.columns(part.rows)
            arrays["event_key"] = keys.slice(done, count)
            arrays["event_ordinal"] = ordinals.slice(done, count)
            arrays["_cx_file"] = pa.repeat(pa.scalar(file.name, pa.string()), count)
            arrays["_cx_file_row"] = part.places
            batch = settle(
                spec,
                arrays,
                problems,
                lambda index: f"{file.name}:{part.places[index].as_py()}",  # noqa: B023  used before the next part
                lambda index: part.rows.slice(index, 1).to_pylist()[0],  # noqa: B023
                count,
                bytes_read=part.size,
            )
            done += count
            batch = Batch(TABLE, batch.rows, [*batch.rejected, *part.torn], part.size)
            loaded += batch.rows.num_rows if batch.rows is not None else 0
            rejected += len(batch.rejected)
            yield batch
    seen = {
        "source_table": TABLE,
        "file": file.name,
        "size": file.size,
        "modified_at": file.modified_at,
        "rows_read": loaded + rejected,
        "rows_loaded": loaded,
        "rows_rejected": rejected,
    }
    yield ctx.rows(FILES_SEEN.name, [seen], file.name)


def _open(stream: IO[bytes], name: str) -> ParquetDay | JsonDay:
    return ParquetDay(stream, name) if name.endswith(".parquet") else JsonDay(stream, name)


def event_keys(columns: pa.Table) -> tuple[pa.Array, pa.Array]:
    """Key and ordinal of each event of a file.

    The key is the md5 of the columns that tell events apart. Events that are equal in all of them get an
    ordinal (0, 1, …) in the order of the file, which from 1 on becomes part of the key: exact duplicates
    stay visible and are never dropped silently.

    Args:
        columns: `KEY_COLUMNS`, as far as the file has them.

    Returns:
        (md5 text, ordinal), one each per row.
    """
    rows = columns.num_rows
    texts = [
        pc.fill_null(columns.column(name).cast(pa.string()), "")
        if name in columns.column_names
        else pa.repeat(pa.scalar("", pa.string()), rows)
        for name in KEY_COLUMNS
    ]
    joined = pc.binary_join_element_wise(*texts, "|")
    # md5 in Python costs under a microsecond a row; opening a database for it costs 24 ms a file
    keys = pa.array([hashlib.md5(text.encode()).hexdigest() for text in joined.to_pylist()], pa.string())
    encoded = keys.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    ordinals = np.zeros(rows, np.int64)
    repeated = np.bincount(codes, minlength=len(encoded.dictionary)) > 1
    again = np.nonzero(repeated[codes])[0] if rows else np.empty(0, np.int64)
    seen: dict[int, int] = {}
    for row in again.tolist():
        code = int(codes[row])
        ordinals[row] = seen.get(code, 0)
        seen[code] = seen.get(code, 0) + 1
    later = np.nonzero(ordinals)[0]
    if len(later):
        texts_later = [
            hashlib.md5(f"{keys[row].as_py()}|{ordinals[row]}".encode()).hexdigest() for row in later.tolist()
        ]
        keys = pc.replace_with_mask(keys, pa.array(ordinals > 0), pa.array(texts_later, pa.string()))
    return keys, pa.array(ordinals)


def _digest(store: Store, file: FoundFile) -> str:
    """Fingerprint of the file as it lies there, so that a file copied anew without change is not read again."""
    digest = hashlib.blake2b(digest_size=16)
    with store.fs.open(file.path, "rb") as raw:
        while block := raw.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
