"""Reading a CSV file as typed batches: whole blocks by Arrow, damaged lines one by one."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from ingestion.core.connector import Batch, Rejected, TableSpec
from ingestion.core.errors import SourceError
from ingestion.generic.files.config import FileTable
from ingestion.generic.files.csv_records import WRONG_ENCODING, BadRecord, Layout, Records, parse_line, split
from ingestion.generic.files.typing_rows import Typing

# 16 MB hold some 100,000 rows: enough for vectors to pay, small enough for a flat memory use
BLOCK_BYTES = 16 << 20
# a record without end in this many bytes: the file is no CSV of this profile
_MAX_RECORD_BYTES = 256 << 20


def read_csv(stream: IO[bytes], table: FileTable, spec: TableSpec, file: str) -> Iterator[Batch]:
    """Batches of one CSV file.

    Args:
        stream: content, unpacked.
        table: profile.
        spec: table spec of the profile.
        file: name written to `_cx_file` and into source references.

    Raises:
        SourceError: the header does not have the columns of the profile.
    """
    blocks = _utf8_blocks(stream, table.encoding)
    buffer, more = _next(blocks, b"")
    names, start = _header(buffer, table, file)
    if names is None:
        return
    typing = Typing(table, spec, file, names)
    layout = Layout(len(names), table.delimiter, table.quote)
    line = 1 + buffer.count(b"\n", 0, start)
    buffer = buffer[start:]
    while True:
        torn = not more and bool(getattr(stream, "torn", False))
        if torn:
            buffer = buffer[: buffer.rfind(b"\n") + 1]
        records, used, lines = split(buffer, layout, line, final=not more)
        if torn:
            records.bad.append(BadRecord(line + lines, "row: the compressed file breaks off here", b""))
        yield from _batches(records, layout, typing, file, used)
        buffer, line = buffer[used:], line + lines
        if not more:
            return
        if len(buffer) > _MAX_RECORD_BYTES:
            raise SourceError(
                f"{file}:{line}: no end of a record in {_MAX_RECORD_BYTES >> 20} MB.",
                "Compare format, delimiter and quote of the table with the file.",
                table=spec.name,
            )
        buffer, more = _next(blocks, buffer)


def _next(blocks: Iterator[bytes | None], buffer: bytes) -> tuple[bytes, bool]:
    """`buffer` with the next block, and whether more follow."""
    block = next(blocks, None)
    return (buffer, False) if block is None else (buffer + block, True)


def _utf8_blocks(stream: IO[bytes], encoding: str) -> Iterator[bytes]:
    """The text as UTF-8, without byte order mark; bytes that are wrong in `encoding` stay wrong in UTF-8."""
    codec = codecs.lookup(encoding).name
    if codec in ("utf-8", "utf-8-sig", "ascii"):
        first = True
        while block := stream.read(BLOCK_BYTES):
            yield block.removeprefix(codecs.BOM_UTF8) if first else block
            first = False
        return
    errors = "surrogatepass" if codec.startswith(("utf-16", "utf-32")) else "surrogateescape"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    while block := stream.read(BLOCK_BYTES):
        yield decoder.decode(block).encode("utf-8", "surrogatepass")
    if rest := decoder.decode(b"", final=True):
        yield rest.encode("utf-8", "surrogatepass")


def _header(buffer: bytes, table: FileTable, file: str) -> tuple[list[str] | None, int]:
    """Names of the file's columns and where the data starts; None for an empty file."""
    if not table.header:
        return ([column.source for column in table.columns], 0) if buffer.strip() else (None, 0)
    start = 0
    while start < len(buffer):
        end = buffer.find(b"\n", start) + 1 or len(buffer)
        fields, problem = parse_line(buffer[start:end], Layout(0, table.delimiter, table.quote))
        start = end
        if problem:
            raise SourceError(
                f"{file}:1: the header cannot be read ({problem.removeprefix('row: ')}).",
                "Compare delimiter, quote and encoding of the table with the file.",
                table=table.name,
            )
        if fields:
            return [field.encode("utf-8", "replace").decode().strip() for field in fields], start
    return None, 0


def _batches(records: Records, layout: Layout, typing: Typing, file: str, bytes_read: int) -> Iterator[Batch]:
    bad, parsed = records.bad, records.parsed
    if records.text:
        text, lines = _decodable(records, bad)
        table = _arrow(text, layout)
        if table is None or table.num_rows != len(lines):
            # a lone carriage return is a line break for Arrow, and so the two disagree
            _one_by_one(text, records, lines, layout, parsed, bad)
        elif table.num_rows:
            yield typing.batch([c.combine_chunks() for c in table.columns], lines, bytes_read=bytes_read)
            bytes_read = 0
    if parsed:
        columns = [pa.array(values, pa.string()) for values in zip(*(f for _, f in parsed), strict=True)]
        yield typing.batch(columns, np.array([line for line, _ in parsed], np.int64))
    if bad or bytes_read:
        yield Batch(typing.spec.name, None, [_rejected(file, record) for record in bad], bytes_read)


def _rejected(file: str, record: BadRecord) -> Rejected:
    raw = json.dumps({"line": record.raw.decode("utf-8", "backslashreplace")}, ensure_ascii=False)
    return Rejected(f"{file}:{record.line}", record.reason, raw)


def _decodable(records: Records, bad: list[BadRecord]) -> tuple[bytes, np.ndarray]:
    """Text and lines of the records that are valid UTF-8; the others go to `bad`."""
    text = b"".join(records.text)
    lines, lengths = np.concatenate(records.lines), np.concatenate(records.lengths)
    records.lengths = [lengths]
    try:
        text.decode("utf-8")
        return text, lines
    except UnicodeDecodeError:
        pass
    kept: list[bytes] = []
    keep = np.ones(len(lines), bool)
    for index, (end, length) in enumerate(zip(np.cumsum(lengths), lengths, strict=True)):
        record = text[end - length : end]
        try:
            record.decode("utf-8")
            kept.append(record)
        except UnicodeDecodeError:
            keep[index] = False
            bad.append(BadRecord(int(lines[index]), WRONG_ENCODING, record.rstrip(b"\r\n")))
    records.lengths = [lengths[keep]]
    return b"".join(kept), lines[keep]


def _arrow(text: bytes, layout: Layout) -> pa.Table | None:
    """All fields as text, by Arrow; None when it reads the records differently."""
    names = [f"c{index}" for index in range(layout.width)]
    if not text:
        return pa.table({name: pa.array([], pa.string()) for name in names})
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(text),
            read_options=arrow_csv.ReadOptions(
                column_names=names, use_threads=False, block_size=len(text) + 1
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=layout.delimiter,
                quote_char=layout.quote or False,
                double_quote=True,
                newlines_in_values=bool(layout.quote),
                ignore_empty_lines=False,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
            ),
        )
    except pa.ArrowInvalid:
        return None


def _one_by_one(
    text: bytes,
    records: Records,
    lines: Sequence[int] | np.ndarray,
    layout: Layout,
    parsed: list[tuple[int, list[str]]],
    bad: list[BadRecord],
) -> None:
    lengths = records.lengths[0]
    for line, end, length in zip(lines, np.cumsum(lengths), lengths, strict=True):
        record = text[end - length : end]
        fields, problem = parse_line(record, layout)
        if fields is not None and len(fields) == layout.width:
            parsed.append((int(line), fields))
        else:
            bad.append(BadRecord(int(line), problem or "row: not readable", record.rstrip(b"\r\n")))
