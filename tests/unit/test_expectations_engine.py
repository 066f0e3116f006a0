"""Suites evaluated by Great Expectations over DuckDB, on rows whose faults are counted by hand."""

import subprocess
import sys
from datetime import UTC, datetime

import duckdb
import pytest

from expectations.engine import Bound, evaluate
from expectations.privacy import masked
from expectations.suites import Check, Meta, Suite

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def database():
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("create schema desk")
    connection.execute(
        """
        create table desk.tickets as select * from (values
          ('t1', 'open',   0.2, 1, 3,    'ana@example.com', '1', 1),
          ('t2', 'closed', 1.4, 5, 3,    'call +48 600 100 200', '1', 2),
          ('t3', 'opne',   0.9, 2, null, 'ana@example.com', '1', 3),
          (null, 'open',   null, 2, 9,   'hello', '1', 3)
        ) as t (id, status, share, low, high, subject, _dlt_load_id, _cx_row)
        """
    )
    connection.execute(
        """
        create table desk.load_metrics as select * from (values
          ('tickets', '1', 1, 9000, timestamptz '2024-01-01 00:00:00+00', timestamptz '2024-05-01 00:00:00+00'),
          ('tickets', '2', 2, 240,  timestamptz '2024-05-01 00:00:00+00', timestamptz '2024-05-02 00:00:00+00'),
          ('tickets', '3', 3, 480,  timestamptz '2024-05-02 00:00:00+00', timestamptz '2024-05-03 00:00:00+00'),
          ('tickets', '4', 4, 720,  timestamptz '2024-05-03 00:00:00+00', timestamptz '2024-05-04 00:00:00+00'),
          ('tickets', '5', 5, 96,   timestamptz '2024-05-04 00:00:00+00', timestamptz '2024-05-05 00:00:00+00'),
          ('tickets', '6', 6, 0,    timestamptz '2024-05-05 00:00:00+00', timestamptz '2024-05-05 01:00:00+00')
        ) as t (source_table, _dlt_load_id, _cx_row, rows_read, window_start, window_end)
        """
    )
    connection.execute("alter table desk.load_metrics add column finished_at timestamptz")
    connection.execute("update desk.load_metrics set finished_at = window_end + interval 5 minutes")
    yield connection
    connection.close()


def run(database, *checks, table="tickets", schema="desk", **suite):
    made = Suite(table=table, checks=tuple(checks), **suite)
    return evaluate(database, [Bound(made, f"test.{table}", schema=schema, previous_rows=10)], NOW)


def check(kind, severity="error", why="worked out by hand", **kwargs):
    return Check(type=kind, kwargs=kwargs, severity=severity, meta=Meta(why=why))


def test_breaking_values_are_counted(database):
    results = run(
        database,
        check("expect_column_values_to_not_be_null", column="id"),
        check("expect_column_values_to_be_in_set", column="status", value_set=["open", "closed"]),
        check("expect_column_values_to_be_between", column="share", min_value=0, max_value=1),
        check("expect_column_pair_values_a_to_be_greater_than_b", column_A="high", column_B="low", or_equal=True,
              ignore_row_if="either_value_is_missing"),
        check("expect_compound_columns_to_be_unique", column_list=["_dlt_load_id", "_cx_row"]),
        check("expect_column_values_to_be_unique", column="id"),
    )  # fmt: skip
    assert [result.passed for result in results] == [False, False, False, False, False, True]
    assert [result.unexpected_count for result in results] == [1, 1, 1, 1, 2, 0]
    assert [result.element_count for result in results][:3] == [4, 4, 4]
    assert results[1].sample == ["opne"]
    assert results[2].sample == [1.4]
    assert results[1].detail == "1 of 4 rows (25.00%)"


def test_results_keep_the_order_of_the_file(database):
    kinds = ["status", "id", "share", "low", "high"]
    results = run(database, *(check("expect_column_to_exist", column=name) for name in kinds))
    assert [result.title for result in results] == [f"column {name} exists" for name in kinds]


def test_missing_columns_are_named_and_a_check_on_one_fails_with_the_reason(database):
    shape, values = run(
        database,
        check(
            "expect_table_columns_to_match_set",
            column_set=["id", "opened_at", "closed_at"],
            exact_match=False,
        ),
        check("expect_column_values_to_not_be_null", column="opened_at"),
    )
    assert (shape.passed, shape.sample) == (False, ["closed_at", "opened_at"])
    assert not values.passed
    assert (
        values.detail == 'could not be evaluated: Error: The column "opened_at" in BatchData does not exist.'
    )


def test_a_table_without_rows_breaks_no_rule_about_rows(database):
    database.execute("create table if not exists desk.empty_table as select * from desk.tickets where false")
    results = run(
        database,
        check("expect_column_values_to_not_be_null", column="id"),
        check("expect_column_values_to_not_be_null", column="opened_at"),
        check("expect_table_row_count_to_be_between", min_value=1),
        check("unexpected_rows", query="select id from {batch}"),
        table="empty_table",
    )
    assert [(result.passed, result.detail) for result in results] == [
        (True, "the table has no rows"),
        (False, 'could not be evaluated: Error: The column "opened_at" in BatchData does not exist.'),
        (False, "found 0"),
        (True, ""),
    ]


def test_a_rule_in_sql_counts_the_rows_it_returns(database):
    (result,) = run(
        database,
        check("unexpected_rows", query="select id, low, high from {batch} where low > high or high is null"),
    )
    assert (result.passed, result.unexpected_count) == (False, 2)
    assert {"id": "t2", "low": 5, "high": 3} in result.sample


def test_values_of_personal_columns_are_counted_and_not_shown(database):
    in_set = check("expect_column_values_to_be_in_set", column="subject", value_set=["hello"])
    rule = check("unexpected_rows", query="select id, subject from {batch} where id = 't2'")
    for suite in ({"pii": frozenset({"subject"})}, {"hide_text": True, "plain": frozenset({"id"})}):
        listed, rows = run(database, in_set, rule, **suite)
        assert (listed.unexpected_count, listed.sample) == (3, [])
        assert rows.sample == [{"id": "t2"}]


def test_contact_data_is_masked_in_whatever_column_it_stands(database):
    (result,) = run(
        database, check("expect_column_values_to_be_in_set", column="subject", value_set=["hello"])
    )
    assert result.sample == ["[e-mail]", "call [phone]"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("write to ana.k+1@mail.example.co.uk now", "write to [e-mail] now"),
        ("(022) 555-12-34 56", "[phone]"),
        ("2024-03-31 01:30:00+00", "2024-03-31 01:30:00+00"),
        ("order A-10233", "order A-10233"),
        ("x" * 200, "x" * 79 + "…"),
    ],
)
def test_masking(text, shown):
    assert masked(text) == shown


def test_a_table_that_is_not_there_is_a_critical_failure(database):
    (result,) = run(database, check("expect_column_to_exist", column="id"), table="nothing")
    assert (result.passed, result.severity, result.is_blocking) == (False, "critical", True)


@pytest.mark.parametrize(("share", "passed"), [(0.4, True), (0.5, False)])
def test_a_mart_may_not_collapse_against_the_version_before(database, share, passed):
    (result,) = run(database, check("row_count_not_collapsed", min_share=share))  # 4 rows now, 10 before
    assert result.passed is passed
    if not passed:
        assert result.detail == "4 rows, 10 in the version published before"


@pytest.mark.parametrize(("share", "passed"), [(0.5, True), (0.51, False)])
def test_values_may_change_only_so_much_against_the_version_before(database, share, passed):
    # Of four tickets published before t1 is as it was, t2 was opened again, t9 is gone, t3 was misspelt then too.
    database.execute(
        "create or replace table desk.published as select * from (values"
        " ('t1', 'open'), ('t2', 'open'), ('t3', 'opne'), ('t9', 'open')) as t (id, status)"
    )
    suite = Suite(
        table="tickets",
        checks=(check("published_values_kept", key="id", column="status", min_share=share),),
    )
    (result,) = evaluate(
        database, [Bound(suite, "test.tickets", schema="desk", previous="desk.published")], NOW
    )
    assert result.passed is passed
    if not passed:
        assert result.detail == "2 of 4 values of the version published before (50.00%)"
    (first,) = run(database, *suite.checks)
    assert (first.passed, first.detail) == (True, "no version published before to compare with")


@pytest.mark.parametrize(("share", "passed"), [(0.2, True), (0.21, False)])
def test_a_thin_load_is_told_from_a_usual_one_by_rows_per_hour(database, share, passed):
    # By hour of their windows the daily loads brought 10, 20 and 30 rows, median 20, and the newest 4: a
    # fifth. The backfill before them and the one-hour load after them do not count.
    (result,) = run(database, check("load_not_collapsed", min_share=share))
    assert result.passed is passed
    if not passed:
        assert result.sample == [{"rows_per_hour": 4.0, "usual_rows_per_hour": 20.0}]


@pytest.mark.parametrize(("hours", "passed"), [(659, True), (658, False)])
def test_a_load_is_late_after_its_hours(database, hours, passed):
    # The last load ended 2024-05-05 01:05, 658 h 55 min before the run.
    (result,) = run(database, check("loaded_within", hours=hours))
    assert result.passed is passed
    if not passed:
        assert result.detail.startswith("last load 2024-05-05T01:05:00")


def test_a_table_never_loaded_is_late(database):
    database.execute("create table if not exists desk.users as select 1 as id")
    (result,) = run(database, check("loaded_within", hours=24), table="users")
    assert (result.passed, result.detail) == (False, "never loaded")


def test_nothing_heavy_is_imported_before_a_check_is_run():
    code = (
        "import expectations.runner, expectations.html, sys;"
        "heavy = {'great_expectations', 'pandas', 'dagster', 'altair'} & set(sys.modules);"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
