"""Expectations that follow from a table's declaration, for every table of every connection.

What is specific to one vendor's table stands in `expectations/landing/<connector>/<table>.yml`; what a company
expects of its own files and databases stands beside its connections file, in
`expectations/<connection>/<table>.yml`. Both are added to the suite made here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from expectations.results import Severity
from expectations.suites import Check, Meta, Suite
from ingestion.connections import Connection
from ingestion.core.connector import TableSpec

SYSTEM_COLUMNS = ("_dlt_load_id", "_cx_row")
METRICS_TABLE = "load_metrics"
REJECTED_TABLE = "rejected_rows"

_ROWS_AS_COUNTED = """
select coalesce(said._dlt_load_id, found._dlt_load_id) as _dlt_load_id,
       coalesce(said.row_count, 0) as rows_counted, coalesce(found.row_count, 0) as rows_found
from (select _dlt_load_id, sum({figure}) as row_count from {dataset}.load_metrics
      where {table_filter} group by _dlt_load_id) as said
full join (select _dlt_load_id, count(*) as row_count from {batch} group by _dlt_load_id) as found
  on said._dlt_load_id = found._dlt_load_id
where coalesce(said.row_count, 0) <> coalesce(found.row_count, 0)
"""
_UNBALANCED = """
select source_table, _dlt_load_id, rows_read, rows_loaded, rows_rejected from {batch}
where rows_read <> rows_loaded + rows_rejected
"""
_TOO_MANY_REJECTED = """
select source_table, _dlt_load_id, rows_read, rows_rejected from (
  select *, row_number() over (partition by source_table
    order by cast(_dlt_load_id as decimal(28, 9)) desc, _cx_row desc) as newest
  from {batch} where rows_read > 0) as loads
where newest = 1 and rows_rejected > {few} and rows_rejected > {limit} * rows_read
"""

# As at load: a handful of broken rows in a small file is no change of its shape.
_FEW_REJECTED = 10
# A daily schedule with half a day to notice and repair.
_DEFAULT_HOURS = 36


def derived_suite(
    spec: TableSpec, connection: Connection, tables: Iterable[str] = (), hours: int = _DEFAULT_HOURS
) -> Suite:
    """The suite that a table's declaration implies.

    Args:
        spec: the declaration.
        connection: gives the limit of rejected rows.
        tables: tables whose rows `load_metrics` counts.
        hours: after how many hours without any load the connection is late.
    """
    checks = [
        _check(
            "expect_table_columns_to_match_set",
            {"column_set": [*spec.columns, *spec.system_columns, *SYSTEM_COLUMNS], "exact_match": False},
            why="The staging models name these columns.",
        ),
        _check(
            "expect_compound_columns_to_be_unique",
            {"column_list": list(SYSTEM_COLUMNS)},
            title="the order of rows is total",
            why="The newest version of a record is found by load and row; a tie would make it random.",
        ),
    ]
    for column in dict.fromkeys((*spec.key, *spec.required)):
        reason = "it is the key" if column in spec.key else "it is declared as required"
        checks.append(
            _check(
                "expect_column_values_to_not_be_null",
                {"column": column},
                why=f"A row without {column} is set aside before it lands, because {reason}.",
            )
        )
    if spec.name == METRICS_TABLE:
        checks += _metrics_checks(connection, hours)
    elif spec.name == REJECTED_TABLE:
        checks.append(_counted("rows_rejected", "true"))
    elif spec.name in tables:
        checks.append(_counted("rows_loaded", f"source_table = '{spec.name}'"))
    return Suite(
        table=spec.name,
        checks=tuple(checks),
        description=spec.description,
        plain=frozenset({"source_table", "method", *SYSTEM_COLUMNS}),
        hide_text=True,
    )


def combined(base: Suite, extra: Suite | None) -> Suite:
    """`base` with the checks of `extra`, which replace those of the same type on the same columns."""
    if extra is None:
        return base
    replaced = {_subject(check) for check in extra.checks if check.type != "unexpected_rows"}
    kept = [check for check in base.checks if _subject(check) not in replaced]
    return dataclasses.replace(
        base,
        checks=(*kept, *extra.checks),
        description=extra.description or base.description,
        pii=base.pii | extra.pii,
        plain=base.plain | extra.plain,
    )


def softened(suite: Suite) -> Suite:
    """The suite with nothing that blocks, for a connection the company can do without for a day."""
    return dataclasses.replace(
        suite, checks=tuple(check.model_copy(update={"severity": "warn"}) for check in suite.checks)
    )


def _metrics_checks(connection: Connection, hours: int) -> list[Check]:
    few = _FEW_REJECTED if connection.max_rejected_share > 0 else 0
    rejected = _TOO_MANY_REJECTED.replace("{limit}", repr(connection.max_rejected_share))
    return [
        _check(
            "unexpected_rows",
            {"query": _UNBALANCED},
            title="rows read = rows loaded + rows rejected, in each load",
            why="No row may get lost between the source and the lake.",
        ),
        _check(
            "unexpected_rows",
            {"query": rejected.replace("{few}", str(few))},
            title=f"at most {connection.max_rejected_share:.1%} of the newest load rejected, in each table",
            why="max_rejected_share of the connection: above it the source has changed its shape.",
        ),
        # By connection, because a load writes a row only for tables that had something new.
        _check(
            "loaded_within",
            {"hours": hours},
            severity="warn",
            why="The shortest of the hours that the tables of the connection declare.",
        ),
    ]


def _counted(figure: str, table_filter: str) -> Check:
    query = _ROWS_AS_COUNTED.replace("{figure}", figure).replace("{table_filter}", table_filter)
    return _check(
        "unexpected_rows",
        {"query": query},
        title="the lake holds as many rows as each load counted",
        why="A missing or torn file, or a load counted twice, would show here.",
    )


def _check(
    kind: str, kwargs: dict[str, Any], *, title: str = "", why: str = "", severity: Severity = "error"
) -> Check:
    return Check(type=kind, kwargs=kwargs, severity=severity, meta=Meta(title=title, why=why))


def _subject(check: Check) -> tuple[str, ...]:
    return (check.type, *check.columns) if check.type != "unexpected_rows" else (check.type, check.title())
