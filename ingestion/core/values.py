"""Python values of one column as a typed Arrow array, with a mask of what did not fit."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.core.arrow import (
    ARROW_TYPES,
    ISO,
    TextFormat,
    checked_year,
    in_range,
    localize,
    money,
    parse_text,
    to_utc,
    whole,
)
from ingestion.core.connector import ColumnType


def column_of(
    values: Sequence[Any], kind: ColumnType, how: TextFormat = ISO
) -> tuple[pa.Array, pa.BooleanArray | None]:
    """Values of one column as an array of `kind`.

    Args:
        values: None, text, numbers, datetimes, dicts …; '' counts as null.
        kind: type of the column.
        how: notation of texts, and zone of naive datetimes.

    Returns:
        (array, mask of values that do not fit, None when all fit). Null where the mask is true.
    """
    try:
        return parse_text(blank_to_null(pa.array(values, pa.string())), kind, how)
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        pass
    if kind != "json":
        try:
            array = pa.array(values)
            if (cast := _cast(array, kind, how)) is not None:
                return cast, None
        except _ARROW_ERRORS:
            pass
    return _mixed(values, kind, how)


_ARROW_ERRORS = (
    pa.ArrowInvalid,
    pa.ArrowNotImplementedError,
    pa.ArrowTypeError,
    ValueError,
    OverflowError,
    UnicodeError,
)


def typed_array(
    values: pa.Array, kind: ColumnType, how: TextFormat
) -> tuple[pa.Array, pa.BooleanArray | None]:
    """An Arrow array of any type as an array of `kind`; returns as `column_of`."""
    if isinstance(values, pa.DictionaryArray):
        values = values.dictionary_decode()
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return parse_text(blank_to_null(values.cast(pa.string())), kind, how)
    try:
        if (cast := _cast(values, kind, how)) is not None:
            return cast, None
    except _ARROW_ERRORS:
        pass
    return column_of(plain(values), kind, how)


def plain(values: pa.Array) -> list[Any]:
    """Python values; bytes as text, wrong ones as lone surrogates that no column takes."""
    return [v.decode("utf-8", "surrogateescape") if isinstance(v, bytes) else v for v in values.to_pylist()]


def _cast(values: pa.Array, kind: ColumnType, how: TextFormat) -> pa.Array | None:
    """The casts that Arrow does without loss or guess, or refuses; None for any other pair of types."""
    source = values.type
    is_integer = pa.types.is_integer(source)
    if kind == "timestamp" and pa.types.is_timestamp(source):
        micros = in_range(values.cast(pa.timestamp("us", tz=source.tz), safe=False))
        return micros.cast(ARROW_TYPES[kind]) if source.tz else localize(micros, how.time_zone)
    if kind == "decimal" and pa.types.is_floating(source):
        # floats with up to four decimals come back as they were; others are rounded as they are written
        exact = pc.cast(values, ARROW_TYPES[kind])
        return exact if pc.cast(exact, source).equals(values) else None
    if (
        (kind in ("text", "bigint", "double") and is_integer)
        or (kind == "decimal" and (is_integer or pa.types.is_decimal(source)))
        or (kind == "boolean" and pa.types.is_boolean(source))
        or (kind == "date" and pa.types.is_date(source))
        or pa.types.is_null(source)
    ):
        return values.cast(ARROW_TYPES[kind])
    return None


def blank_to_null(array: pa.Array) -> pa.Array:
    """Empty text as null: unknown is null, never ''."""
    empty = pc.equal(array, "")
    if not pc.any(empty).as_py():
        return array
    return pc.if_else(empty, pa.scalar(None, pa.string()), array)


def _mixed(
    values: Sequence[Any], kind: ColumnType, how: TextFormat
) -> tuple[pa.Array, pa.BooleanArray | None]:
    convert = _CONVERT[kind]
    converted: list[Any] = []
    texts: list[str | None] = []
    flags: list[bool] = []
    for value in values:
        result, text, bad = None, None, False
        if isinstance(value, str) and kind not in ("text", "json"):
            text = value
        elif value is not None and value != "":
            try:
                result = convert(value, how)
            except (ValueError, TypeError, OverflowError, InvalidOperation):
                bad = True
        converted.append(result)
        texts.append(text)
        flags.append(bad)
    array = pa.array(converted, ARROW_TYPES[kind])
    mask = pa.array(flags, pa.bool_()) if any(flags) else None
    if any(text is not None for text in texts):
        parsed, bad_text = column_of([None if t is None else _clean(t) for t in texts], kind, how)
        array = pc.coalesce(array, parsed)
        if bad_text is not None:
            mask = bad_text if mask is None else pc.or_(mask, bad_text)
    return array, mask


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _text(value: Any, how: TextFormat) -> str:
    if isinstance(value, str):
        value.encode("utf-8")
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, dict | list | tuple):
        return _json(value, how)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8")
    return str(value)


def _json(value: Any, how: TextFormat) -> str:
    if isinstance(value, str):
        value.encode("utf-8")
        return value
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    text.encode("utf-8")
    return text


def _number(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise ValueError("a truth value is no number")
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value))
    raise TypeError("no number")


def _double(value: Any, how: TextFormat) -> float:
    number = float(_number(value))
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def _boolean(value: Any, how: TextFormat) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise TypeError("neither true nor false")


def _timestamp(value: Any, how: TextFormat) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return to_utc(value, how.time_zone)
    if isinstance(value, dt.date):
        return to_utc(dt.datetime(value.year, value.month, value.day), how.time_zone)
    if isinstance(value, int | float) and not isinstance(value, bool) and how.format.startswith("epoch_"):
        divisor = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}[how.format]
        micros = int(_number(value) * 1_000_000 / divisor)
        return checked_year(dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=micros))
    raise TypeError("no timestamp")


def _date(value: Any, how: TextFormat) -> dt.date:
    if isinstance(value, dt.datetime):
        if value.time() != dt.time():
            raise ValueError("a timestamp where a date is declared")
        return value.date()
    if isinstance(value, dt.date):
        return value
    raise TypeError("no date")


_CONVERT: Mapping[str, Callable[[Any, TextFormat], Any]] = {
    "text": _text,
    "json": _json,
    "bigint": lambda value, how: whole(_number(value)),
    "double": _double,
    "decimal": lambda value, how: money(_number(value)),
    "boolean": _boolean,
    "timestamp": _timestamp,
    "date": _date,
}
