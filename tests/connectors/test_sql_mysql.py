"""The same connector against a real MariaDB server, started for the test where one is installed."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.pipeline import check_connection
from tests.support.loading import connection_of, installation, landed, load

PASSWORD = "canary-my-pa55"


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """Port of a MariaDB server with a user `reader`; skips where no server is installed."""
    install, daemon = (
        shutil.which("mariadb-install-db"),
        shutil.which("mariadbd", path=f"{os.defpath}:/usr/sbin"),
    )
    if not install or not daemon:
        pytest.skip("no MariaDB server here (mariadbd not found); apt-get install mariadb-server brings one")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="cx-my-"))
    user = [f"--user={os.environ.get('USER', 'root')}"]
    where = [f"--datadir={folder / 'data'}", *user]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(
        [install, *where, "--auth-root-authentication-method=normal"], check=True, timeout=120, **quiet
    )
    init = folder / "init.sql"
    # the server takes one statement a line
    init.write_text(
        f"create user reader@'127.0.0.1' identified by '{PASSWORD}';\n"
        "create database shop;\n"
        "grant all on shop.* to reader@'127.0.0.1';\n"
    )
    options = [
        f"--port={port}",
        f"--socket={folder / 's'}",
        "--bind-address=127.0.0.1",
        f"--init-file={init}",
    ]
    options += ["--skip-networking=0", "--skip-name-resolve", "--default-time-zone=-05:00", "--sql-mode="]
    process = subprocess.Popen([daemon, "--no-defaults", *where, *options], **quiet)
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def test_rows_changes_and_deletions_of_a_mysql_table(
    server: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pymysql

    monkeypatch.setenv("SHOP_PASSWORD", PASSWORD)
    table = {"name": "orders", "key": ["id"], "cursor": "updated_at", "time_zone": "Europe/Warsaw"}
    source = {
        "url": f"mysql://reader@127.0.0.1:{server}/shop",
        "batch_rows": 100,
        "tables": [{**table, "reconcile": {"every_hours": 0}}],
    }
    settings = installation(
        tmp_path,
        {"name": "shop", "connector": "sql", "secrets": {"password": "SHOP_PASSWORD"}, "settings": source},
    )
    db = pymysql.connect(
        host="127.0.0.1", port=server, user="reader", password=PASSWORD, database="shop", autocommit=True
    )
    with db, db.cursor() as cursor:
        cursor.execute("set time_zone = '+00:00'")
        cursor.execute(
            "create table orders (id bigint unsigned primary key, is_gift tinyint(1), amount decimal(12, 2), doc json,"
            " local_at datetime, shipped_at datetime, updated_at timestamp)"
        )
        cursor.execute(
            "insert into orders select seq, 1, seq / 4, '{\"k\":1}', '2024-07-01 12:00:00', '0000-00-00 00:00:00',"
            " timestampadd(minute, seq, '2024-01-01 10:00:00') from seq_1_to_500"
        )
        assert load(settings).total.loaded == 500
        assert load(settings).load_ids == []
        cursor.execute("update orders set amount = 99, updated_at = '2024-05-01 00:00:00' where id = 3")
        cursor.execute("delete from orders where id = 4")
        result = load(settings)
    assert {name: count.loaded for name, count in result.tables.items()} == {
        "orders": 1,
        "orders__deletes": 1,
    }
    row = landed(settings, "orders")[-1]
    assert (row["id"], row["is_gift"], row["amount"], row["doc"]) == ("3", True, Decimal(99), '{"k":1}')
    # DATETIME is local, TIMESTAMP an instant; year 0 is no date
    assert row["local_at"] == dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC)
    assert row["updated_at"] == dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
    assert row["shipped_at"] is None
    monkeypatch.setenv("SHOP_PASSWORD", "canary-wr0ng")
    report = check_connection(settings, connection_of(settings))
    assert report.problem.startswith("the database says: Access denied for user 'reader'")
