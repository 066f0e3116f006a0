"""Connecting to a database: read-only, one consistent view over all its tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import types as sql_types
from sqlalchemy.dialects.mysql import TINYINT

from ingestion.core.arrow import TextFormat
from ingestion.core.columns import column_name
from ingestion.core.connector import ColumnType, RunContext
from ingestion.core.errors import SourceError
from ingestion.core.paths import expand
from ingestion.generic.sql.config import SqlTable


class Field(NamedTuple):
    """A column to read: its name and type in the lake, and the notation of its values."""

    to: str
    kind: ColumnType
    how: TextFormat


Names = dict[str, Field]
"""column of the database -> field of the lake"""

_ZERO_DATE = re.compile(r"^0000-00-00")


def engine(ctx: RunContext) -> sa.Engine:
    """Engine of a connection. Raises SourceError when the driver or the URL is wrong."""
    url = _url(ctx)
    timeout = ctx.config.statement_timeout_seconds
    arguments: dict[str, Any] = {}
    if url.get_backend_name() == "postgresql":
        arguments = {
            "application_name": "cx_ingest",
            "connect_timeout": 10,
            "options": f"-c statement_timeout={timeout * 1000} -c timezone=UTC",
        }
    elif url.get_backend_name() == "mysql":
        arguments = {"connect_timeout": 10, "read_timeout": timeout, "program_name": "cx_ingest"}
    else:
        arguments = {"uri": True, "timeout": 30}
    try:
        return sa.create_engine(url, connect_args=arguments, poolclass=sa.NullPool)
    except (sa.exc.ArgumentError, ImportError) as error:
        raise SourceError(
            f"the database URL cannot be used: {type(error).__name__}.",
            "Correct `url`, or install its driver.",
        ) from error


def _url(ctx: RunContext) -> sa.URL:
    text = ctx.optional_secret("url") or expand(ctx.config.url, {"CX_HOME": str(ctx.settings.home)})
    if not text:
        raise SourceError("there is no database URL.", "Set `url`, or name the secret `url`.")
    try:
        url = sa.make_url(text)
    except sa.exc.ArgumentError:
        raise SourceError("the database URL cannot be read.", "Correct `url`.") from None
    if password := ctx.optional_secret("password"):
        url = url.set(password=password)
    backend = url.get_backend_name()
    if backend == "sqlite":
        path = (ctx.settings.connections_file.parent / Path(url.database or "")).resolve()
        if not path.is_file():
            raise SourceError(f"there is no database file {path}.", "Correct the path in `url`.")
        return url.set(database=f"file:{path}", query={"mode": "ro", "uri": "true"})
    drivers = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}
    if backend not in drivers:
        raise SourceError(f"{backend} is not supported.", "Use PostgreSQL, MySQL or SQLite.")
    return url if "+" in url.drivername else url.set(drivername=drivers[backend])


@contextmanager
def snapshot(database: sa.Engine) -> Iterator[sa.Connection]:
    """A connection inside one read-only transaction that sees a single state of the database."""
    try:
        with database.connect() as connection:
            if database.dialect.name == "postgresql":
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            elif database.dialect.name == "mysql":
                connection = connection.execution_options(isolation_level="AUTOCOMMIT")
                connection.exec_driver_sql("SET SESSION time_zone = '+00:00'")
                connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            else:
                connection.exec_driver_sql("BEGIN")
            yield connection
    except sa.exc.SQLAlchemyError as error:
        raise SourceError(_words(error), "Check host, user, password, table names and rights.") from error


def _words(error: sa.exc.SQLAlchemyError) -> str:
    """First line of the driver's message, without the statement and its parameters."""
    original = getattr(error, "orig", None) or error
    # PyMySQL's errors are a number and a text
    message = original.args[1] if len(original.args) == 2 else original
    text = str(message).strip().splitlines()
    words = text[0].rstrip(".") if text else type(error).__name__
    return f"the database says: {words}."


def names_of(connection: sa.Connection, table: SqlTable) -> Names:
    """Columns to read and their names and types in the lake. Raises SourceError."""
    if table.columns:
        return {
            column.source: Field(column.to, column.type, TextFormat(column.format, table.time_zone))
            for column in table.columns
        }
    schema, name = _split(table.table or table.name)
    try:
        reflected = sa.inspect(connection).get_columns(name, schema=schema)
    except sa.exc.NoSuchTableError:
        raise SourceError(
            f"there is no table {table.table or table.name}.", "Correct `table`.", table=table.name
        ) from None
    names: Names = {}
    for column in reflected:
        if isinstance(column["type"], sql_types.LargeBinary):
            continue
        to = column_name(column["name"])
        kind = "text" if to in table.key else lake_type(column["type"])
        if to in {field.to for field in names.values()}:
            raise SourceError(
                f"two columns become {to!r}.", "Declare `columns` and rename one.", table=table.name
            )
        # MySQL hands out TIMESTAMP in the zone of the session, which is UTC; DATETIME is as it was written
        instant = connection.dialect.name == "mysql" and isinstance(column["type"], sql_types.TIMESTAMP)
        zone = "UTC" if instant else table.time_zone
        names[column["name"]] = Field(to, kind, TextFormat(time_zone=zone))
    wanted = {*table.key, *([table.cursor] if table.cursor else [])}
    if lacking := sorted(wanted - {field.to for field in names.values()}):
        raise SourceError(
            f"there is no column {', '.join(lacking)}.", "Correct `key` and `cursor`.", table=table.name
        )
    return names


def lake_type(kind: Any) -> ColumnType:
    """Type in the lake of a column of the database."""
    if isinstance(kind, TINYINT) and kind.display_width == 1:
        return "boolean"
    for parents, lake in _TYPES:
        if isinstance(kind, parents):
            return lake
    return "text"


_TYPES: tuple[tuple[tuple[type, ...], ColumnType], ...] = (
    ((sql_types.Boolean,), "boolean"),
    ((sql_types.Integer,), "bigint"),
    ((sql_types.Float,), "double"),
    ((sql_types.Numeric,), "decimal"),
    ((sql_types.DateTime,), "timestamp"),
    ((sql_types.Date,), "date"),
    ((sql_types.JSON, sql_types.ARRAY), "json"),
)


def select(table: SqlTable, names: Names, only: tuple[str, ...] = ()) -> sa.Select[Any]:
    """SELECT of a table or query; `only` limits it to some columns of the lake."""
    if table.query:
        base: Any = sa.text(table.query.strip().rstrip(";")).columns(*map(sa.column, names)).subquery("q")
        columns = [base.c[source] for source, field in names.items() if not only or field.to in only]
        return sa.select(*columns)
    schema, name = _split(table.table or table.name)
    base = sa.table(name, *map(sa.column, names), schema=schema)
    return sa.select(*[base.c[source] for source, field in names.items() if not only or field.to in only])


def _split(text: str) -> tuple[str | None, str]:
    schema, _, name = text.rpartition(".")
    return schema or None, name


def stream(
    connection: sa.Connection, statement: sa.Select[Any], rows: int
) -> Iterator[Sequence[sa.Row[Any]]]:
    """Rows of a statement, `rows` at a time; the result is never held as a whole."""
    options = {"stream_results": True, "max_row_buffer": rows}
    with connection.execution_options(**options).execute(statement) as result:
        yield from result.partitions(rows)


def without_zero_dates(values: list[Any]) -> list[Any]:
    """MySQL's 0000-00-00 as null: it stands for no date."""
    return [None if isinstance(v, str) and _ZERO_DATE.match(v) else v for v in values]
