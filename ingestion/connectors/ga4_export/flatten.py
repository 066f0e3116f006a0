"""Export rows as flat columns, whole columns at a time.

`event_params` is a list of (key, value) per event. It is flattened once, sorted by key, and each promoted
key is scattered back to its events; what is left becomes one JSON text per event. Texts are cleaned per
distinct value, so the cost follows the number of different pages, not of events.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.connectors.ga4_export.schema import INTEGER_PARAMS, TEXT_PARAMS
from ingestion.connectors.ga4_export.urls import clean_url, clean_value, is_sensitive, mask_emails
from ingestion.core.arrow import ARROW_TYPES, PROBLEMS, TIMESTAMP, parse_text
from ingestion.core.connector import ColumnType
from ingestion.core.values import blank_to_null, column_of

Indices = npt.NDArray[np.int64]
Problem = tuple[str, str, pa.BooleanArray]

URL_PARAMS = ("page_location", "page_referrer", "link_url")
FIRST_MICROS = 1_100_000_000_000_000
"""November 2004, before the product existed: an earlier time is in another unit."""
LAST_MICROS = 9_180_000_000_000_000
"""Year 2260, the last that every Parquet reader takes."""

_PLAIN: Mapping[str, ColumnType] = {
    "event_name": "text",
    "user_id": "text",
    "user_pseudo_id": "text",
    "stream_id": "text",
    "platform": "text",
    "event_bundle_sequence_id": "bigint",
    "batch_page_id": "bigint",
    "batch_ordering_id": "bigint",
    "batch_event_index": "bigint",
}
_NESTED: Mapping[str, tuple[str, ...]] = {
    "device_category": ("device", "category"),
    "operating_system": ("device", "operating_system"),
    "browser": ("device", "web_info", "browser"),
    "language": ("device", "language"),
    "country": ("geo", "country"),
    "analytics_storage": ("privacy_info", "analytics_storage"),
    "first_user_source": ("traffic_source", "source"),
    "first_user_medium": ("traffic_source", "medium"),
    "first_user_campaign": ("traffic_source", "name"),
}
_COLLECTED: Mapping[str, str] = {
    "source": "manual_source",
    "medium": "manual_medium",
    "campaign": "manual_campaign_name",
    "term": "manual_term",
    "content": "manual_content",
    "gclid": "gclid",
}
_PROMOTED = frozenset(
    (
        *TEXT_PARAMS,
        *INTEGER_PARAMS,
        *URL_PARAMS,
        "ga_session_id",
        "session_engaged",
        "value",
        "transaction_id",
    )
)
_ITEM_FIELDS = ("item_id", "item_name", "item_brand", "item_category", "price", "quantity", "item_revenue")


class Flattener:
    """Turns parts of a daily file into the columns of table `events`, without key and place in the file.

    Args:
        keep: query parameters that stay in URLs.
    """

    def __init__(self, keep: frozenset[str]) -> None:
        self._keep = frozenset(name.lower() for name in keep)

    def columns(self, part: pa.Table) -> tuple[dict[str, pa.Array], list[Problem]]:
        """Columns of the rows of `part`, and which values did not fit their type."""
        source = {name: _one(part.column(name)) for name in part.column_names}
        out: dict[str, pa.Array] = {}
        problems: list[Problem] = []
        for name, kind in _PLAIN.items():
            if name in source:
                out[name], bad = typed(source[name], kind)
                if bad is not None:
                    problems.append((name, PROBLEMS[kind], bad))
        self._times(source, out, problems)
        for name, path in _NESTED.items():
            values = nested(source, *path)
            if values is not None:
                out[name] = _text(values)
        params = Params(source.get("event_params"), part.num_rows)
        self._params(params, out)
        collected = {
            name: nested(source, "collected_traffic_source", field) for name, field in _COLLECTED.items()
        }
        for name, values in collected.items():
            if values is not None:
                out[name] = pc.coalesce(_text(values), out[name])
        self._commerce(source, params, out)
        out["params"] = params.rest_json(lambda text: clean_value(text, self._keep))
        return out, problems

    def _times(
        self, source: Mapping[str, pa.Array], out: dict[str, pa.Array], problems: list[Problem]
    ) -> None:
        if "event_date" in source:
            out["event_date"], bad = _dates(source["event_date"])
            if bad is not None:
                problems.append(("event_date", PROBLEMS["date"], bad))
        if "event_timestamp" in source:
            micros, bad = typed(source["event_timestamp"], "bigint")
            if bad is not None:
                problems.append(("event_timestamp_micros", PROBLEMS["bigint"], bad))
            outside = pc.fill_null(
                pc.or_(pc.less(micros, FIRST_MICROS), pc.greater(micros, LAST_MICROS)), False
            )
            if pc.any(outside).as_py():
                problems.append(("event_timestamp_micros", "not microseconds since 1970", outside))
                micros = pc.if_else(outside, pa.scalar(None, pa.int64()), micros)
            out["event_timestamp_micros"] = micros
            out["event_at"] = micros.cast(TIMESTAMP)

    def _params(self, params: Params, out: dict[str, pa.Array]) -> None:
        for name in TEXT_PARAMS:
            out[name] = by_distinct(params.text(name), mask_emails, "@", "%40")
        for name in INTEGER_PARAMS:
            out[name] = params.integer(name)
        for name in URL_PARAMS:
            # only URLs with something to cut need to be taken apart; long path segments may be tokens
            out[name] = by_distinct(params.text(name), lambda url: clean_url(url, self._keep))
        out["ga_session_id"] = params.text("ga_session_id")
        engaged = params.text("session_engaged")
        out["is_engaged_session"] = pc.is_in(engaged, pa.array(["1", "true"]))
        out["is_engaged_session"] = pc.if_else(
            pc.is_null(engaged), pa.scalar(None, pa.bool_()), out["is_engaged_session"]
        )
        out["page_path"], out["page_host"] = _path_and_host(out["page_location"])
        out["referrer_host"] = _path_and_host(out["page_referrer"])[1]
        out["value"] = params.money("value")

    def _commerce(self, source: Mapping[str, pa.Array], params: Params, out: dict[str, pa.Array]) -> None:
        transaction = nested(source, "ecommerce", "transaction_id")
        given = params.text("transaction_id")
        if transaction is not None:
            # BigQuery writes (not set) where a purchase carried no id
            named = pc.if_else(pc.equal(transaction, "(not set)"), pa.scalar(None, pa.string()), transaction)
            given = pc.coalesce(_text(named), given)
        out["transaction_id"] = given
        revenue = nested(source, "ecommerce", "purchase_revenue")
        if revenue is not None:
            out["purchase_revenue"] = _decimal(revenue)
        items = source.get("items")
        if items is not None and pa.types.is_list(items.type) and pa.types.is_struct(items.type.value_type):
            out["product_ids"], out["items"], out["item_quantity"] = _items(items)


class Params:
    """The event parameters of a part, by key.

    Args:
        column: list of (key, value{string_value, int_value, float_value, double_value}) per event.
        rows: number of events.
    """

    def __init__(self, column: pa.Array | None, rows: int) -> None:
        self.rows = rows
        self._slices: dict[str, Indices] = {}
        self._rest: Indices = np.empty(0, np.int64)
        if column is None or not pa.types.is_list(column.type) or not len(pc.list_flatten(column)):
            return
        flat = pc.list_flatten(column)
        self._parent: Indices = pc.list_parent_indices(column).to_numpy(zero_copy_only=False).astype(np.int64)
        key = pc.struct_field(flat, "key").dictionary_encode()
        self._names: list[str] = [name or "" for name in key.dictionary.to_pylist()]
        codes = pc.fill_null(key.indices, -1).to_numpy(zero_copy_only=False).astype(np.int16)
        value = pc.struct_field(flat, "value")
        self._value = {
            kind: _value_field(value, f"{kind}_value") for kind in ("string", "int", "float", "double")
        }
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(len(self._names) + 1))
        for code, name in enumerate(self._names):
            self._slices[name] = order[starts[code] : starts[code + 1]]
        rest_codes = [
            c for c, name in enumerate(self._names) if name not in _PROMOTED and not is_sensitive(name)
        ]
        self._codes = codes
        self._rest = np.nonzero(np.isin(codes, np.array(rest_codes, np.int16)))[0]

    def text(self, name: str) -> pa.Array:
        """Values of a key as text, whichever slot holds them; null where the event lacks the key."""
        positions = self._slices.get(name)
        if positions is None:
            return pa.nulls(self.rows, pa.string())
        return self._scatter(positions, blank_to_null(self._as_text(positions)))

    def integer(self, name: str) -> pa.Array:
        """Values of a key as whole numbers; what is none is null."""
        positions = self._slices.get(name)
        if positions is None:
            return pa.nulls(self.rows, pa.int64())
        values = self._take("int", positions)
        if values.null_count:
            other, _ = column_of(_whole_texts(self._as_text(positions)), "bigint")
            values = pc.coalesce(values, other)
        return self._scatter(positions, values)

    def money(self, name: str) -> pa.Array:
        """Values of a key as decimal(18,4); what is no number is null."""
        positions = self._slices.get(name)
        if positions is None:
            return pa.nulls(self.rows, ARROW_TYPES["decimal"])
        values = pc.coalesce(self._take("double", positions), self._take("float", positions))
        values = pc.coalesce(values, self._take("int", positions).cast(pa.float64()))
        if values.null_count:
            other, _ = parse_text(self._take("string", positions), "double")
            values = pc.coalesce(values, other)
        return self._scatter(positions, _decimal(values))

    def rest_json(self, clean: Callable[[str], str]) -> pa.Array:
        """The parameters that have no column of their own, as one JSON object per event."""
        if not len(self._rest):
            return pa.nulls(self.rows, pa.string())
        position = self._rest
        key_json = pa.array([f"{encode_basestring(name)}:" for name in self._names])
        keys = key_json.take(pa.array(self._codes[position]))
        texts = by_distinct(self._take("string", position), lambda text: encode_basestring(clean(text)))
        values = pc.coalesce(texts, self._take("int", position).cast(pa.string()))
        if values.null_count:
            number = pc.coalesce(self._take("double", position), self._take("float", position))
            finite = pc.fill_null(pc.is_finite(number), False)
            number = pc.if_else(finite, number, pa.scalar(None, pa.float64()))
            values = pc.fill_null(pc.coalesce(values, number.cast(pa.string())), "null")
        pairs = pc.binary_join_element_wise(keys, values, "")
        return _joined(pairs, self._parent[position], self.rows, "{", "}")

    def _as_text(self, positions: Indices) -> pa.Array:
        values = self._take("string", positions)
        for kind in ("int", "double", "float"):
            if not values.null_count:
                break
            values = pc.coalesce(values, self._take(kind, positions).cast(pa.string()))
        return values

    def _take(self, kind: str, positions: Indices) -> pa.Array:
        return self._value[kind].take(pa.array(positions))

    def _scatter(self, positions: Indices, values: pa.Array) -> pa.Array:
        """Values at list positions to their events; the first one of an event counts."""
        slot = np.full(self.rows, -1, np.int64)
        slot[self._parent[positions][::-1]] = np.arange(len(positions) - 1, -1, -1)
        return values.take(pa.array(slot, mask=slot < 0))


def typed(values: pa.Array, kind: ColumnType) -> tuple[pa.Array, pa.BooleanArray | None]:
    """Values of any type as `kind`, with a mask of those that do not fit."""
    target = ARROW_TYPES[kind]
    if values.type == target:
        return (blank_to_null(values), None) if kind == "text" else (values, None)
    if pa.types.is_integer(values.type) and kind in ("text", "bigint"):
        return values.cast(target), None
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), target), None
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return parse_text(blank_to_null(values.cast(pa.string())), kind)
    return column_of(values.to_pylist(), kind)


def nested(source: Mapping[str, pa.Array], *path: str) -> pa.Array | None:
    """A field inside struct columns; None when the file does not hold it."""
    values = source.get(path[0])
    for name in path[1:]:
        if values is None or not pa.types.is_struct(values.type) or values.type.get_field_index(name) < 0:
            return None
        values = pc.struct_field(values, name)
    return values


def by_distinct(values: pa.Array, change: Callable[[str], str], *only_with: str) -> pa.Array:
    """`change` applied once per distinct text; with `only_with`, only to texts that hold one of these."""
    if values.null_count == len(values):
        return values
    encoded = values.dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    if only_with and not any(mark in text for text in texts for mark in only_with):
        return values
    return pa.array([change(text) for text in texts], pa.string()).take(encoded.indices)


def _items(items: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Item lists as (JSON list of ids, JSON list of objects, total quantity); null where there is no item."""
    rows, flat = len(items), pc.list_flatten(items)
    if not len(flat):
        return pa.nulls(rows, pa.string()), pa.nulls(rows, pa.string()), pa.nulls(rows, pa.int64())
    parent = pc.list_parent_indices(items).to_numpy(zero_copy_only=False).astype(np.int64)
    held = [name for name in _ITEM_FIELDS if flat.type.get_field_index(name) >= 0]
    pieces: list[Any] = []
    for index, name in enumerate(held):
        pieces += [("{" if index == 0 else ",") + f'"{name}":', _json(pc.struct_field(flat, name))]
    objects = pc.binary_join_element_wise(*pieces, "}", "") if held else pa.nulls(len(flat), pa.string())
    ids = pa.nulls(len(flat), pa.string())
    if "item_id" in held:
        ids = _json(pc.struct_field(flat, "item_id"))
    quantity = pa.nulls(rows, pa.int64())
    if "quantity" in held:
        number, _ = typed(pc.struct_field(flat, "quantity"), "bigint")
        known = pc.is_valid(number).to_numpy(zero_copy_only=False)
        total = np.bincount(
            parent[known], pc.drop_null(number).to_numpy(zero_copy_only=False), minlength=rows
        ).astype(np.int64)
        quantity = pa.array(total, mask=np.bincount(parent[known], minlength=rows) == 0)
    named = (
        pc.not_equal(ids, "null").to_numpy(zero_copy_only=False).astype(bool) if "item_id" in held else None
    )
    id_lists = (
        pa.nulls(rows, pa.string())
        if named is None
        else _joined(ids.filter(pa.array(named)), parent[named], rows, "[", "]")
    )
    return id_lists, _joined(objects, parent, rows, "[", "]"), quantity


def _json(values: pa.Array) -> pa.Array:
    """Values as JSON fragments; null becomes the word null."""
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        texts = by_distinct(values.cast(pa.string()), lambda text: encode_basestring(mask_emails(text)))
    elif pa.types.is_floating(values.type):
        finite = pc.fill_null(pc.is_finite(values), False)
        texts = pc.if_else(finite, values, pa.scalar(None, values.type)).cast(pa.string())
    else:
        texts = values.cast(pa.string())
    return pc.fill_null(texts, "null")


def _joined(pieces: pa.Array, parent: Indices, rows: int, opening: str, closing: str) -> pa.Array:
    """Pieces of the same parent joined by commas between two marks; `parent` ascends; null without pieces."""
    counts = np.bincount(parent, minlength=rows)
    offsets = np.zeros(rows + 1, np.int32)
    np.cumsum(counts, out=offsets[1:])
    lists = pa.ListArray.from_arrays(pa.array(offsets), pieces)
    text = pc.binary_join_element_wise(opening, pc.binary_join(lists, ","), closing, "")
    return pc.if_else(pa.array(counts > 0), text, pa.scalar(None, pa.string()))


def _dates(values: pa.Array) -> tuple[pa.Array, pa.BooleanArray | None]:
    """Days written 20260105 or 2026-01-05."""
    if pa.types.is_date(values.type):
        return values.cast(pa.date32()), None
    texts = blank_to_null(_text(values))
    encoded = texts.dictionary_encode()
    days: list[dt.date | None] = []
    for text in encoded.dictionary.to_pylist():
        try:
            day = dt.date.fromisoformat(text)
            days.append(day if len(text) in (8, 10) and "W" not in text else None)
        except ValueError:
            days.append(None)
    parsed = pa.array(days, pa.date32()).take(encoded.indices)
    bad = pc.and_(pc.is_valid(texts), pc.is_null(parsed))
    return parsed, bad if pc.any(bad).as_py() else None


def _path_and_host(urls: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Path (at least `/`) and lower-case host of cleaned URLs; null where the text is no URL."""
    encoded = urls.dictionary_encode()
    parts = pc.extract_regex(
        encoded.dictionary, r"^[A-Za-z][A-Za-z0-9+.-]*://(?P<host>[^/?#]+)(?P<path>/[^?#]*)?"
    )
    path, host = pc.struct_field(parts, "path"), pc.utf8_lower(pc.struct_field(parts, "host"))
    path = pc.if_else(pc.and_(pc.is_valid(host), pc.equal(pc.coalesce(path, ""), "")), "/", path)
    return path.take(encoded.indices), host.take(encoded.indices)


def _decimal(values: pa.Array) -> pa.Array:
    """Numbers as decimal(18,4), half away from zero; what is no finite number in range is null."""
    numbers = values if pa.types.is_floating(values.type) else typed(values, "double")[0]
    usable = pc.and_(pc.is_finite(numbers), pc.less(pc.abs(numbers), 1e14))
    numbers = pc.if_else(pc.fill_null(usable, False), numbers, pa.scalar(None, numbers.type))
    return pc.round(numbers, 4, round_mode="half_towards_infinity").cast(ARROW_TYPES["decimal"])


def _whole_texts(values: pa.Array) -> list[str | None]:
    return [
        text if text is not None and text.lstrip("+-").isdigit() and len(text) < 19 else None
        for text in values.to_pylist()
    ]


def _value_field(value: pa.Array, name: str) -> pa.Array:
    kind = {"string_value": pa.string(), "int_value": pa.int64()}.get(name, pa.float64())
    if value.type.get_field_index(name) < 0:
        return pa.nulls(len(value), kind)
    return pc.struct_field(value, name).cast(kind)


def _text(values: pa.Array) -> pa.Array:
    return typed(values, "text")[0]


def _one(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0)
    if isinstance(array, pa.DictionaryArray):
        array = array.dictionary_decode()
    if pa.types.is_large_list(array.type):
        array = array.cast(pa.list_(array.type.value_type))
    return array
