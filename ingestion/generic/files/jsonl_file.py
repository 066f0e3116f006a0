"""Reading JSON Lines as typed batches; a line that is no JSON object is set aside."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import orjson
import pyarrow as pa

from ingestion.core.arrow import PROBLEMS, TextFormat
from ingestion.core.connector import Batch, Rejected, TableSpec
from ingestion.core.quarantine import settle
from ingestion.core.values import column_of
from ingestion.generic.files.config import FileTable

# lines per batch: some 10 MB of objects
_LINES = 20_000


def read_jsonl(stream: IO[bytes], table: FileTable, spec: TableSpec, file: str) -> Iterator[Batch]:
    """Batches of one JSONL file; arguments as for `read_csv`."""
    records: list[dict[str, Any]] = []
    lines: list[int] = []
    bad: list[Rejected] = []
    size = 0
    for number, raw in _lines(stream):
        size += len(raw)
        text = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
        if not text.strip():
            continue
        record, problem = _parse(text, table.encoding)
        if problem:
            bad.append(_rejected(file, number, problem, text))
        else:
            records.append(record)
            lines.append(number)
        if len(records) >= _LINES:
            yield _typed(records, lines, bad, table, spec, file, size)
            records, lines, bad, size = [], [], [], 0
    if getattr(stream, "torn", False):
        bad.append(_rejected(file, (lines or [0])[-1] + 1, "row: the compressed file breaks off here", b""))
    if records or bad or size:
        yield _typed(records, lines, bad, table, spec, file, size)


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    number, rest = 0, b""
    while block := stream.read(16 << 20):
        parts = (rest + block).split(b"\n")
        rest = parts.pop()
        for part in parts:
            number += 1
            yield number, part
    if rest and not getattr(stream, "torn", False):
        yield number + 1, rest


def _parse(text: bytes, encoding: str) -> tuple[dict[str, Any], str]:
    try:
        if encoding not in ("utf-8-sig", "utf-8"):
            text = text.decode(encoding).encode("utf-8")
        record = orjson.loads(text)
    except UnicodeDecodeError:
        return {}, "row: wrong encoding"
    except orjson.JSONDecodeError:
        try:
            text.decode("utf-8")
        except UnicodeDecodeError:
            return {}, "row: wrong encoding"
        return {}, "row: not JSON"
    return (record, "") if isinstance(record, dict) else ({}, "row: not a JSON object")


def _rejected(file: str, line: int, reason: str, raw: bytes) -> Rejected:
    text = json.dumps({"line": raw.decode("utf-8", "backslashreplace")}, ensure_ascii=False)
    return Rejected(f"{file}:{line}", reason, text)


def _typed(
    records: list[dict[str, Any]],
    lines: list[int],
    bad: list[Rejected],
    table: FileTable,
    spec: TableSpec,
    file: str,
    size: int,
) -> Batch:
    arrays: dict[str, pa.Array] = {}
    problems: list[tuple[str, str, pa.BooleanArray]] = []
    null_values = set(table.null_values)
    for column in table.columns:
        values = [_value(record, column.source, null_values) for record in records]
        how = TextFormat(column.format, table.time_zone, table.decimal, table.thousands)
        arrays[column.to], wrong = column_of(values, column.type, how)
        if wrong is not None:
            problems.append((column.to, PROBLEMS[column.type], wrong))
    if table.undeclared == "keep":
        declared = {column.source.split(".")[0] for column in table.columns} | {
            column.source for column in table.columns
        }
        arrays["extra"] = pa.array([_rest(record, declared) for record in records], pa.string())
    arrays["_cx_file"] = pa.repeat(pa.scalar(file, pa.string()), len(records))
    arrays["_cx_file_row"] = pa.array(np.array(lines, np.int64), pa.int64())
    batch = settle(
        spec,
        arrays,
        problems,
        lambda index: f"{file}:{lines[index]}",
        lambda index: records[index],
        len(records),
        bytes_read=size,
    )
    return Batch(spec.name, batch.rows, [*bad, *batch.rejected], size)


def _value(record: dict[str, Any], source: str, null_values: set[str]) -> Any:
    """Value by key, or by a dotted path into nested objects."""
    if source in record:
        value = record[source]
    else:
        value = record
        for part in source.split("."):
            if not isinstance(value, dict) or part not in value:
                return None
            value = value[part]
    return None if isinstance(value, str) and value in null_values else value


def _rest(record: dict[str, Any], declared: set[str]) -> str | None:
    rest = {key: value for key, value in record.items() if key not in declared and value is not None}
    return orjson.dumps(rest).decode() if rest else None
