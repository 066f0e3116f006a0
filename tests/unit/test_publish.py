"""Versions of the published marts: a swap is atomic, a crash leaves the last good version, rollback puts one back."""

import threading
import time
from pathlib import Path

import duckdb
import pytest

from orchestration import publish
from orchestration.errors import CxError


def build(published: Path, rows: int) -> None:
    """A work file with one mart of `rows` rows, as dbt would leave it."""
    database = publish.prepare_work(published)
    with duckdb.connect(str(database)) as con:
        con.execute("create schema marts")
        con.execute(
            f"create table marts.mart_numbers as select range as n, {rows} as size from range({rows})"
        )
    publish.seal(database)


def count(published: Path) -> int:
    with duckdb.connect(str(published / "current" / "cx.duckdb"), read_only=True) as con:
        return con.execute("select count(*) from marts.mart_numbers").fetchone()[0]


def test_a_version_holds_the_database_parquet_and_a_manifest_of_its_rows(tmp_path):
    build(tmp_path, 10)
    published = publish.publish(tmp_path, {"run_id": "r1"})
    version = published.version
    assert (version.name, published.is_new, version.manifest["run_id"]) == ("v1", True, "r1")
    assert version.manifest["tables"]["mart_numbers"]["rows"] == 10
    assert version.manifest["tables"]["mart_numbers"]["columns"] == {"n": "BIGINT", "size": "INTEGER"}
    parquet = version.path / "parquet" / "mart_numbers.parquet"
    assert duckdb.sql(f"select sum(n) from '{parquet}'").fetchall() == [(45,)]
    assert (version.path / "cx.duckdb").stat().st_mode & 0o222 == 0
    assert not publish.work_directory(tmp_path).exists()


def test_publishing_the_same_rows_again_makes_no_new_version(tmp_path):
    build(tmp_path, 10)
    publish.publish(tmp_path, {})
    build(tmp_path, 10)
    again = publish.publish(tmp_path, {})
    assert (again.version.name, again.is_new) == ("v1", False)
    build(tmp_path, 11)
    assert publish.publish(tmp_path, {}).version.name == "v2"


def test_the_checksum_does_not_depend_on_row_order_but_on_every_value(tmp_path):
    sums = []
    for name, order, shift in (("a", "n", 0), ("b", "n desc", 0), ("c", "n", 1)):
        path = tmp_path / f"{name}.duckdb"
        with duckdb.connect(str(path)) as con:
            con.execute("create schema marts")
            con.execute(
                f"create table marts.t as select range + {shift} * (range = 7)::int as n from range(9) order by {order}"
            )
        sums.append(publish.describe_database(path)["tables"]["t"]["checksum"])
    assert sums[0] == sums[1] != sums[2]


def test_only_the_last_versions_are_kept_and_rollback_puts_one_back(tmp_path):
    for rows in (1, 2, 3, 4):
        build(tmp_path, rows)
        publish.publish(tmp_path, {}, keep=3)
    assert [v.name for v in publish.list_versions(tmp_path)] == ["v4", "v3", "v2"]
    assert publish.rollback(tmp_path).name == "v3"
    assert count(tmp_path) == 3
    assert publish.rollback(tmp_path, 2).name == "v2"
    assert count(tmp_path) == 2
    with pytest.raises(CxError, match="v1 is not on disk"):
        publish.rollback(tmp_path, 1)
    build(tmp_path, 5)
    assert publish.publish(tmp_path, {}).version.name == "v5"  # numbers are not used twice
    assert count(tmp_path) == 5


@pytest.mark.parametrize("point", ["before the rename", "before the swap", "before the mark"])
def test_a_publish_cut_off_anywhere_leaves_a_whole_version_and_the_next_one_repairs(
    tmp_path, monkeypatch, point
):
    build(tmp_path, 1)
    publish.publish(tmp_path, {})
    build(tmp_path, 2)

    class Killed(BaseException):
        pass

    def die(*args, **kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        if point == "before the rename":
            patch.setattr(publish, "export_parquet", die)
        elif point == "before the swap":
            patch.setattr(publish, "_swap", die)
        else:
            patch.setattr(Path, "touch", die)
        with pytest.raises(Killed):
            publish.publish(tmp_path, {})
    assert count(tmp_path) == (2 if point == "before the mark" else 1)
    build(tmp_path, 2)
    publish.publish(tmp_path, {})
    assert count(tmp_path) == 2
    assert {p.name for p in tmp_path.iterdir() if p.name.startswith("v")} == {
        v.name for v in publish.list_versions(tmp_path)
    }


def read_for(published: Path, stop: threading.Event, answers: list[int], errors: list[str]) -> None:
    while not stop.is_set():
        started = time.monotonic()
        try:
            answers.append(count(published))
        except Exception as error:
            errors.append(str(error))
        time.sleep(max(0.0, 0.05 - (time.monotonic() - started)))


def test_a_reader_at_20_queries_a_second_sees_whole_versions_only(tmp_path):
    build(tmp_path, 1000)
    publish.publish(tmp_path, {})
    stop, answers, errors = threading.Event(), [], []
    reader = threading.Thread(target=read_for, args=(tmp_path, stop, answers, errors))
    reader.start()
    for rows in range(1001, 1011):
        build(tmp_path, rows)
        publish.publish(tmp_path, {}, keep=2)
    stop.set()
    reader.join()
    assert errors == []
    assert answers == sorted(answers)
    assert set(answers) <= set(range(1000, 1011)) and len(answers) > 10


def test_copying_over_the_file_in_place_does_break_readers(tmp_path):
    """Negative control: the naive publish that the layout avoids."""
    build(tmp_path, 200_000)
    publish.publish(tmp_path, {})
    source = (tmp_path / "current" / "cx.duckdb").read_bytes()
    target = tmp_path / "naive.duckdb"
    target.write_bytes(source)
    with target.open("r+b") as half_written:
        half_written.truncate(0)
        half_written.write(source[: len(source) // 2])
        half_written.flush()
        with pytest.raises(duckdb.Error), duckdb.connect(str(target), read_only=True) as con:
            con.execute("select sum(n) from marts.mart_numbers").fetchone()
