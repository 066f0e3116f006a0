"""A daily file, Parquet or JSON lines, as parts in the shape of the export, each row with its place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import IO, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.core.connector import Rejected
from ingestion.core.errors import SourceError

PART_ROWS = 100_000
_BLOCK = 16 << 20

KEY_COLUMNS = (
    "stream_id",
    "user_pseudo_id",
    "event_timestamp",
    "event_name",
    "event_bundle_sequence_id",
    "batch_page_id",
    "batch_ordering_id",
    "batch_event_index",
)
"""Together they tell events apart; the export has no event id."""

_COLUMNS = (
    "event_date",
    "event_timestamp",
    "event_name",
    "event_params",
    "event_bundle_sequence_id",
    "batch_page_id",
    "batch_ordering_id",
    "batch_event_index",
    "user_id",
    "user_pseudo_id",
    "stream_id",
    "platform",
    "privacy_info",
    "device",
    "geo",
    "traffic_source",
    "collected_traffic_source",
    "ecommerce",
    "items",
)
_NESTED: Mapping[str, Mapping[str, Any]] = {
    "privacy_info": {"analytics_storage": None},
    "device": {"category": None, "operating_system": None, "language": None, "web_info": {"browser": None}},
    "geo": {"country": None},
    "traffic_source": {"name": None, "medium": None, "source": None},
    "collected_traffic_source": dict.fromkeys(
        ("manual_campaign_name", "manual_source", "manual_medium", "manual_term", "manual_content", "gclid")
    ),
    "ecommerce": {"transaction_id": None, "purchase_revenue": None},
}
_ITEM_TEXTS = ("item_id", "item_name", "item_brand", "item_category")
_ITEM_NUMBERS = ("price", "quantity", "item_revenue")
_PARAM = pa.struct(
    [
        ("key", pa.string()),
        (
            "value",
            pa.struct(
                [
                    ("string_value", pa.string()),
                    ("int_value", pa.int64()),
                    ("float_value", pa.float64()),
                    ("double_value", pa.float64()),
                ]
            ),
        ),
    ]
)
_ITEM = pa.struct(
    [(n, pa.string()) for n in _ITEM_TEXTS]
    + [("price", pa.float64()), ("quantity", pa.int64()), ("item_revenue", pa.float64())]
)


class Part(NamedTuple):
    """Rows of a file, the place of each (row number or line, from 1), and lines that hold no record."""

    rows: pa.Table
    places: pa.Array
    torn: list[Rejected]
    size: int


class ParquetDay:
    """A day in Parquet. Raises SourceError when the file is not complete."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        try:
            self._file = pq.ParquetFile(stream)
        except (pa.ArrowInvalid, OSError):
            raise SourceError(
                f"{name}: this is no complete Parquet file.",
                "Export the day again; files should be renamed into place when they are complete.",
                table="events",
            ) from None
        held = set(self._file.schema_arrow.names)
        self._wanted = [column for column in _COLUMNS if column in held]
        # an ordinary day fits into one part and is read once
        small = self._file.metadata.num_rows <= PART_ROWS
        self._whole = self._file.read(columns=self._wanted) if small else None

    def keys(self) -> pa.Table:
        """The columns that tell events apart, all rows."""
        names = [column for column in KEY_COLUMNS if column in self._wanted]
        return self._file.read(columns=names) if self._whole is None else self._whole.select(names)

    def parts(self) -> Iterator[Part]:
        """The file in parts of bounded size."""
        if self._whole is not None:
            places = pa.array(np.arange(1, self._whole.num_rows + 1))
            yield Part(self._whole, places, [], self._whole.nbytes)
            return
        first = 1
        for batch in self._file.iter_batches(PART_ROWS, columns=self._wanted):
            rows = pa.Table.from_batches([batch])
            yield Part(rows, pa.array(np.arange(first, first + rows.num_rows)), [], rows.nbytes)
            first += rows.num_rows


class JsonDay:
    """A day in JSON lines, as BigQuery's JSON export writes them (64-bit integers as text too)."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._parts: list[Part] = []
        records: list[Mapping[str, Any]] = []
        places: list[int] = []
        torn: list[Rejected] = []
        size = 0
        for number, line, broken_off in _lines(stream):
            size += len(line)
            text = line.strip().removeprefix(b"\xef\xbb\xbf")
            if not text and not broken_off:
                continue
            problem = "the compressed file breaks off here" if broken_off else "not JSON"
            record: Any = None
            if not broken_off:
                try:
                    record = json.loads(text)
                    problem = "" if isinstance(record, dict) else "no JSON object"
                except ValueError:
                    record = None
            if problem:
                torn.append(Rejected(f"{name}:{number}", problem, text.decode("utf-8", "backslashreplace")))
                continue
            records.append(record)
            places.append(number)
            if len(records) >= PART_ROWS:
                self._parts.append(Part(_table(records), pa.array(places, pa.int64()), torn, size))
                records, places, torn, size = [], [], [], 0
        if records or torn or not self._parts:
            self._parts.append(Part(_table(records), pa.array(places, pa.int64()), torn, size))

    def keys(self) -> pa.Table:
        """The columns that tell events apart, all rows."""
        return pa.concat_tables([part.rows.select(KEY_COLUMNS) for part in self._parts])

    def parts(self) -> Iterator[Part]:
        """The file in parts of bounded size."""
        yield from self._parts


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes, bool]]:
    """Lines with their numbers; the last one is marked when the compressed stream broke off in it."""
    number, rest = 0, b""
    while block := stream.read(_BLOCK):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            number += 1
            yield number, line, False
    broken_off = bool(getattr(stream, "torn", False))
    if rest or broken_off:
        yield number + 1, rest, broken_off


def _table(records: list[Mapping[str, Any]]) -> pa.Table:
    """Records in the shape of the export; scalars as text, so that a wrong type is found and named later."""
    columns: dict[str, pa.Array] = {}
    for name in _COLUMNS:
        values = [record.get(name) for record in records]
        if name == "event_params":
            columns[name] = pa.array([_params(v) for v in values], pa.list_(_PARAM))
        elif name == "items":
            columns[name] = pa.array([_items(v) for v in values], pa.list_(_ITEM))
        elif name in _NESTED:
            columns[name] = pa.array([_pick(v, _NESTED[name]) for v in values], _type(_NESTED[name]))
        else:
            columns[name] = pa.array([_text(v) for v in values], pa.string())
    return pa.table(columns)


def _params(value: Any) -> list[dict[str, Any]]:
    found = []
    for entry in value if isinstance(value, list) else []:
        if not isinstance(entry, Mapping):
            continue
        held = entry.get("value")
        held = held if isinstance(held, Mapping) else {"string_value": held}
        integer = _integer(held.get("int_value"))
        text = held.get("string_value")
        if text is None and integer is None and held.get("int_value") is not None:
            text = held["int_value"]  # no integer: kept as what it is
        found.append(
            {
                "key": _text(entry.get("key")),
                "value": {
                    "string_value": _text(text),
                    "int_value": integer,
                    "float_value": _double(held.get("float_value")),
                    "double_value": _double(held.get("double_value")),
                },
            }
        )
    return found


def _items(value: Any) -> list[dict[str, Any]]:
    return [
        {
            **{name: _text(item.get(name)) for name in _ITEM_TEXTS},
            "price": _double(item.get("price")),
            "quantity": _integer(item.get("quantity")),
            "item_revenue": _double(item.get("item_revenue")),
        }
        for item in (value if isinstance(value, list) else [])
        if isinstance(item, Mapping)
    ]


def _pick(value: Any, shape: Mapping[str, Any]) -> dict[str, Any] | None:
    if not isinstance(value, Mapping):
        return None
    return {
        name: _pick(value.get(name), inner) if inner else _text(value.get(name))
        for name, inner in shape.items()
    }


def _type(shape: Mapping[str, Any]) -> pa.DataType:
    return pa.struct([(name, _type(inner) if inner else pa.string()) for name, inner in shape.items()])


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        # a lone surrogate is valid JSON and no text
        return value if value is None else value.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(value) if isinstance(value, bool | dict | list) else str(value)


def _integer(value: Any) -> int | None:
    try:
        number = int(value) if isinstance(value, int | str) and not isinstance(value, bool) else None
    except ValueError:
        return None
    return number if number is not None and -(2**63) <= number < 2**63 else None


def _double(value: Any) -> float | None:
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
