"""Dagster's event log on SQLite, with connections that stay open."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as db
from dagster import StringSource
from dagster._core.event_api import EventHandlerFn
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorageWatchdog
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from watchdog.events import FileSystemEvent
from watchdog.observers import Observer

# A run writes two files, its own and the index; a web server reads those of the runs that somebody looks at. Each
# open one holds three descriptors (database, log, shared memory) of the usual 1,024.
OPEN_FILES = 8


class PooledEventLog(SqliteEventLogStorage):
    """The same tables in the same files as `SqliteEventLogStorage`; only connections live longer.

    The parent makes an engine and a connection for each of the thousands of events and queries of a run: SQLAlchemy
    compiles each statement anew, each commit waits for the disk, and closing the last connection copies the
    write-ahead log into the database. That was 45 of the 90 seconds that `cx run` on 200 customers spends outside
    dbt, 15 of them before the first step; here it is 13 and 3.6 (docs/decisions/event-log.md).

    One engine per file is kept, at most `OPEN_FILES`, each with one connection, used under the lock of the parent.
    A commit is in the write-ahead log before the next event is made, so a killed process loses nothing; a machine
    that loses power may lose the last events of its run history, never the consistency of the file
    (`synchronous = normal`, https://sqlite.org/pragma.html#pragma_synchronous).
    """

    _obs: Any

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Open the log.

        Args:
            base_dir: folder of the database files.
            inst_data: what Dagster's settings say of this class.
        """
        self._engines: OrderedDict[str, db.Engine] = OrderedDict()
        self._owner = os.getpid()
        self._present: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """The instance folder; the files lie in it where the parent keeps them by default."""
        return {"dagster_home": StringSource}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> PooledEventLog:
        """The log of an instance folder."""
        return cls(str(Path(config_value["dagster_home"]) / "history" / "runs"), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[db.Connection]:
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> db.Engine:
        if (
            self._owner != os.getpid()
        ):  # SQLite's connections must not be carried over a fork, not even to be closed
            for engine in self._engines.values():
                engine.dispose(close=False)
            self._engines.clear()
            self._owner = os.getpid()
        if shard not in self._engines:
            engine = self._new_engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            self._engines[shard] = engine
            while len(self._engines) > OPEN_FILES:
                self._engines.popitem(last=False)[1].dispose()
        self._engines.move_to_end(shard)
        return self._engines[shard]

    def _new_engine(self, shard: str) -> db.Engine:
        engine = create_engine(
            self.conn_string_for_shard(shard),
            poolclass=db.pool.QueuePool,
            pool_size=1,  # the parent takes two while it creates the tables
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        db.event.listen(engine, "connect", lambda raw, _: raw.execute("pragma synchronous = normal"))
        return engine

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table; asked for each event of an asset, and a table stays once it is there."""
        if table_name not in self._present and super().has_table(table_name):
            self._present.add(table_name)
        return table_name in self._present

    def _has_asset_key_col_on_connection(self, conn: db.Connection, column_name: str) -> bool:
        if column_name not in self._present and super()._has_asset_key_col_on_connection(conn, column_name):
            self._present.add(column_name)
        return column_name in self._present

    def _close(self) -> None:
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose(close=self._owner == os.getpid())

    def wipe(self) -> None:
        """Delete every event; files that are deleted are closed first."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """Close the files."""
        super().dispose()
        self._close()

    def watch(self, run_id: str, cursor: str | None, callback: EventHandlerFn) -> None:
        """Call back for each new event of a run, until `end_watch`."""
        if not self._obs:
            self._obs = Observer()
            self._obs.start()
        watchdog = _Watchdog(self, run_id, callback, cursor)
        self._watchers[run_id][callback] = (
            watchdog,
            self._obs.schedule(watchdog, self._base_dir, recursive=True),
        )


class _Watchdog(SqliteEventLogStorageWatchdog):
    """Looks at the write-ahead log too: the database itself changes only once in a thousand pages."""

    def __init__(
        self, log: PooledEventLog, run_id: str, callback: EventHandlerFn, cursor: str | None
    ) -> None:
        super().__init__(log, run_id, callback, cursor)
        self._patterns = [self._log_path, f"{self._log_path}-wal"]

    def on_modified(self, event: FileSystemEvent) -> None:
        self._process_log()
