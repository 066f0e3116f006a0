"""JSON Lines, Parquet, compressed and remote files."""

from __future__ import annotations

import datetime as dt
import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.loading import current_file_rows, files_connection, installation, landed, load

COLUMNS = [
    {"from": "id"},
    {"from": "at", "to": "event_at", "type": "timestamp"},
    {"from": "user.email", "to": "email"},
    {"from": "tags", "type": "json"},
    {"from": "value", "type": "decimal"},
]


def profile(glob: str, format_: str, **more: Any) -> dict[str, Any]:
    return {"name": "events", "glob": glob, "format": format_, "key": ["id"], "columns": COLUMNS, **more}


def test_json_lines_with_blank_lines_a_byte_order_mark_and_damage(tmp_path: Path) -> None:
    settings = installation(tmp_path, files_connection(profile("e.jsonl", "jsonl")))
    (tmp_path / "e.jsonl").write_bytes(
        b'\xef\xbb\xbf{"id": 1, "at": "2024-01-01T00:00:00Z", "user": {"email": "a@b.pl"}, '
        b'"tags": ["x"], "value": 1.5}\n'
        b"\n"
        b'{"id": "2", "at": "nonsense"}\r\n'
        b'{"id": 3, "new": 1}\n'
        b"[1]\n"
        b'{"id": "\xff"}\n'
        b'{"id": 9, "at"'
    )
    load(settings)
    one, three = current_file_rows(settings, "events")
    assert (one["id"], one["email"], one["tags"], one["value"]) == ("1", "a@b.pl", '["x"]', Decimal("1.5"))
    assert one["event_at"] == dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    assert (three["id"], three["extra"], three["_cx_file_row"]) == ("3", '{"new":1}', 4)
    assert sorted((r["source_ref"], r["reason"]) for r in landed(settings, "rejected_rows")) == [
        ("e.jsonl:3", "event_at: not a timestamp"),
        ("e.jsonl:5", "row: not a JSON object"),
        ("e.jsonl:6", "row: wrong encoding"),
        ("e.jsonl:7", "row: not JSON"),
    ]


def test_parquet_is_cast_to_the_declared_types_and_misfits_are_set_aside(tmp_path: Path) -> None:
    settings = installation(
        tmp_path, files_connection(profile("e.parquet", "parquet", time_zone="Europe/Warsaw"))
    )
    table = pa.table(
        {
            "id": pa.array([1, 2, None, 4], pa.int32()),
            "at": pa.array([dt.datetime(2024, 7, 1, 12)] * 4, pa.timestamp("ns")),
            "value": pa.array([0.1, 2.5, 1.0, 1e300]),
            "tags": [["a"], None, [], ["b"]],
            "more": [1, 2, 3, None],
        }
    )
    pq.write_table(table, tmp_path / "e.parquet")
    load(settings)
    one, two = current_file_rows(settings, "events")
    assert (one["id"], one["value"], one["tags"], one["extra"]) == (
        "1",
        Decimal("0.1"),
        '["a"]',
        '{"more":"1"}',
    )
    assert two["event_at"] == dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC)
    assert sorted((r["source_ref"], r["reason"]) for r in landed(settings, "rejected_rows")) == [
        ("e.parquet:3", "id: key is missing"),
        ("e.parquet:4", "value: not a decimal number"),
    ]


def test_a_gzip_stream_that_breaks_off_loads_what_is_whole(tmp_path: Path) -> None:
    settings = installation(tmp_path, files_connection(profile("e.csv.gz", "csv", columns=COLUMNS[:1])))
    text = "id\n" + "".join(f"{n * 7919 % 100_003}\n" for n in range(20_000))
    whole = gzip.compress(text.encode())
    (tmp_path / "e.csv.gz").write_bytes(whole[: len(whole) // 2])
    result = load(settings)
    assert result.total.rejected == 1
    assert 1_000 < result.total.loaded < 20_000
    rows = [row["id"] for row in current_file_rows(settings, "events")]
    # the last whole line, not a torn number
    assert rows == text.split("\n")[1 : len(rows) + 1]
    (rejected,) = landed(settings, "rejected_rows")
    assert rejected["reason"] == "row: the compressed file breaks off here"
    (tmp_path / "e.csv.gz").write_bytes(whole)
    load(settings)
    assert len(current_file_rows(settings, "events")) == 20_000


def test_files_of_an_fsspec_url_are_read_by_their_names_below_the_glob(tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")
    for name in ("2024/a.csv", "2024/deep/b.csv"):
        store.makedirs(f"/bucket/{name.rpartition('/')[0]}", exist_ok=True)
        store.pipe(f"/bucket/{name}", f"id\n{name}\n".encode())
    settings = installation(
        tmp_path, files_connection(profile("memory://bucket/**/*.csv", "csv", columns=COLUMNS[:1]))
    )
    load(settings)
    assert [(r["_cx_file"], r["id"]) for r in current_file_rows(settings, "events")] == [
        ("2024/a.csv", "2024/a.csv"),
        ("2024/deep/b.csv", "2024/deep/b.csv"),
    ]
    store.pipe("/bucket/2024/a.csv", b"id\nchanged\n")
    load(settings)
    assert [r["id"] for r in current_file_rows(settings, "events")] == ["changed", "2024/deep/b.csv"]


def test_variables_and_home_in_a_glob(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("CX_TEST_PART", "drop")
    table = profile("${CX_HOME}/${CX_TEST_PART}/${CX_TEST_NONE:-in}/*.csv", "csv", columns=COLUMNS[:1])
    settings = installation(tmp_path, files_connection(table))
    (settings.home / "drop" / "in").mkdir(parents=True)
    (settings.home / "drop" / "in" / "x.csv").write_text("id\n1\n")
    assert load(settings).total.loaded == 1
