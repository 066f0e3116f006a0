"""Column types of the lake in Arrow, and vectorised parsing of text with a mask of what did not fit."""

from __future__ import annotations

import datetime as dt
import functools
import re
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.core.connector import ColumnType, TableSpec

TIMESTAMP = pa.timestamp("us", tz="UTC")
DECIMAL = pa.decimal128(18, 4)

ARROW_TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "json": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": TIMESTAMP,
    "date": pa.date32(),
    "decimal": DECIMAL,
}

PROBLEMS: Mapping[str, str] = {
    "text": "not text",
    "json": "not JSON",
    "bigint": "not a whole number",
    "double": "not a number",
    "boolean": "not true or false",
    "timestamp": "not a timestamp",
    "date": "not a date",
    "decimal": "not a decimal number",
}
"""Reasons name the column and the type, never the value: reasons are shown, values may be personal."""

_TRUE, _FALSE = ["true", "t", "yes", "y", "1"], ["false", "f", "no", "n", "0"]
_OFFSET = r"(?:[zZ]|[+-]\d{2}:?\d{2})$"
# year 1 and year 9999 are placeholders in many systems; Parquet readers differ outside this range
_MIN_YEAR, _MAX_YEAR = 1678, 2261


@dataclass(frozen=True)
class TextFormat:
    """How a source writes values.

    Attributes:
        format: for timestamp: `iso`, `epoch_s`, `epoch_ms`, `epoch_us` or a strptime pattern; for date: `iso`
            or a pattern.
        time_zone: IANA zone of timestamps written without offset. A local time that a clock change makes
            ambiguous is taken as its first occurrence, one that it skips is moved forward by the gap.
        decimal: decimal mark.
        thousands: thousands mark, removed before parsing.
    """

    format: str = "iso"
    time_zone: str = "UTC"
    decimal: str = "."
    thousands: str = ""


ISO = TextFormat()


def schema_of(spec: TableSpec) -> pa.Schema:
    """Arrow schema of a table's rows as a connector yields them (declared and connector's system columns)."""
    columns = {**spec.columns, **spec.system_columns}
    return pa.schema([pa.field(name, ARROW_TYPES[kind]) for name, kind in columns.items()])


def parse_text(
    values: pa.Array, kind: ColumnType, how: TextFormat = ISO
) -> tuple[pa.Array, pa.BooleanArray | None]:
    """Text as `kind`.

    Args:
        values: string array; nulls stay null and are never a problem.
        kind: type to parse into.
        how: notation of the source.

    Returns:
        (array of the Arrow type of `kind`, mask of texts that do not fit or None when all fit). The array is
        null where the mask is true.
    """
    if kind in ("text", "json"):
        return values, None
    parser = _PARSERS[kind]
    try:
        return parser(values, how), None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError, OverflowError):
        return _parse_one_by_one(values, kind, how, parser)


def _parse_one_by_one(
    values: pa.Array, kind: str, how: TextFormat, parser: Callable[[pa.Array, TextFormat], pa.Array]
) -> tuple[pa.Array, pa.BooleanArray | None]:
    """Trim, then parse distinct texts in one go where possible; only texts that fail are looked at singly."""
    trimmed = pc.utf8_trim_whitespace(values)
    trimmed = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
    encoded = trimmed.dictionary_encode()
    texts = encoded.dictionary
    single = _SINGLE[kind]
    try:
        parsed = parser(texts, how)
        bad = None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError, OverflowError):
        results: list[Any] = []
        flags: list[bool] = []
        for text in texts.to_pylist():
            try:
                results.append(single(text, how))
                flags.append(False)
            except (ValueError, OverflowError, InvalidOperation):
                results.append(None)
                flags.append(True)
        parsed = pa.array(results, ARROW_TYPES[kind])
        bad = pc.fill_null(pa.array(flags).take(encoded.indices), False) if any(flags) else None
    return parsed.take(encoded.indices), bad


def _numeric(values: pa.Array, how: TextFormat) -> pa.Array:
    if how.thousands:
        values = pc.replace_substring(values, how.thousands, "")
    if how.decimal != ".":
        if pc.any(pc.match_substring(values, ".")).as_py():
            raise ValueError("a point where the decimal mark is another")
        values = pc.replace_substring(values, how.decimal, ".")
    return values


def _bigint(values: pa.Array, how: TextFormat) -> pa.Array:
    if pc.any(pc.match_substring(values, "x", ignore_case=True)).as_py():
        raise ValueError("Arrow reads 0x10 as sixteen")
    return pc.cast(_numeric(values, how), pa.int64())


def _double(values: pa.Array, how: TextFormat) -> pa.Array:
    parsed = pc.cast(_numeric(values, how), pa.float64())
    if not pc.all(pc.is_finite(parsed)).as_py() and parsed.null_count < len(parsed):
        raise ValueError("not finite")
    return parsed


def _decimal(values: pa.Array, how: TextFormat) -> pa.Array:
    return pc.cast(_numeric(values, how), DECIMAL)


def _boolean(values: pa.Array, how: TextFormat) -> pa.Array:
    lower = pc.utf8_lower(values)
    true = pc.is_in(lower, pa.array(_TRUE))
    known = pc.or_(true, pc.is_in(lower, pa.array(_FALSE)))
    if not pc.all(pc.or_(known, pc.is_null(values))).as_py() and len(values):
        raise ValueError("neither true nor false")
    return pc.if_else(pc.is_null(values), pa.scalar(None, pa.bool_()), true)


def _date(values: pa.Array, how: TextFormat) -> pa.Array:
    if how.format == "iso":
        return pc.cast(values, pa.date32())
    return pc.cast(_strptime(values, how.format), pa.date32())


def _timestamp(values: pa.Array, how: TextFormat) -> pa.Array:
    if how.format in _EPOCHS:
        return in_range(pc.cast(pc.cast(values, pa.int64()), _EPOCHS[how.format])).cast(TIMESTAMP)
    if how.format != "iso":
        if "%z" in how.format:
            raise ValueError("offsets in a pattern are read one by one")
        return localize(_strptime(values, how.format), how.time_zone)
    with_offset = pc.fill_null(pc.match_substring_regex(values, _OFFSET), False)
    offsets = pc.sum(with_offset).as_py() or 0
    if offsets == len(values) - values.null_count:
        return in_range(pc.cast(values, TIMESTAMP))
    if offsets == 0:
        return localize(in_range(pc.cast(values, pa.timestamp("us"))), how.time_zone)
    nothing = pa.scalar(None, pa.string())
    zoned = pc.cast(pc.if_else(with_offset, values, nothing), TIMESTAMP)
    local = pc.cast(pc.if_else(with_offset, nothing, values), pa.timestamp("us"))
    return pc.coalesce(in_range(zoned), localize(in_range(local), how.time_zone))


_EPOCHS = {
    "epoch_s": pa.timestamp("s", tz="UTC"),
    "epoch_ms": pa.timestamp("ms", tz="UTC"),
    "epoch_us": TIMESTAMP,
}


def _strptime(values: pa.Array, pattern: str) -> pa.Array:
    # strptime of the C library takes "31-02-2018" as 3 March and ignores text after the pattern: compare back
    if "%f" in pattern:
        raise ValueError("fractions in a pattern are read one by one")
    parsed = pc.strptime(values, format=pattern, unit="us")
    # Arrow writes %S of microseconds as 07.000000
    written = pc.replace_substring(pc.strftime(parsed, format=pattern), ".000000", "")
    same = pc.equal(written, values)
    if not pc.all(pc.fill_null(same, True)).as_py():
        raise ValueError("does not read back")
    return in_range(parsed)


def in_range(values: pa.Array) -> pa.Array:
    """Timestamps unless a year is a placeholder such as 1 or 9999. Raises ValueError."""
    bounds = pc.min_max(values)
    low, high = bounds["min"].as_py(), bounds["max"].as_py()
    if low is not None and (low.year < _MIN_YEAR or high.year > _MAX_YEAR):
        raise ValueError("year out of range")
    return values


def localize(values: pa.Array, time_zone: str) -> pa.Array:
    """Naive timestamps of a zone as UTC instants; see `TextFormat.time_zone` for clock changes."""
    if time_zone == "UTC":
        return pc.cast(values, pa.timestamp("us")).cast(TIMESTAMP)
    try:
        local = pc.assume_timezone(values, time_zone, ambiguous="earliest", nonexistent="raise")
        return local.cast(TIMESTAMP)
    except (pa.ArrowInvalid, ValueError):
        zone = _zone(time_zone)
        instants = [None if v is None else _instant(v, zone) for v in values.to_pylist()]
        return pa.array(instants, TIMESTAMP)


@functools.lru_cache(maxsize=64)
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


def _instant(value: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    return value.replace(tzinfo=zone, fold=0).astimezone(dt.UTC)


def one_number(text: str, how: TextFormat) -> Decimal:
    """A number as written by the source. Raises ValueError or InvalidOperation."""
    if how.thousands:
        text = text.replace(how.thousands, "")
    if how.decimal != ".":
        if "." in text:
            raise ValueError("a point where the decimal mark is another")
        text = text.replace(how.decimal, ".")
    if not re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", text):
        raise ValueError("no number")
    return Decimal(text)


def money(number: Decimal) -> Decimal:
    """A number with the four digits of money, half rounded away from zero. Raises ValueError above 18 digits."""
    if not number.is_finite() or abs(number) >= Decimal("1e14"):
        raise ValueError("out of range")
    return number.quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)


def whole(number: Decimal) -> int:
    """A number without fraction as int. Raises ValueError."""
    if not number.is_finite() or number != number.to_integral_value() or abs(number) >= 2**63:
        raise ValueError("no whole number")
    return int(number)


def _one_bigint(text: str, how: TextFormat) -> int:
    if not re.fullmatch(r"[+-]?\d+", text.replace(how.thousands, "") if how.thousands else text):
        raise ValueError("no whole number")
    return whole(one_number(text, how))


def _one_double(text: str, how: TextFormat) -> float:
    value = float(one_number(text, how))
    if value in (float("inf"), float("-inf")):
        raise ValueError("out of range")
    return value


def _one_boolean(text: str, how: TextFormat) -> bool:
    lower = text.lower()
    if lower not in _TRUE and lower not in _FALSE:
        raise ValueError("neither true nor false")
    return lower in _TRUE


def _one_date(text: str, how: TextFormat) -> dt.date:
    if how.format != "iso":
        return checked_year(dt.datetime.strptime(text, how.format)).date()
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError("no date")
    return dt.date.fromisoformat(text)


def _one_timestamp(text: str, how: TextFormat) -> dt.datetime:
    if how.format in _EPOCHS:
        divisor = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}[how.format]
        micros = int(one_number(text, ISO) * 1_000_000 / divisor)
        return checked_year(dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=micros))
    if how.format != "iso":
        value = dt.datetime.strptime(text, how.format)
    else:
        if not re.match(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}|$)", text):
            raise ValueError("no timestamp")
        value = dt.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    return to_utc(value, how.time_zone)


def to_utc(value: dt.datetime, time_zone: str) -> dt.datetime:
    """An instant in UTC; a naive one is taken in `time_zone`. Raises ValueError for a year out of range."""
    checked_year(value)
    return value.astimezone(dt.UTC) if value.tzinfo else _instant(value, _zone(time_zone))


def checked_year(value: dt.datetime) -> dt.datetime:
    """`value` unless its year is a placeholder such as 1 or 9999. Raises ValueError."""
    if not _MIN_YEAR <= value.year <= _MAX_YEAR:
        raise ValueError("year out of range")
    return value


_PARSERS: Mapping[str, Callable[[pa.Array, TextFormat], pa.Array]] = {
    "bigint": _bigint,
    "double": _double,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
    "decimal": _decimal,
}

_SINGLE: Mapping[str, Callable[[str, TextFormat], Any]] = {
    "bigint": _one_bigint,
    "double": _one_double,
    "boolean": _one_boolean,
    "date": _one_date,
    "timestamp": _one_timestamp,
    "decimal": lambda text, how: money(one_number(text, how)),
}
