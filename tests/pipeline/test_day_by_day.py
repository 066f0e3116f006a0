"""The UK shop's 305 daily files, loaded one a day, against the same files loaded at once.

On the way one file comes three months late, one is first written short and with wrong lines and set right
later, and one is first written with lines too many.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from ingestion.connections import Connections, load_connections
from ingestion.core.connector import LoadResult
from ingestion.pipeline import run_connection
from ingestion.settings import Settings
from tests.support.comparison import LOAD_COLUMNS, differences
from tests.support.reference_data import require_reference_data
from tests.support.warehouse import Warehouse, build_and_publish, example_settings

# 305 loads of 0.18 CPU seconds, and a build: 130 s, and 413 s beside two other workers on a slow machine.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

DATASET = "files__uci"
LATE, SHORT, LONG = "2011-03-07.csv.gz", "2011-01-20.csv.gz", "2011-02-14.csv.gz"
ARRIVALS = {LATE: "2011-06-08.csv.gz", SHORT: "2011-01-24.csv.gz", LONG: "2011-11-02.csv.gz"}
"""File -> file with which it arrives, or arrives again as it should have been."""

DayByDay = tuple[Warehouse, list[tuple[Path, LoadResult]]]
"""The built warehouse, and what the load of each day's file did."""


def _wrong_version(name: str, content: bytes) -> bytes:
    header, *lines = content.decode().splitlines(keepends=True)
    if name == SHORT:
        kept = lines[::3]
        kept[0] = kept[0].replace(",2011-01-20 ", ",2011-01-19 ")
        return "".join([header, *kept]).encode()
    return "".join(
        [header, *lines, *lines[:7], lines[-1].replace(lines[-1].split(",")[0], "999999", 1)]
    ).encode()


@pytest.fixture(scope="module")
def day_by_day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DayByDay]:
    source = require_reference_data("real", "uci_online_retail", "by-day")
    root = tmp_path_factory.mktemp("day_by_day")
    inbox = root / "data" / "real" / "uci_online_retail" / "by-day"
    inbox.mkdir(parents=True)
    settings = example_settings("uci_online_retail", root / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CX_REFERENCE_DATA", str(root / "data"))
        connections = load_connections(settings)
        loads = [(path, _load_day(path, inbox, settings, connections)) for path in sorted(source.iterdir())]
        # It is compared with one full load, which is tested.
        build_and_publish(settings, connections, tests=False)
        yield Warehouse(settings, connections), loads
        shutil.rmtree(root)


def _load_day(path: Path, inbox: Path, settings: Settings, connections: Connections) -> LoadResult:
    if path.name in (SHORT, LONG):
        wrong = _wrong_version(path.name, gzip.decompress(path.read_bytes()))
        (inbox / path.name).write_bytes(gzip.compress(wrong))
    elif path.name != LATE:
        shutil.copyfile(path, inbox / path.name)
    for name, with_name in ARRIVALS.items():
        if path.name == with_name:
            shutil.copyfile(path.with_name(name), inbox / name)
    return run_connection(settings, connections["uci"])


def test_each_day_loads_only_what_is_new(day_by_day: DayByDay) -> None:
    warehouse, loads = day_by_day
    assert len(loads) == 305
    # One day brings nothing, as its file is late; two files come twice.
    assert [path.name for path, load in loads if not load.load_ids] == [LATE]
    files_seen = duckdb.read_parquet(f"{warehouse.settings.lake / DATASET}/files_seen/*.parquet")
    assert len(files_seen) == 305 + 2
    assert all(load.total.rejected == 0 for _, load in loads)


def test_a_run_without_new_files_writes_nothing(
    day_by_day: DayByDay,
) -> None:
    warehouse, _ = day_by_day
    before = sorted(path.name for path in (warehouse.settings.lake / DATASET).rglob("*"))
    again = run_connection(warehouse.settings, warehouse.connections["uci"])
    assert again.load_ids == []
    assert sorted(path.name for path in (warehouse.settings.lake / DATASET).rglob("*")) == before


def test_the_lakes_current_rows_are_those_of_one_full_load(
    day_by_day: DayByDay, warehouse: Callable[[str], Warehouse]
) -> None:
    by_day, full = (
        day_by_day[0].settings.lake / DATASET,
        warehouse("uci_online_retail").settings.lake / DATASET,
    )
    with duckdb.connect() as con:
        for name, dataset in (("by_day", by_day), ("full_load", full)):
            con.execute(
                f"""
                create table {name} as
                select lines.* exclude ({", ".join(sorted(LOAD_COLUMNS & {"_dlt_load_id", "_cx_row"}))})
                from read_parquet('{dataset}/invoice_lines/*.parquet', union_by_name = true) as lines
                join (
                    select file, max_by(_dlt_load_id, cast(_dlt_load_id as double)) as _dlt_load_id
                    from read_parquet('{dataset}/files_seen/*.parquet') group by file
                ) as newest on lines._cx_file = newest.file and lines._dlt_load_id = newest._dlt_load_id
                """
            )
        columns = ", ".join(name for (name, *_) in con.execute("describe full_load").fetchall())
        for left, right in (("by_day", "full_load"), ("full_load", "by_day")):
            other = con.execute(
                f"select count(*) from (select {columns} from {left} except all select {columns} from {right})"
            ).fetchone()
            assert other == (0,), f"rows of {left} that {right} has not: {other}"
        assert con.execute("select count(*) from by_day").fetchone() == (541_909,)


def test_the_conformed_tables_are_those_of_one_full_load(
    day_by_day: DayByDay, warehouse: Callable[[str], Warehouse]
) -> None:
    full = warehouse("uci_online_retail").settings.warehouse
    schemas = ("conformed", "intermediate")
    assert differences(day_by_day[0].settings.warehouse, full, schemas) == {}


def test_the_published_tables_are_those_of_one_full_load(
    day_by_day: DayByDay, warehouse: Callable[[str], Warehouse]
) -> None:
    assert differences(day_by_day[0].database, warehouse("uci_online_retail").database, ("marts",)) == {}
