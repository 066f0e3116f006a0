"""Reading Parquet as typed batches; a value that does not fit its declared type sets its row aside."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.core.arrow import PROBLEMS
from ingestion.core.connector import Batch, TableSpec
from ingestion.core.errors import SourceError
from ingestion.core.quarantine import settle
from ingestion.core.values import column_of, plain, typed_array
from ingestion.generic.files.config import FileTable
from ingestion.generic.files.typing_rows import Typing, json_objects

_ROWS = 100_000


def read_parquet(stream: IO[bytes], table: FileTable, spec: TableSpec, file: str) -> Iterator[Batch]:
    """Batches of one Parquet file; arguments as for `read_csv`.

    Raises:
        SourceError: the file is no complete Parquet file, or lacks a required column.
    """
    try:
        source = pq.ParquetFile(stream)
    except (pa.ArrowInvalid, OSError):
        raise SourceError(
            f"{file}: this is no complete Parquet file.",
            "Write it again; files should be renamed into place when they are complete.",
            table=table.name,
        ) from None
    names = list(source.schema_arrow.names)
    typing = Typing(table, spec, file, names)
    wanted = names if table.undeclared == "keep" else [n for n in names if n in typing.declared]
    first = 1
    for part in source.iter_batches(_ROWS, columns=wanted):
        yield _typed(part, typing, first)
        first += part.num_rows


def _typed(part: pa.RecordBatch, typing: Typing, first: int) -> Batch:
    arrays: dict[str, pa.Array] = {}
    problems: list[tuple[str, str, pa.BooleanArray]] = []
    rest: list[tuple[str, pa.Array]] = []
    for name, values in zip(part.schema.names, part.columns, strict=True):
        column = typing.declared.get(name)
        if column is None:
            rest.append((name, _text(values)))
            continue
        arrays[column.to], bad = typed_array(values, column.type, typing.how(name))
        if bad is not None:
            problems.append((column.to, PROBLEMS[column.type], bad))
    if rest and typing.table.undeclared == "keep":
        arrays["extra"] = json_objects(rest)
    count = part.num_rows
    arrays["_cx_file"] = pa.repeat(pa.scalar(typing.file, pa.string()), count)
    arrays["_cx_file_row"] = pa.array(np.arange(first, first + count), pa.int64())
    return settle(
        typing.spec,
        arrays,
        problems,
        lambda index: f"{typing.file}:{first + index}",
        lambda index: {n: c[index].as_py() for n, c in zip(part.schema.names, part.columns, strict=True)},
        count,
        bytes_read=part.nbytes,
    )


def _text(values: pa.Array) -> pa.Array:
    """Values of an undeclared column as text; instants in ISO 8601."""
    texts = [v.isoformat() if isinstance(v, dt.date | dt.datetime) else v for v in plain(values)]
    return column_of(texts, "text")[0]
