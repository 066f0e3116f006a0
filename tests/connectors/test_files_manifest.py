"""Files are found by what they are, not by a clock: late, rewritten and broken ones too."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest

from ingestion.core.connector import LoadError
from tests.support.loading import (
    current_file_rows,
    files_connection,
    installation,
    landed,
    load,
    without_system,
)

ORDERS: dict[str, Any] = {
    "name": "orders",
    "glob": "in/*.csv",
    "format": "csv",
    "key": ["order_id"],
    "columns": [{"from": "order_id"}, {"from": "amount", "type": "decimal"}, {"from": "note"}],
}


def deliver(folder: Path, name: str, *lines: str, mtime: int | None = None) -> Path:
    file = folder / "in" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(("order_id,amount,note", *lines, "")), encoding="utf-8")
    if mtime is not None:
        os.utime(file, (mtime, mtime))
    return file


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["order_id"] for row in rows]


def test_a_late_file_with_an_older_time_is_loaded(tmp_path: Path) -> None:
    settings = installation(tmp_path, files_connection(ORDERS))
    deliver(tmp_path, "2.csv", "B,2,", mtime=2_000_000_000)
    load(settings)
    late = deliver(tmp_path, "1.csv", "A,1,", mtime=1_000_000_000)
    # negative control: a watermark on the change time, as dlt's `modification_date` keeps, passes it by
    watermark = 2_000_000_000
    assert [f.name for f in late.parent.iterdir() if f.stat().st_mtime > watermark] == []
    assert load(settings).tables["orders"].loaded == 1
    assert ids(current_file_rows(settings, "orders")) == ["A", "B"]


def test_a_rewritten_file_replaces_exactly_its_own_rows(tmp_path: Path) -> None:
    settings = installation(tmp_path, files_connection(ORDERS))
    deliver(tmp_path, "1.csv", "A,1,", "B,2,", "C,3,", mtime=1_000)
    deliver(tmp_path, "2.csv", "D,4,", mtime=1_000)
    load(settings)
    deliver(tmp_path, "1.csv", "A,9,", mtime=1_001)
    assert load(settings).tables["orders"].read == 1
    rows = current_file_rows(settings, "orders")
    assert [(row["order_id"], str(row["amount"])) for row in rows] == [("A", "9.0000"), ("D", "4.0000")]
    # every version stays in the lake
    assert len(landed(settings, "orders")) == 5


def test_a_file_emptied_takes_its_rows_away(tmp_path: Path) -> None:
    settings = installation(tmp_path, files_connection(ORDERS))
    deliver(tmp_path, "1.csv", "A,1,", mtime=1_000)
    load(settings)
    deliver(tmp_path, "1.csv", mtime=1_001)
    load(settings)
    assert current_file_rows(settings, "orders") == []


def test_a_run_without_news_writes_nothing(tmp_path: Path) -> None:
    settings = installation(tmp_path, files_connection(ORDERS))
    deliver(tmp_path, "1.csv", "A,1,")
    load(settings)
    before = sorted((p, p.stat().st_mtime_ns) for p in settings.lake.rglob("*"))
    result = load(settings)
    assert (result.tables, result.load_ids) == ({}, [])
    assert sorted((p, p.stat().st_mtime_ns) for p in settings.lake.rglob("*")) == before


def test_any_order_of_arrival_gives_the_same_rows(tmp_path: Path) -> None:
    files = {f"{n}.csv": (f"K{n % 3},{n},n{n}", f"L{n},{n},") for n in range(5)}
    results = []
    for number, order in enumerate((sorted(files), sorted(files, reverse=True), ["2.csv", "0.csv"])):
        folder = tmp_path / str(number)
        folder.mkdir()
        settings = installation(folder, files_connection(ORDERS))
        for name in order:
            deliver(folder, name, *files[name])
            load(settings)
        for name in files:
            if name not in order:
                deliver(folder, name, *files[name])
        load(settings)
        results.append(without_system(current_file_rows(settings, "orders")))
    assert results[0] == results[1] == results[2]
    assert len(results[0]) == 10


def test_a_file_still_being_written_waits(tmp_path: Path) -> None:
    settings = installation(tmp_path, files_connection({**ORDERS, "settle_seconds": 3600}))
    deliver(tmp_path, "1.csv", "A,1,", mtime=int(dt.datetime.now().timestamp()) - 10)
    deliver(tmp_path, "2.csv", "B,1,", mtime=int(dt.datetime.now().timestamp()) - 7200)
    load(settings)
    assert ids(current_file_rows(settings, "orders")) == ["B"]


def test_a_file_of_another_shape_fails_the_run_but_not_the_other_files(tmp_path: Path) -> None:
    settings = installation(tmp_path, files_connection(ORDERS))
    deliver(tmp_path, "1.csv", "A,1,")
    (tmp_path / "in" / "2.csv").write_text("id;sum\n1;2\n")
    deliver(tmp_path, "3.csv", "C,3,")
    with pytest.raises(LoadError) as caught:
        load(settings)
    assert (caught.value.connection, caught.value.table) == ("shop", "orders")
    assert "2.csv: there is no column order_id; it has: id;sum" in str(caught.value)
    assert caught.value.result is not None
    assert caught.value.result.tables["orders"].loaded == 2
    assert ids(current_file_rows(settings, "orders")) == ["A", "C"]
    # corrected, it is loaded
    deliver(tmp_path, "2.csv", "B,2,")
    load(settings)
    assert ids(current_file_rows(settings, "orders")) == ["A", "B", "C"]


def test_a_file_with_too_few_rows_is_not_loaded_until_it_is_whole(tmp_path: Path) -> None:
    settings = installation(tmp_path, files_connection({**ORDERS, "expect": {"min_rows": 2}}))
    deliver(tmp_path, "1.csv", "A,1,")
    with pytest.raises(LoadError, match=r"1\.csv has 1 rows, fewer than the 2 expected"):
        load(settings)
    deliver(tmp_path, "1.csv", "A,1,", "B,2,")
    load(settings)
    assert ids(current_file_rows(settings, "orders")) == ["A", "B"]


def test_a_glob_that_never_matched_is_an_error(tmp_path: Path) -> None:
    settings = installation(tmp_path, files_connection(ORDERS))
    with pytest.raises(LoadError, match=r"no file matches in/\*\.csv\. Correct `glob`"):
        load(settings)


def test_broken_rows_are_set_aside_with_place_and_reason_and_the_rest_is_loaded(tmp_path: Path) -> None:
    settings = installation(tmp_path, files_connection(ORDERS))
    file = deliver(tmp_path, "1.csv", "A,1,", "B,two,", ",3,", "D,4", "F,6,", "G,7,")
    file.write_bytes(file.read_bytes() + b"E,5,\xff\n" + b'H,8,"torn')
    result = load(settings)
    assert (result.total.read, result.total.loaded, result.total.rejected) == (8, 3, 5)
    assert sorted((r["source_ref"], r["reason"]) for r in landed(settings, "rejected_rows")) == [
        ("1.csv:3", "amount: not a decimal number"),
        ("1.csv:4", "order_id: key is missing"),
        ("1.csv:5", "row: too few fields, 3 expected"),
        ("1.csv:8", "row: wrong encoding"),
        ("1.csv:9", "row: a quote is not closed"),
    ]
    assert ids(current_file_rows(settings, "orders")) == ["A", "F", "G"]
    (metrics,) = landed(settings, "load_metrics")
    assert (metrics["rows_read"], metrics["rows_loaded"], metrics["rows_rejected"]) == (8, 3, 5)


def test_too_many_broken_rows_fail_the_load_and_nothing_is_kept(tmp_path: Path) -> None:
    settings = installation(tmp_path, files_connection(ORDERS))
    deliver(tmp_path, "1.csv", *(f"A{n},{n if n % 2 else 'x'}," for n in range(40)))
    with pytest.raises(LoadError) as caught:
        load(settings)
    assert "20 of 40 rows do not fit (50.0%, allowed 5.0%): amount: not a decimal number (20)" in str(
        caught.value
    )
    assert "max_rejected_share" in caught.value.next_step
    assert landed(settings, "orders") == []
    # the file is read again after the correction
    deliver(tmp_path, "1.csv", "A,1,")
    load(settings)
    assert ids(current_file_rows(settings, "orders")) == ["A"]


def test_columns_that_are_not_declared_are_kept_as_json(tmp_path: Path) -> None:
    settings = installation(tmp_path, files_connection({**ORDERS, "columns": ORDERS["columns"][:2]}))
    deliver(tmp_path, "1.csv", 'A,1,"say ""hi"""', "B,2,")
    load(settings)
    assert [row["extra"] for row in current_file_rows(settings, "orders")] == [
        '{"note":"say \\"hi\\""}',
        None,
    ]


def test_a_changed_declaration_does_not_block_later_loads(tmp_path: Path) -> None:
    settings = installation(tmp_path, files_connection(ORDERS))
    deliver(tmp_path, "1.csv", "A,1,5")
    load(settings)
    columns = [{"from": "order_id"}, {"from": "amount", "type": "double"}, {"from": "note", "type": "bigint"}]
    settings = installation(tmp_path, files_connection({**ORDERS, "columns": columns}))
    deliver(tmp_path, "2.csv", "B,2,6")
    assert load(settings).tables["orders"].loaded == 1
