"""CSV text is split into records so that damage stays where it is."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.core.connector import TableSpec
from ingestion.generic.files import csv_file
from ingestion.generic.files.config import FileTable
from ingestion.generic.files.csv_file import read_csv

COLUMNS = ("a", "b", "c")
SPEC = TableSpec(
    "t",
    dict.fromkeys(COLUMNS, "text"),
    system_columns={"extra": "json", "_cx_file": "text", "_cx_file_row": "bigint"},
)


def table(**more: Any) -> FileTable:
    return FileTable.model_validate(
        {"name": "t", "glob": "x.csv", "format": "csv", "columns": [{"from": c} for c in COLUMNS], **more}
    )


def read(data: bytes, **more: Any) -> tuple[list[tuple[int, tuple[str | None, ...]]], list[tuple[int, str]]]:
    """(line, values) of the rows loaded and (line, reason) of the rows rejected, by line."""
    good, bad = [], []
    for batch in read_csv(io.BytesIO(data), table(**more), SPEC, "x.csv"):
        if batch.rows is not None:
            good += [(r["_cx_file_row"], tuple(r[c] for c in COLUMNS)) for r in batch.rows.to_pylist()]
        bad += [(int(r.source_ref.removeprefix("x.csv:")), r.reason) for r in batch.rejected]
    return sorted(good), sorted(bad)


def loaded_and_rejected(
    data: bytes,
) -> tuple[list[tuple[int, tuple[str | None, ...]]], list[tuple[int, int]]]:
    """(line, values) of the rows loaded and (line, number of lines) of the rows rejected."""
    rejected = [
        (int(r.source_ref.removeprefix("x.csv:")), 1 + json.loads(r.raw_json)["line"].count("\n"))
        for batch in read_csv(io.BytesIO(data), table(), SPEC, "x.csv")
        for r in batch.rejected
    ]
    return read(data)[0], rejected


def test_a_quoted_line_break_is_part_of_its_record_and_lines_are_counted_on() -> None:
    good, bad = read(b'a,b,c\n1,"two\nlines",3\r\n\n4,5,"say ""hi"""\n')
    assert good == [(2, ("1", "two\nlines", "3")), (5, ("4", "5", 'say "hi"'))]
    assert bad == []


def test_na_and_leading_zeros_survive_and_empty_is_null() -> None:
    good, _ = read(b"a,b,c\nNA,02134,0048123456789\nnull,,1e5\n")
    assert good == [(2, ("NA", "02134", "0048123456789")), (3, ("null", None, "1e5"))]


def test_naive_reading_mangles_what_ours_keeps() -> None:
    """Negative control: type guessing turns zip codes into numbers and the country NA into nothing."""
    import pyarrow.csv

    naive = pyarrow.csv.read_csv(io.BytesIO(b"a,b\nNA,02134\n")).to_pylist()
    assert naive == [{"a": None, "b": 2134}]


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (b"1,2", "row: too few fields, 3 expected"),
        (b"1,2,3,4", "row: too many fields, 3 expected"),
        (b'"1,2,3', "row: a quote is not closed"),
        (b'"1"x,2,3', "row: text after a closing quote"),
        (b"1,\xff\xfe,3", "row: wrong encoding"),
    ],
)
def test_one_damaged_line_takes_no_other_with_it(damaged: bytes, reason: str) -> None:
    before = b"".join(b'"n %d",x,"multi\nline"\n' % i for i in range(300))
    after = b"".join(b'"m %d",y,z\n' % i for i in range(300))
    good, bad = read(b"a,b,c\n" + before + damaged + b"\n" + after)
    assert bad == [(602, reason)]
    assert len(good) == 600
    assert good[-1] == (902, ("m 299", "y", "z"))


def test_two_lines_with_a_stray_quote_do_not_swallow_the_lines_between() -> None:
    good, bad = read(b'a,b,c\n1,"x,3\n4,5,6\n7,8,9\n1,y",3,4\n')
    assert [values for _, values in good] == [("4", "5", "6"), ("7", "8", "9")]
    assert bad == [(2, "row: a quote is not closed"), (5, "row: too many fields, 3 expected")]


def test_a_quote_inside_an_unquoted_field_is_text() -> None:
    good, bad = read(b'a,b,c\n7" TRAY,2,3\n4,5,6\n')
    assert (good, bad) == ([(2, ('7" TRAY', "2", "3")), (3, ("4", "5", "6"))], [])


def test_a_last_line_without_line_break_is_read_and_a_torn_one_is_rejected() -> None:
    assert read(b"a,b,c\n1,2,3") == ([(2, ("1", "2", "3"))], [])
    assert read(b"a,b,c\n1,2,3\n4,5") == ([(2, ("1", "2", "3"))], [(3, "row: too few fields, 3 expected")])
    assert read(b'a,b,c\n1,2,3\n4,5,"6')[1] == [(3, "row: a quote is not closed")]


def test_other_encodings_are_read_and_their_wrong_bytes_rejected() -> None:
    assert read("a;b;c\nżółć;2;3\n".encode("cp1250"), encoding="cp1250", delimiter=";")[0][0][1][0] == "żółć"
    assert read("a,b,c\n🙂,2,3\n".encode("utf-16"), encoding="utf-16")[0][0][1][0] == "🙂"
    good, bad = read(b"a,b,c\nok,2,3\nx\x81x,2,3\n", encoding="cp1252")
    assert (good, bad) == ([(2, ("ok", "2", "3"))], [(3, "row: wrong encoding")])


def test_a_lone_carriage_return_spoils_its_own_line_only() -> None:
    good, bad = read(b"a,b,c\n1,2,3\n4,5\r5,6\n7,8,9\n")
    assert [line for line, _ in good] == [2, 4]
    assert [line for line, _ in bad] == [3]


FIELD = st.text(st.sampled_from('ab",\n ;é0'), max_size=6).filter(
    lambda text: "\n\n" not in text and not text.startswith("\n") and not text.endswith("\n")
)
ROWS = st.lists(
    st.tuples(FIELD.map(lambda t: "k" + t), FIELD, FIELD.map(lambda t: t + "z")), min_size=1, max_size=30
)


def written(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    return text.getvalue().encode()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(ROWS, st.integers(8, 200))
def test_whole_files_come_back_as_written_whatever_the_block_size(
    rows: list[tuple[str, ...]], block: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "BLOCK_BYTES", block)
        good, bad = read(written(rows))
    assert bad == []
    assert [values for _, values in good] == [tuple(v or None for v in row) for row in rows]


DAMAGE = st.lists(
    st.tuples(st.integers(0, 10_000), st.sampled_from([b'"', b",", b"\xff", b"", b"x", b'""', b"\n"])),
    max_size=4,
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(ROWS, DAMAGE, st.integers(8, 500))
def test_every_line_is_loaded_or_rejected_exactly_once(
    rows: list[tuple[str, ...]], damage: list[tuple[int, bytes]], block: int
) -> None:
    data = bytearray(written(rows))
    header = len(b"a,b,c\n")
    for place, what in damage:
        spot = header + place % (len(data) - header + 1)
        data[spot : spot + (not what)] = what
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "BLOCK_BYTES", block)
        good, rejected = loaded_and_rejected(bytes(data))
    covered = [
        line + i for line, values in good for i in range(1 + sum((v or "").count("\n") for v in values))
    ]
    covered += [line + i for line, extent in rejected for i in range(extent)]
    lines = bytes(data).split(b"\n")
    expected = [number for number, line in enumerate(lines, 1) if number > 1 and line]
    assert len(covered) == len(set(covered))
    assert set(expected) <= set(covered)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(ROWS, DAMAGE, st.integers(8, 500))
def test_the_size_of_blocks_changes_nothing(
    rows: list[tuple[str, ...]], damage: list[tuple[int, bytes]], block: int
) -> None:
    data = bytearray(written(rows))
    for place, what in damage:
        spot = 6 + place % (len(data) - 5)
        data[spot : spot + (not what)] = what
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "BLOCK_BYTES", block)
        in_blocks = read(bytes(data))
    assert in_blocks == read(bytes(data))
