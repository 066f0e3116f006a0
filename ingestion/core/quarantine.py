"""Rows that do not fit are set aside with a reason; the others go on. Whole columns at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.core.arrow import ARROW_TYPES, PROBLEMS, schema_of
from ingestion.core.connector import Batch, Rejected, TableSpec
from ingestion.core.values import column_of

Problem = tuple[str, str, pa.BooleanArray]
"""(column, problem, mask of the rows that have it)"""


def typed_batch(
    spec: TableSpec,
    records: Iterable[Mapping[str, Any]],
    ref: str | Callable[[int], str],
    *,
    raw: Callable[[int], Any] | None = None,
    bytes_read: int = 0,
) -> Batch:
    """Batch of dict records in the types of `spec`; see `RunContext.rows`."""
    listed = list(records)
    arrays: dict[str, pa.Array] = {}
    problems: list[Problem] = []
    for name, kind in {**spec.columns, **spec.system_columns}.items():
        arrays[name], bad = column_of([record.get(name) for record in listed], kind)
        if bad is not None:
            problems.append((name, PROBLEMS[kind], bad))
    locate = ref if callable(ref) else (lambda index: f"{ref}#{index}")
    return settle(
        spec,
        arrays,
        problems,
        locate,
        raw or (lambda index: listed[index]),
        len(listed),
        bytes_read=bytes_read,
    )


def settle(
    spec: TableSpec,
    arrays: Mapping[str, pa.Array],
    problems: Sequence[Problem],
    ref: Callable[[int], str],
    raw: Callable[[int], Any],
    count: int,
    *,
    bytes_read: int = 0,
) -> Batch:
    """Split typed columns into rows that fit and rows set aside.

    Args:
        spec: table; its key and required columns must not be null.
        arrays: one array per column, `count` long; a missing column is null.
        problems: what did not parse.
        ref: source reference of row i.
        raw: original content of row i.
        count: number of rows.
        bytes_read: size of what was read.
    """
    all_problems = [*problems, *_missing(spec, arrays, problems, count)]
    schema = schema_of(spec)
    table = pa.table(
        [arrays[f.name] if f.name in arrays else pa.nulls(count, f.type) for f in schema], schema=schema
    )
    if not all_problems:
        return Batch(spec.name, table, [], bytes_read)
    reasons: dict[int, list[str]] = {}
    for column, problem, mask in all_problems:
        for index in pc.indices_nonzero(mask).to_pylist():
            reasons.setdefault(index, []).append(f"{column}: {problem}")
    rejected = [
        Rejected(ref(index), "; ".join(sorted(set(reasons[index]))), as_json(raw(index)))
        for index in sorted(reasons)
    ]
    keep = pa.array([index not in reasons for index in range(count)], pa.bool_())
    return Batch(spec.name, table.filter(keep), rejected, bytes_read)


def _missing(
    spec: TableSpec, arrays: Mapping[str, pa.Array], problems: Sequence[Problem], count: int
) -> list[Problem]:
    """Required columns that are null, apart from rows whose value is there but did not parse."""
    found: list[Problem] = []
    unparsed = {column: mask for column, _, mask in problems}
    for name in dict.fromkeys((*spec.key, *spec.required)):
        array = arrays.get(name)
        null = pa.array([True] * count, pa.bool_()) if array is None else pc.is_null(array)
        if name in unparsed:
            null = pc.and_not(null, unparsed[name])
        if pc.any(null).as_py():
            found.append((name, "missing" if name not in spec.key else "key is missing", null))
    return found


def as_json(value: Any) -> str:
    """`value` as JSON text, whatever it holds."""
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def rejected_table(source_table: str, rejected: Sequence[Rejected], at: Any) -> pa.Table:
    """Rows for `rejected_rows`, without system columns."""
    size = len(rejected)
    return pa.table(
        {
            "source_table": pa.array([source_table] * size, pa.string()),
            "source_ref": pa.array([r.source_ref for r in rejected], pa.string()),
            "reason": pa.array([r.reason for r in rejected], pa.string()),
            "raw_json": pa.array([storable(r.raw_json) for r in rejected], pa.string()),
            "rejected_at": pa.array([at] * size, ARROW_TYPES["timestamp"]),
        }
    )


def storable(text: str) -> str:
    """Text that Parquet can hold: lone surrogates replaced."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
