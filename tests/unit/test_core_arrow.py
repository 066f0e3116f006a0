"""Text becomes typed values, or is named as what does not fit."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from ingestion.core.arrow import TextFormat, parse_text
from ingestion.core.values import column_of

UTC = dt.UTC


def parsed(values: list[str | None], kind: Any, **how: str) -> list[Any]:
    """Typed values; `...` where a text does not fit."""
    array, bad = parse_text(pa.array(values, pa.string()), kind, TextFormat(**how))
    flags = bad.to_pylist() if bad is not None else [False] * len(values)
    return [... if flag else value for value, flag in zip(array.to_pylist(), flags, strict=True)]


def at(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("kind", "how", "texts", "values"),
    [
        ("bigint", {}, ["1", " 2 ", None, "x", "1.0", "007", "0x10", str(2**63)], [1, 2, None, ..., ..., 7, ..., ...]),
        ("double", {}, ["2.5", "nan", "inf", "1e3", "1,5"], [2.5, ..., ..., 1000.0, ...]),
        ("double", {"decimal": ",", "thousands": "."}, ["1.234,5", "2"], [1234.5, 2.0]),
        ("decimal", {"decimal": ","}, ["1,10", "1.10"], [Decimal("1.1"), ...]),
        # half away from zero at the fifth digit; fifteen digits before the point are too many
        ("decimal", {}, ["2.00005", "-2.00005", "1e14", "99999999999999.9999"],
         [Decimal("2.0001"), Decimal("-2.0001"), ..., Decimal("99999999999999.9999")]),
        ("boolean", {}, ["TRUE", "0", "yes", "maybe", None], [True, False, True, ..., None]),
        ("date", {}, ["2024-02-29", "2023-02-29"], [dt.date(2024, 2, 29), ...]),
        ("date", {"format": "%d-%m-%Y"}, ["01-02-2018"], [dt.date(2018, 2, 1)]),
        ("date", {"format": "%d-%m-%Y"}, ["01-02-2018", "31-02-2018"], [dt.date(2018, 2, 1), ...]),
        ("timestamp", {}, ["2024-01-31T10:11:12Z", "2024-01-31 10:11:12.5+02:00"],
         [at(2024, 1, 31, 10, 11, 12), at(2024, 1, 31, 8, 11, 12, 500000)]),
        ("timestamp", {}, ["2024-01-31T10:00:00.123456789Z"], [at(2024, 1, 31, 10, 0, 0, 123456)]),
        ("timestamp", {}, ["0001-01-01 00:00:00", "9999-12-31 00:00:00"], [..., ...]),
        ("timestamp", {"format": "epoch_ms"}, ["1517393472000", "x"], [at(2018, 1, 31, 10, 11, 12), ...]),
        ("timestamp", {"format": "epoch_s"}, ["1517393472.25"], [at(2018, 1, 31, 10, 11, 12, 250000)]),
        ("timestamp", {"format": "%d/%m/%Y %H:%M", "time_zone": "Europe/London"}, ["01/07/2018 10:11"],
         [at(2018, 7, 1, 9, 11)]),
    ],
)  # fmt: skip
def test_texts_of_each_type(
    kind: str, how: dict[str, str], texts: list[str | None], values: list[Any]
) -> None:
    assert parsed(texts, kind, **how) == values


def test_local_times_around_clock_changes_are_taken_the_same_way_always() -> None:
    """Warsaw: 02:30 comes twice on 25 October 2026 (first +02:00), and not at all on 29 March 2026."""
    zone = {"time_zone": "Europe/Warsaw"}
    assert parsed(["2026-10-25 02:30:00"], "timestamp", **zone) == [at(2026, 10, 25, 0, 30)]
    assert parsed(["2026-03-29 02:30:00"], "timestamp", **zone) == [at(2026, 3, 29, 1, 30)]
    # a skipped hour elsewhere in the column does not change the repeated one
    both = parsed(["2026-10-25 02:30:00", "2026-03-29 02:30:00"], "timestamp", **zone)
    assert both == [at(2026, 10, 25, 0, 30), at(2026, 3, 29, 1, 30)]


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("text", [1, "1", 2.0, True, None, ""], ["1", "1", "2", "true", None, None]),
        ("text", [12345678901234567890], ["12345678901234567890"]),
        ("text", [b"ab", b"\xff"], ["ab", ...]),
        ("json", [{"a": 1}, [1], "{}", None], ['{"a":1}', "[1]", "{}", None]),
        ("bigint", [1, True, 2.0, 2.5, "3", 2**70], [1, ..., 2, ..., 3, ...]),
        ("decimal", [Decimal("1.23456"), 1.5, "2"], [Decimal("1.2346"), Decimal("1.5"), Decimal("2")]),
        ("decimal", [0.1, 0.25], [Decimal("0.1"), Decimal("0.25")]),
        ("boolean", [0, 1, 2, "false"], [False, True, ..., False]),
        ("timestamp", [dt.datetime(2024, 1, 1), "2024-01-01T01:00:00+01:00", 5],
         [at(2024, 1, 1), at(2024, 1, 1), ...]),
        ("double", [1, 2.5, float("nan")], [1.0, 2.5, ...]),
    ],
)  # fmt: skip
def test_values_of_each_type(kind: Any, values: list[Any], expected: list[Any]) -> None:
    array, bad = column_of(values, kind)
    flags = bad.to_pylist() if bad is not None else [False] * len(values)
    assert [... if flag else v for v, flag in zip(array.to_pylist(), flags, strict=True)] == expected
