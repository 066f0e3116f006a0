"""SQLAlchemy dialect `duckdb+cx` through which Great Expectations reads DuckDB.

Great Expectations has no DuckDB support. Two things keep the stock `duckdb-engine` dialect from serving it:

* Great Expectations fetches rows after it has given the connection back, when the DuckDB cursor is already
  empty. The cursor here takes every row into Python at execution, which is cheap because the checks ask for
  aggregates and a few sample rows only.
* The stock reflection goes through an emulated `pg_catalog` that breaks with each SQLAlchemy release. The
  reflection here reads `duckdb_columns()` and `duckdb_constraints()`.

A URL names either a file (`duckdb+cx:////data/cx.duckdb?access_mode=READ_ONLY`) or, through `shared_url`, a
connection that is already open, so that the views and attached files of the caller are visible to the checks.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import duckdb_engine
import sqlalchemy as sa
from sqlalchemy import types as satypes
from sqlalchemy.dialects import registry
from sqlalchemy.engine.url import URL

SHARED_KEY = "cx_shared"

_shared: dict[str, duckdb.DuckDBPyConnection] = {}

_TYPES: dict[str, type[satypes.TypeEngine[Any]]] = {
    "TINYINT": satypes.SmallInteger,
    "SMALLINT": satypes.SmallInteger,
    "INTEGER": satypes.Integer,
    "BIGINT": satypes.BigInteger,
    "HUGEINT": satypes.Numeric,
    "UTINYINT": satypes.SmallInteger,
    "USMALLINT": satypes.Integer,
    "UINTEGER": satypes.BigInteger,
    "UBIGINT": satypes.Numeric,
    "FLOAT": satypes.Float,
    "DOUBLE": satypes.Double,
    "VARCHAR": satypes.String,
    "BOOLEAN": satypes.Boolean,
    "DATE": satypes.Date,
    "TIME": satypes.Time,
    "BLOB": satypes.LargeBinary,
    "UUID": satypes.Uuid,
    "JSON": satypes.JSON,
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


def sqlalchemy_type(name: str) -> satypes.TypeEngine[Any]:
    """Returns the SQLAlchemy type of a DuckDB type name; nested types become text."""
    decimal = _DECIMAL.fullmatch(name)
    if decimal:
        return satypes.Numeric(int(decimal[1]), int(decimal[2]))
    if name.startswith("TIMESTAMP"):
        return satypes.TIMESTAMP(timezone=name.endswith("TIME ZONE"))
    return _TYPES.get(name, satypes.String)()


@contextmanager
def shared_url(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Lends an open DuckDB connection to SQLAlchemy engines made inside the block.

    Yields:
        A URL. Each connection of an engine on it is a cursor of `connection`: it sees the same tables, views
        and attached files, and closing it leaves `connection` open.
    """
    token = secrets.token_hex(8)
    _shared[token] = connection
    try:
        yield f"duckdb+cx:///:memory:?{SHARED_KEY}={token}"
    finally:
        del _shared[token]


class Cursor:
    """DB-API cursor that holds its whole result in Python."""

    def __init__(self, raw: duckdb.DuckDBPyConnection, connection: Connection) -> None:
        self._raw = raw
        self.connection = connection
        self.description: Sequence[Any] | None = None
        self.rowcount = -1
        self.arraysize = 1
        self._rows: list[tuple[Any, ...]] = []
        self._next = 0

    def execute(self, statement: str, parameters: Any = None, context: Any = None) -> None:
        """Runs a statement and fetches its result."""
        result = self._raw.execute(statement, parameters) if parameters else self._raw.execute(statement)
        self.description = result.description
        self._rows = result.fetchall() if self.description else []
        self._next = 0

    def executemany(self, statement: str, parameters: Any = None, context: Any = None) -> None:
        """Runs a statement once per parameter set."""
        self._raw.executemany(statement, list(parameters or []))
        self.description, self._rows, self._next = None, [], 0

    def fetchone(self) -> tuple[Any, ...] | None:
        """Returns the next row, or None after the last."""
        rows = self.fetchmany(1)
        return rows[0] if rows else None

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """Returns up to `size` further rows."""
        end = self._next + (size or self.arraysize)
        rows = self._rows[self._next : end]
        self._next += len(rows)
        return rows

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Returns the rows not fetched yet."""
        rows = self._rows[self._next :]
        self._next = len(self._rows)
        return rows

    def close(self) -> None:
        """Lets the rows go; the DuckDB connection stays open."""
        self._rows, self._next = [], 0


class Connection(duckdb_engine.ConnectionWrapper):
    """DB-API connection whose cursors hold their results."""

    def __init__(self, raw: duckdb.DuckDBPyConnection) -> None:
        super().__init__(raw)
        self._raw = raw

    def cursor(self) -> Cursor:  # type: ignore[override]
        """Returns a new cursor on the same DuckDB connection."""
        return Cursor(self._raw, self)


class CxDuckDBDialect(duckdb_engine.Dialect):
    """The `duckdb+cx` dialect: results held on execution, reflection from DuckDB's own catalogue."""

    driver = "cx"
    supports_statement_cache = False

    def create_connect_args(self, url: URL) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Splits a URL into arguments of `connect`, keeping the token of a shared connection apart."""
        token = url.query.get(SHARED_KEY)
        if token is not None:
            return (), {SHARED_KEY: token}
        return super().create_connect_args(url)

    def connect(self, *args: Any, **kwargs: Any) -> Connection:  # type: ignore[override]
        """Opens a file, or takes a cursor of a shared connection.

        Raises:
            duckdb.ConnectionException: the shared connection is no longer lent.
        """
        token = kwargs.pop(SHARED_KEY, None)
        if token is None:
            wrapper = super().connect(*args, **kwargs)
            return Connection(wrapper._ConnectionWrapper__c)
        if token not in _shared:
            raise duckdb.ConnectionException("The shared DuckDB connection of this URL has been taken back.")
        return Connection(_shared[token].cursor())

    def _located(self, schema: str | None) -> tuple[str | None, str]:
        database, name = self.identifier_preparer._separate(schema)
        return database, name or "main"

    def _names(
        self, connection: Any, schema: str | None, filter_names: Collection[str] | None
    ) -> Collection[str]:
        if filter_names is not None:
            return filter_names
        return [*self.get_table_names(connection, schema), *self.get_view_names(connection, schema)]

    def has_table(self, connection: Any, table_name: str, schema: str | None = None, **kw: Any) -> bool:
        """Tells whether a table or view of that name exists."""
        database, name = self._located(schema)
        found = connection.exec_driver_sql(
            "select 1 from duckdb_columns() where table_name = $1 and schema_name = $2"
            " and database_name = coalesce($3, current_database()) limit 1",
            (table_name, name, database),
        )
        return found.fetchone() is not None

    def get_columns(  # type: ignore[override]
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[dict[str, Any]]:
        """Returns name, type, nullability, default and comment of each column, in order.

        Raises:
            sqlalchemy.exc.NoSuchTableError: no such table or view.
        """
        database, name = self._located(schema)
        rows = connection.exec_driver_sql(
            "select column_name, data_type, is_nullable, column_default, comment from duckdb_columns()"
            " where table_name = $1 and schema_name = $2"
            " and database_name = coalesce($3, current_database()) order by column_index",
            (table_name, name, database),
        ).fetchall()
        if not rows:
            raise sa.exc.NoSuchTableError(table_name)
        return [
            {
                "name": column,
                "type": sqlalchemy_type(data_type),
                "nullable": bool(nullable),
                "default": default,
                "autoincrement": False,
                "comment": comment,
            }
            for column, data_type, nullable, default, comment in rows
        ]

    def get_multi_columns(  # type: ignore[override]
        self, connection: Any, schema: str | None = None, filter_names: Any = None, **kw: Any
    ) -> list[tuple[tuple[str | None, str], list[dict[str, Any]]]]:
        """Returns the columns of several tables, as SQLAlchemy 2 asks for them."""
        names = self._names(connection, schema, filter_names)
        return [((schema, name), self.get_columns(connection, name, schema)) for name in names]

    def get_pk_constraint(  # type: ignore[override]
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> dict[str, Any]:
        """Returns the columns of the primary key, empty where there is none."""
        database, name = self._located(schema)
        row = connection.exec_driver_sql(
            "select constraint_column_names from duckdb_constraints() where constraint_type = 'PRIMARY KEY'"
            " and table_name = $1 and schema_name = $2"
            " and database_name = coalesce($3, current_database())",
            (table_name, name, database),
        ).fetchone()
        return {"constrained_columns": list(row[0]) if row else [], "name": None}

    def get_multi_pk_constraint(  # type: ignore[override]
        self, connection: Any, schema: str | None = None, filter_names: Any = None, **kw: Any
    ) -> list[tuple[tuple[str | None, str], dict[str, Any]]]:
        """Returns the primary keys of several tables."""
        names = self._names(connection, schema, filter_names)
        return [((schema, name), self.get_pk_constraint(connection, name, schema)) for name in names]

    # The checks never use what follows, but a full reflection asks for it, and the inherited answers query
    # parts of pg_catalog that DuckDB does not have.

    def get_foreign_keys(self, *args: Any, **kw: Any) -> list[Any]:
        """Returns no foreign keys."""
        return []

    def get_indexes(self, *args: Any, **kw: Any) -> list[Any]:
        """Returns no indexes."""
        return []

    def get_unique_constraints(self, *args: Any, **kw: Any) -> list[Any]:
        """Returns no unique constraints."""
        return []

    def get_check_constraints(self, *args: Any, **kw: Any) -> list[Any]:
        """Returns no check constraints."""
        return []

    def get_table_comment(self, *args: Any, **kw: Any) -> dict[str, Any]:  # type: ignore[override]
        """Returns no comment."""
        return {"text": None}

    def _multi_empty(
        self, connection: Any, schema: str | None = None, filter_names: Any = None, **kw: Any
    ) -> list[tuple[tuple[str | None, str], list[Any]]]:
        return [((schema, name), []) for name in self._names(connection, schema, filter_names)]

    get_multi_foreign_keys = _multi_empty  # type: ignore[assignment]
    get_multi_indexes = _multi_empty
    get_multi_unique_constraints = _multi_empty  # type: ignore[assignment]
    get_multi_check_constraints = _multi_empty  # type: ignore[assignment]

    def get_multi_table_comment(  # type: ignore[override]
        self, connection: Any, schema: str | None = None, filter_names: Any = None, **kw: Any
    ) -> list[tuple[tuple[str | None, str], dict[str, Any]]]:
        """Returns an empty comment for each table."""
        return [((schema, name), {"text": None}) for name in self._names(connection, schema, filter_names)]


def register() -> None:
    """Makes `duckdb+cx` known to SQLAlchemy; calling it again changes nothing."""
    registry.register("duckdb.cx", __name__, CxDuckDBDialect.__name__)
