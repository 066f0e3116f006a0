"""From the text columns of a file to the declared columns of its table."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.core.arrow import PROBLEMS, TextFormat, parse_text
from ingestion.core.connector import Batch, TableSpec
from ingestion.core.errors import SourceError
from ingestion.core.quarantine import settle
from ingestion.core.values import blank_to_null
from ingestion.generic.files.config import FileTable


class Typing:
    """Types the columns of one file.

    Args:
        table: profile.
        spec: table spec of the profile.
        file: name of the file, for `_cx_file` and source references.
        names: the file's own columns, in their order.

    Raises:
        SourceError: the file lacks a column that the profile requires, or has one twice.
    """

    def __init__(self, table: FileTable, spec: TableSpec, file: str, names: Sequence[str]) -> None:
        self.table, self.spec, self.file, self.names = table, spec, file, list(names)
        self.declared = {column.source: column for column in table.columns}
        needed = {*table.key, *(column.to for column in table.columns if column.required)}
        lacking = [c.source for c in table.columns if c.to in needed and c.source not in self.names]
        if lacking:
            raise SourceError(
                f"{file}: there is no column {', '.join(lacking)}; it has: {', '.join(self.names[:30])}.",
                "Correct the file, or `columns`, delimiter and encoding of the table.",
                table=table.name,
            )
        twice = sorted({name for name in self.declared if self.names.count(name) > 1})
        if twice:
            raise SourceError(
                f"{file}: the column {', '.join(twice)} stands there twice.", "Rename one.", table=table.name
            )

    def how(self, source: str) -> TextFormat:
        """Notation of a declared column."""
        table, column = self.table, self.declared[source]
        return TextFormat(column.format, table.time_zone, table.decimal, table.thousands)

    def batch(self, columns: Sequence[pa.Array], lines: np.ndarray, *, bytes_read: int = 0) -> Batch:
        """Typed batch.

        Args:
            columns: string arrays in the order of the file's columns.
            lines: physical line of each row.
            bytes_read: size of what was read.
        """
        arrays: dict[str, pa.Array] = {}
        problems: list[tuple[str, str, pa.BooleanArray]] = []
        nulls = [self._nulls(column) for column in columns]
        for source, values in zip(self.names, nulls, strict=True):
            if (column := self.declared.get(source)) is None:
                continue
            arrays[column.to], bad = parse_text(values, column.type, self.how(source))
            if bad is not None:
                problems.append((column.to, PROBLEMS[column.type], bad))
        rest = [(n, v) for n, v in zip(self.names, nulls, strict=True) if n not in self.declared]
        if rest and self.table.undeclared == "keep":
            arrays["extra"] = json_objects(rest)
        count = len(lines)
        arrays["_cx_file"] = pa.repeat(pa.scalar(self.file, pa.string()), count)
        arrays["_cx_file_row"] = pa.array(lines, pa.int64())
        return settle(
            self.spec,
            arrays,
            problems,
            lambda index: f"{self.file}:{lines[index]}",
            lambda index: {n: c[index].as_py() for n, c in zip(self.names, columns, strict=True)},
            count,
            bytes_read=bytes_read,
        )

    def _nulls(self, values: pa.Array) -> pa.Array:
        if self.table.null_values == ("",):
            return blank_to_null(values)
        null = pc.is_in(values, pa.array(self.table.null_values, pa.string()))
        return pc.if_else(null, pa.scalar(None, pa.string()), values)


def json_objects(columns: Sequence[tuple[str, pa.Array]]) -> pa.Array:
    """One JSON object per row from text columns, without the keys whose value is null; null for no keys."""
    parts = []
    for name, values in columns:
        key = json.dumps(name, ensure_ascii=False)
        parts.append(pc.binary_join_element_wise(f"{key}:", _json_strings(values), ""))
    # a first part that is never null: Arrow 26 drops a row from the result when it skips all of its parts
    never_null = pa.repeat(pa.scalar("", pa.string()), len(columns[0][1]))
    joined = pc.binary_join_element_wise(never_null, *parts, ",", null_handling="skip")
    objects = pc.binary_join_element_wise("{", pc.utf8_slice_codeunits(joined, 1), "}", "")
    return pc.if_else(pc.equal(joined, ""), pa.scalar(None, pa.string()), objects)


def _json_strings(values: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring_regex(values, r'["\\\x00-\x1f]')).as_py():
        quoted = [None if v is None else json.dumps(v, ensure_ascii=False) for v in values.to_pylist()]
        return pa.array(quoted, pa.string())
    return pc.binary_join_element_wise('"', values, '"', "")
