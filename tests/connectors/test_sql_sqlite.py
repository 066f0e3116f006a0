"""Tables of a SQLite file: changed rows, late commits, whole tables, deletions."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.core.connector import LoadError
from ingestion.pipeline import check_connection
from ingestion.settings import Settings
from tests.support.loading import connection_of, installation, landed, load

ORDERS: dict[str, Any] = {"name": "orders", "key": ["id"], "cursor": "updated_at"}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "shop.sqlite", isolation_level=None)
    connection.execute(
        "create table orders (id integer primary key, customer text, amount decimal(12, 2),"
        " is_gift boolean, updated_at timestamp)"
    )
    yield connection
    connection.close()


def shop(tmp_path: Path, *tables: dict[str, Any]) -> Settings:
    source = {"url": "sqlite:///shop.sqlite", "tables": list(tables)}
    return installation(tmp_path, {"name": "shop", "connector": "sql", "settings": source})


def put(db: sqlite3.Connection, key: int, updated_at: str | None, amount: Any = 1.5) -> None:
    db.execute("insert or replace into orders values (?, ?, ?, 0, ?)", (key, f"c{key}", amount, updated_at))


def loaded_ids(settings: Settings) -> list[str]:
    return sorted(row["id"] for row in landed(settings, "orders"))


def test_columns_come_in_the_types_of_the_database_and_ids_as_text(
    tmp_path: Path, db: sqlite3.Connection
) -> None:
    put(db, 1, "2024-07-01 12:00:00", 19.99)
    settings = shop(tmp_path, {**ORDERS, "time_zone": "Europe/Warsaw"})
    load(settings)
    (row,) = landed(settings, "orders")
    assert (row["id"], row["amount"], row["is_gift"]) == ("1", Decimal("19.99"), False)
    assert row["updated_at"] == dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC)


def test_only_new_and_changed_rows_are_loaded_again(tmp_path: Path, db: sqlite3.Connection) -> None:
    for key in range(1, 6):
        put(db, key, f"2024-01-0{key} 00:00:00")
    settings = shop(tmp_path, ORDERS)
    assert load(settings).total.loaded == 5
    assert load(settings).load_ids == []
    put(db, 2, "2024-02-01 00:00:00", 7)
    put(db, 6, "2024-02-01 00:00:01")
    assert load(settings).total.loaded == 2
    assert load(settings).load_ids == []
    assert loaded_ids(settings) == ["1", "2", "2", "3", "4", "5", "6"]


def test_a_late_commit_within_the_lag_is_found_and_without_a_lag_it_is_lost(
    tmp_path: Path, db: sqlite3.Connection
) -> None:
    put(db, 1, "2024-01-01 00:10:00")
    settings = shop(tmp_path, {**ORDERS, "lag_seconds": 600})
    load(settings)
    put(db, 2, "2024-01-01 00:00:00")
    assert load(settings).total.loaded == 1
    # negative control
    (tmp_path / "b").mkdir()
    naive = installation(
        tmp_path / "b",
        {
            "name": "shop",
            "connector": "sql",
            "settings": {"url": "sqlite:///../shop.sqlite", "tables": [{**ORDERS, "lag_seconds": 0}]},
        },
    )
    load(naive)
    put(db, 3, "2024-01-01 00:05:00")
    assert load(naive).total.loaded == 0


def test_a_row_changed_without_moving_its_cursor_is_found_within_the_lag(
    tmp_path: Path, db: sqlite3.Connection
) -> None:
    put(db, 1, "2024-01-01 00:00:00")
    settings = shop(tmp_path, ORDERS)
    load(settings)
    put(db, 1, "2024-01-01 00:00:00", 99)
    assert load(settings).total.loaded == 1


def test_rows_without_cursor_value_and_times_of_several_spellings_are_read(
    tmp_path: Path, db: sqlite3.Connection
) -> None:
    put(db, 1, None)
    put(db, 2, "2024-01-01T00:00:00")
    put(db, 3, "2024-01-02 00:00:00.250")
    settings = shop(tmp_path, ORDERS)
    assert load(settings).total.loaded == 3
    put(db, 4, "2024-01-02T00:00:01")
    put(db, 5, None)
    assert load(settings).total.loaded == 2
    assert load(settings).total.loaded == 0


def test_the_hour_that_comes_twice_loses_no_row(tmp_path: Path, db: sqlite3.Connection) -> None:
    """Local 02:10 of the second round is written after local 02:50 of the first."""
    settings = shop(tmp_path, {**ORDERS, "time_zone": "Europe/Warsaw"})
    put(db, 1, "2026-10-25 02:50:00")
    load(settings)
    put(db, 2, "2026-10-25 02:10:00")
    assert load(settings).total.loaded == 1


def test_rows_that_do_not_fit_are_set_aside(tmp_path: Path, db: sqlite3.Connection) -> None:
    put(db, 1, "2024-01-01 00:00:00", "much")
    put(db, 2, "2024-01-01 00:00:00")
    settings = shop(tmp_path, ORDERS)
    result = load(settings)
    assert (result.total.read, result.total.loaded, result.total.rejected) == (2, 1, 1)
    (rejected,) = landed(settings, "rejected_rows")
    assert (rejected["source_ref"], rejected["reason"]) == ("orders:1", "amount: not a decimal number")


def test_deleted_rows_become_tombstones_and_come_back(tmp_path: Path, db: sqlite3.Connection) -> None:
    for key in range(1, 4):
        put(db, key, "2024-01-01 00:00:00")
    settings = shop(tmp_path, {**ORDERS, "reconcile": {"every_hours": 0}})
    load(settings)
    db.execute("delete from orders where id = 2")
    load(settings)
    assert load(settings).load_ids == []
    (tombstone,) = landed(settings, "orders__deletes")
    assert (tombstone["source_id"], tombstone["method"]) == ("2", "key_reconciliation")
    put(db, 2, "2024-03-01 00:00:00")
    load(settings)
    db.execute("delete from orders where id = 2")
    load(settings)
    assert [row["source_id"] for row in landed(settings, "orders__deletes")] == ["2", "2"]


def test_when_too_many_keys_are_gone_none_is_marked(tmp_path: Path, db: sqlite3.Connection) -> None:
    for key in range(100):
        put(db, key, "2024-01-01 00:00:00")
    settings = shop(tmp_path, {**ORDERS, "reconcile": {"every_hours": 0, "max_share": 0.2}})
    load(settings)
    db.execute("delete from orders where id >= 50")
    with pytest.raises(LoadError, match="50 of 100 keys are gone at once"):
        load(settings)
    assert landed(settings, "orders__deletes") == []


def test_a_table_without_cursor_is_landed_whole_when_it_has_changed(
    tmp_path: Path, db: sqlite3.Connection
) -> None:
    for key in range(40):
        put(db, key, None)
    settings = shop(tmp_path, {"name": "orders", "key": ["id"]})
    assert connection_of(settings).tables["orders"].snapshot
    assert load(settings).total.loaded == 40
    assert load(settings).load_ids == []
    db.execute("delete from orders where id = 0")
    assert load(settings).total.loaded == 39
    db.execute("delete from orders where id > 10")
    with pytest.raises(LoadError, match="10 rows, 29 fewer than at the last load"):
        load(settings)


def test_a_table_emptied_is_a_load_of_no_rows(tmp_path: Path, db: sqlite3.Connection) -> None:
    put(db, 1, None)
    settings = shop(tmp_path, {"name": "orders", "key": ["id"]})
    load(settings)
    db.execute("delete from orders")
    assert len(load(settings).load_ids) == 1
    newest = max(landed(settings, "load_metrics"), key=lambda row: float(row["_dlt_load_id"]))
    assert (newest["source_table"], newest["rows_read"]) == ("orders", 0)


def test_a_query_with_declared_columns(tmp_path: Path, db: sqlite3.Connection) -> None:
    put(db, 1, None, 5)
    put(db, 2, None, 50)
    table = {
        "name": "big_orders",
        "query": "select id, amount * 2 as double_amount from orders where amount > 10;",
        "key": ["id"],
        "columns": [{"from": "id"}, {"from": "double_amount", "type": "decimal"}],
    }
    settings = shop(tmp_path, table)
    load(settings)
    assert [(r["id"], r["double_amount"]) for r in landed(settings, "big_orders")] == [("2", Decimal(100))]


def test_one_missing_table_fails_the_run_but_not_the_others(tmp_path: Path, db: sqlite3.Connection) -> None:
    put(db, 1, "2024-01-01 00:00:00")
    settings = shop(tmp_path, {"name": "people", "key": ["id"]}, ORDERS)
    with pytest.raises(LoadError, match=r"shop\.people: there is no table people"):
        load(settings)
    assert loaded_ids(settings) == ["1"]


def test_checking_loads_nothing_and_names_what_is_missing(tmp_path: Path, db: sqlite3.Connection) -> None:
    settings = shop(tmp_path, ORDERS)
    report = check_connection(settings, connection_of(settings))
    assert (report.ok, report.proven) == (True, ("orders: 5 columns readable",))
    assert not (settings.lake / "sql__shop").exists()
    db.close()
    (tmp_path / "shop.sqlite").unlink()
    report = check_connection(settings, connection_of(settings))
    assert not report.ok
    assert "there is no database file" in report.problem


def test_the_database_is_never_written_to(tmp_path: Path, db: sqlite3.Connection) -> None:
    settings = shop(
        tmp_path,
        {**ORDERS, "query": "delete from orders returning id", "cursor": None, "columns": [{"from": "id"}]},
    )
    put(db, 1, None)
    with pytest.raises(LoadError):
        load(settings)
    assert db.execute("select count(*) from orders").fetchone() == (1,)
