"""The same connector against a real PostgreSQL server, started for the test where one is installed."""

from __future__ import annotations

import datetime as dt
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.pipeline import check_connection
from tests.support.loading import connection_of, installation, landed, load

PASSWORD = "canary-pg-pa55"


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    return Path(path).resolve().parent if path else None


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """Port of a PostgreSQL server that asks for a password; skips where no server is installed."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server here (initdb not found); apt-get install postgresql brings one")
    user = "postgres" if os.geteuid() == 0 else None
    if user and user not in {entry.pw_name for entry in pwd.getpwall()}:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="cx-pg-"))
    (folder / "password").write_text(PASSWORD)
    if user:
        for path in (folder, folder / "password"):
            shutil.chown(path, user)

    def run(*arguments: str) -> None:
        subprocess.run(arguments, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL, timeout=120)

    data = str(folder / "data")
    run(
        str(binaries / "initdb"),
        "-D",
        data,
        "-A",
        "scram-sha-256",
        "-U",
        "reader",
        f"--pwfile={folder / 'password'}",
    )
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c timezone=America/Lima"
    run(str(binaries / "pg_ctl"), "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield port
    finally:
        run(str(binaries / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def shop(server: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any]]:
    """(settings, connection to the database) of a shop with one table."""
    import psycopg

    monkeypatch.setenv("SHOP_PASSWORD", PASSWORD)
    source = {
        "url": f"postgresql://reader@127.0.0.1:{server}/postgres",
        "batch_rows": 100,
        "tables": [
            {
                "name": "orders",
                "table": "public.orders",
                "key": ["id"],
                "cursor": "updated_at",
                "time_zone": "Europe/Warsaw",
                "reconcile": {"every_hours": 0},
            }
        ],
    }
    settings = installation(
        tmp_path,
        {"name": "shop", "connector": "sql", "secrets": {"password": "SHOP_PASSWORD"}, "settings": source},
    )
    with psycopg.connect(
        f"host=127.0.0.1 port={server} user=reader password={PASSWORD} dbname=postgres", autocommit=True
    ) as db:
        db.execute("drop table if exists orders")
        db.execute(
            "create table orders (id bigint primary key, amount numeric(12, 2), tags text[], doc jsonb,"
            " is_gift boolean, ordered_on date, local_at timestamp, updated_at timestamptz, photo bytea)"
        )
        db.execute(
            "insert into orders select i, i / 4.0, array['a', 'b'], '{\"k\": 1}', i % 2 = 0, '2024-01-01',"
            " '2024-07-01 12:00', timestamptz '2024-01-01 10:00Z' + i * interval '1 minute', 'x'"
            " from generate_series(1, 1000) i"
        )
        yield settings, db


def test_rows_changes_and_deletions_of_a_postgres_table(shop: tuple[Any, Any]) -> None:
    settings, db = shop
    assert load(settings).total.loaded == 1_000
    assert load(settings).load_ids == []
    db.execute("update orders set amount = 99 where id = 1000")
    db.execute("update orders set amount = 98, updated_at = '2024-05-01T00:00:00Z' where id = 7")
    db.execute("delete from orders where id = 5")
    result = load(settings)
    assert {name: count.loaded for name, count in result.tables.items()} == {
        "orders": 2,
        "orders__deletes": 1,
    }
    rows = {row["id"]: row for row in landed(settings, "orders")[:1_000]}
    assert rows["1000"] == {
        **rows["1000"],
        "amount": Decimal(250),
        "tags": '["a","b"]',
        "doc": '{"k":1}',
        "is_gift": True,
        "ordered_on": dt.date(2024, 1, 1),
        "local_at": dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC),
        "updated_at": dt.datetime(2024, 1, 2, 2, 40, tzinfo=dt.UTC),
    }
    assert "photo" not in rows["1000"]


def test_a_transaction_that_commits_late_is_found(shop: tuple[Any, Any], server: int) -> None:
    import psycopg

    settings, db = shop
    load(settings)
    slow = psycopg.connect(f"host=127.0.0.1 port={server} user=reader password={PASSWORD} dbname=postgres")
    slow.execute("insert into orders (id, updated_at) values (2000, '2024-06-01T00:00:00Z')")
    db.execute("insert into orders (id, updated_at) values (2001, '2024-06-01T00:05:00Z')")
    assert load(settings).total.loaded == 1
    slow.commit()
    slow.close()
    assert load(settings).total.loaded == 1
    assert load(settings).load_ids == []


def test_a_wrong_password_says_what_to_do_and_not_what_it_was(
    shop: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, _ = shop
    monkeypatch.setenv("SHOP_PASSWORD", "canary-wr0ng")
    report = check_connection(settings, connection_of(settings))
    assert not report.ok
    assert "password authentication failed" in report.problem
    assert "canary-wr0ng" not in report.problem + report.next_step
    assert "Check host, user, password" in report.next_step
