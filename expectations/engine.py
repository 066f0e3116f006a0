"""Evaluates suites with Great Expectations over one open DuckDB connection.

Great Expectations takes seconds to import, so it is imported inside `evaluate` and nowhere else.
"""

from __future__ import annotations

import logging
import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

from expectations.privacy import masked, sample_of, shown_columns
from expectations.results import CheckResult, plain
from expectations.suites import Check, Suite

_SAMPLE = 5
_RESULT_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": 20}
# Hold for a table without rows; answering them here saves Great Expectations a dozen queries a table.
_ABOUT_ROWS = frozenset(
    {
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_be_null",
        "expect_column_values_to_be_unique",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_not_be_in_set",
        "expect_column_values_to_be_between",
        "expect_column_pair_values_a_to_be_greater_than_b",
        "expect_compound_columns_to_be_unique",
    }
)
_DEFAULT_MIN_LOADS = 3
_DEFAULT_MIN_WINDOW_HOURS = 12

# One row when the newest load of the table is thin against the median of the loads before it. The first load
# is a backfill of all history and says nothing about a usual day. Loads are compared by rows per hour of
# their window, because windows differ in length.
_LOAD_COLLAPSED = """
with loads as (
  select cast(_dlt_load_id as decimal(28, 9)) as load_id,
         rows_read / (date_diff('second', window_start, window_end) / 3600.0) as rows_per_hour
  from {dataset}.load_metrics
  where source_table = '{table}' and date_diff('second', window_start, window_end) >= {min_seconds}
), numbered as (
  select *, row_number() over (order by load_id) as position, count(*) over () as load_count from loads
), usual as (
  select median(rows_per_hour) as rows_per_hour, count(*) as load_count
  from numbered where position > 1 and position < load_count
)
select round(n.rows_per_hour, 2) as rows_per_hour, round(u.rows_per_hour, 2) as usual_rows_per_hour
from numbered as n cross join usual as u
where n.position = n.load_count and u.load_count >= {min_loads}
  and n.rows_per_hour < {min_share} * u.rows_per_hour
  and (select count(*) from {batch}) >= 0
"""
# One row when too many keys of the version published before are gone or have another value now.
_VALUES_CHANGED = """
select count(*) as row_count,
       sum(case when now.{column} is distinct from before.{column} then 1 else 0 end) as changed_count
from {previous} as before left join {batch} as now on before.{key} = now.{key}
having changed_count > (1 - {min_share}) * row_count
"""
_NOT_LOADED = """
select max(finished_at) as last_load_at from {dataset}.load_metrics
where (source_table = '{table}' or '{table}' = 'load_metrics') and (select count(*) from {batch}) >= 0
having max(finished_at) is null or max(finished_at) < {now} - interval '{hours} hours'
"""


@dataclass(frozen=True)
class Bound:
    """A suite and the table it is evaluated on.

    Attributes:
        suite: what is expected.
        name: name of the suite in results.
        schema: schema of the table in the open connection.
        dataset: lake folder, '' for marts.
        previous_rows: rows of the table in the version published before; None where there is none.
        previous: the table of that version in the open connection; '' where there is none.
    """

    suite: Suite
    name: str
    schema: str
    dataset: str = ""
    previous_rows: int | None = None
    previous: str = ""


def evaluate(connection: duckdb.DuckDBPyConnection, bound: list[Bound], now: datetime) -> list[CheckResult]:
    """Evaluates suites in the order given, in one Great Expectations context.

    Args:
        connection: holds every table of the suites; left open.
        bound: suites with their tables. A table that does not exist gives one critical failure.
        now: UTC instant that freshness is measured against.

    Returns:
        One result per check, in the order of the suites and of their checks.
    """
    from expectations import dialect

    dialect.register()
    with dialect.shared_url(connection) as url, _quiet():
        source = _gx_source(url)
        results: list[CheckResult] = []
        for one in bound:
            results += _evaluate_suite(connection, source, one, now)
    return results


def _gx_source(url: str) -> Any:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx  # noqa: TID251
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: TID251

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    return context.data_sources.add_sql("cx", connection_string=url)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps notes of Great Expectations out of the log; failures come back as results."""
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _evaluate_suite(
    connection: duckdb.DuckDBPyConnection, source: Any, bound: Bound, now: datetime
) -> list[CheckResult]:
    from great_expectations import ExpectationSuite  # noqa: TID251

    suite = bound.suite
    types = _column_types(connection, bound.schema, suite.table)
    if not types:
        return [
            CheckResult(
                suite=bound.name,
                table=suite.table,
                expectation="expect_table_to_exist",
                title="the table exists",
                severity="critical",
                passed=False,
                detail="there is no such table; build it, or remove its suite",
                dataset=bound.dataset,
            )
        ]
    shown = shown_columns(suite, types)
    table = f"{quoted(bound.schema)}.{quoted(suite.table)}"
    is_empty = connection.cursor().execute(f"select 1 from {table} limit 1").fetchone() is None
    specs, answered = [], {}
    for index, check in enumerate(suite.checks):
        known = is_empty and check.type in _ABOUT_ROWS and set(check.columns) <= types.keys()
        spec = "the table has no rows" if known else _gx_spec(check, bound, now)
        if isinstance(spec, str):
            answered[index] = _result(check, bound, passed=True, detail=spec)
        else:
            specs.append({**spec, "meta": {"index": index}})
    if specs:
        asset = source.add_table_asset(bound.name, table_name=suite.table, schema_name=bound.schema)
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        outcome = batch.validate(
            ExpectationSuite(name=bound.name, expectations=specs), result_format=_RESULT_FORMAT
        )
        for raw in outcome.results:
            index = raw.expectation_config.meta["index"]
            check = suite.checks[index]
            query = raw.expectation_config.kwargs.get("unexpected_rows_query")
            answered[index] = _read(connection, check, bound, raw, query, shown)
    return [answered[index] for index in range(len(suite.checks))]


def _gx_spec(check: Check, bound: Bound, now: datetime) -> dict[str, Any] | str:
    """A check in the terms of Great Expectations, or, when it holds without a look, the reason."""
    kwargs = check.kwargs
    if check.type == "row_count_not_collapsed":
        if bound.previous_rows is None:
            return "no version published before to compare with"
        return {
            "type": "expect_table_row_count_to_be_between",
            "kwargs": {"min_value": math.ceil(kwargs["min_share"] * bound.previous_rows)},
        }
    if check.type == "published_values_kept":
        if not bound.previous:
            return "no version published before to compare with"
        query = (
            _VALUES_CHANGED.replace("{previous}", bound.previous)
            .replace("{key}", quoted(kwargs["key"]))
            .replace("{column}", quoted(kwargs["column"]))
            .replace("{min_share}", str(kwargs["min_share"]))
        )
        return _rows_spec(query, bound, now)
    if check.type == "unexpected_rows":
        return _rows_spec(kwargs["query"], bound, now)
    if check.type == "loaded_within":
        return _rows_spec(_NOT_LOADED.replace("{hours}", str(kwargs["hours"])), bound, now)
    if check.type == "load_not_collapsed":
        hours = kwargs.get("min_window_hours", _DEFAULT_MIN_WINDOW_HOURS)
        query = (
            _LOAD_COLLAPSED.replace("{min_share}", str(kwargs["min_share"]))
            .replace("{min_loads}", str(kwargs.get("min_loads", _DEFAULT_MIN_LOADS)))
            .replace("{min_seconds}", str(hours * 3600))
        )
        return _rows_spec(query, bound, now)
    return {"type": check.type, "kwargs": dict(kwargs)}


def _rows_spec(query: str, bound: Bound, now: datetime) -> dict[str, Any]:
    stamp = now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    sql = (
        query.replace("{now}", f"timestamptz '{stamp}+00'")
        .replace("{dataset}", quoted(bound.schema))
        .replace("{table}", bound.suite.table)
    )
    return {"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": sql.strip()}}


def _read(
    connection: duckdb.DuckDBPyConnection,
    check: Check,
    bound: Bound,
    raw: Any,
    query: str | None,
    shown: set[str],
) -> CheckResult:
    """The result of Great Expectations as ours."""
    problem = _exception(raw.exception_info)
    if problem:
        return _result(check, bound, passed=False, detail=f"could not be evaluated: {masked(problem)}")
    passed, found = bool(raw.success), raw.result
    observed, unexpected, elements = found.get("observed_value"), found.get("unexpected_count"), None
    sample: list[Any] = []
    if query is not None:
        unexpected, observed = int(observed), None
        if not passed:
            sample = _breaking_rows(connection, query, bound, shown)
    elif unexpected is not None:
        elements = found.get("element_count")
        if all(column in shown for column in check.columns):
            sample = sample_of(found.get("partial_unexpected_list", []), _SAMPLE)
    if check.type == "expect_table_columns_to_match_set":
        observed, sample = (
            None,
            sorted(found["details"]["mismatched"].get("missing", [])) if not passed else [],
        )
    return _result(
        check,
        bound,
        passed=passed,
        observed=plain(observed),
        unexpected_count=unexpected,
        element_count=elements,
        sample=sample,
        detail="" if passed else _detail(check, bound, plain(observed), unexpected, elements, sample),
    )


def _detail(
    check: Check, bound: Bound, observed: Any, unexpected: int | None, elements: int | None, sample: list[Any]
) -> str:
    if check.type == "expect_table_columns_to_match_set":
        return f"missing: {', '.join(sample)}"
    if check.type == "row_count_not_collapsed":
        return f"{observed:,} rows, {bound.previous_rows:,} in the version published before"
    if check.type == "loaded_within":
        at = (sample[0] or {}).get("last_load_at") if sample else None
        return f"last load {at}" if at else "never loaded"
    if check.type == "published_values_kept" and sample:
        changed, rows = sample[0]["changed_count"], sample[0]["row_count"]
        return f"{changed:,} of {rows:,} values of the version published before ({changed / rows:.2%})"
    if unexpected is not None and elements:
        return f"{unexpected:,} of {elements:,} rows ({unexpected / elements:.2%})"
    if unexpected is not None:
        return f"{unexpected:,} {'row' if unexpected == 1 else 'rows'}"
    return f"found {observed:,}" if isinstance(observed, int | float) else f"found {observed}"


def _breaking_rows(
    connection: duckdb.DuckDBPyConnection, query: str, bound: Bound, shown: set[str]
) -> list[Any]:
    """A few rows that break a rule; columns that may not be shown are left out.

    Columns that the query itself computes are shown when they are no text.
    """
    table = f"{quoted(bound.schema)}.{quoted(bound.suite.table)}"
    sql = (
        query.replace("{batch}", table).replace("{{", "{").replace("}}", "}")
    )  # as Great Expectations reads it
    cursor = connection.cursor().execute(f"select * from ({sql}) limit {_SAMPLE}")
    own = _column_types(connection, bound.schema, bound.suite.table)
    named = [(column[0], str(column[1])) for column in cursor.description or []]
    visible = [
        name in shown
        if name in own
        else kind != "VARCHAR" or name in bound.suite.plain or not bound.suite.hide_text
        for name, kind in named
    ]
    return [
        sample_of(
            [{name: value for (name, _), value, show in zip(named, row, visible, strict=True) if show}]
        )[0]
        for row in cursor.fetchall()
        if any(visible)
    ]


def _exception(info: Any) -> str | None:
    """First line of what Great Expectations raised, or None."""
    if not info:
        return None
    entries = [info] if "raised_exception" in info else list(info.values())
    for entry in entries:
        if entry.get("raised_exception"):
            return str(entry.get("exception_message") or "unknown error").strip().splitlines()[0]
    return None


def _result(check: Check, bound: Bound, *, passed: bool, **found: Any) -> CheckResult:
    return CheckResult(
        suite=bound.name,
        table=bound.suite.table,
        expectation=check.type,
        title=check.title(),
        severity=check.severity,
        passed=passed,
        why=check.meta.why,
        dataset=bound.dataset,
        **found,
    )


def _column_types(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> dict[str, str]:
    rows = connection.cursor().execute(
        "select column_name, data_type from duckdb_columns() where schema_name = ? and table_name = ?"
        " and database_name = current_database() order by column_index",
        [schema, table],
    )
    return dict(rows.fetchall())


def quoted(name: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
