"""The audit of the marts: it fits their contracts, finds planted faults, and compares with what is published."""

import shutil

import duckdb
import pytest

from expectations.results import load_run
from expectations.runner import ACCEPT_SHRINK, MARTS, run_marts
from expectations.suites import load_folder
from ingestion.settings import load_settings
from tests.support.contracts import create_empty_marts, mart_columns


@pytest.fixture
def settings(tmp_path):
    return load_settings(tmp_path / "home", tmp_path / "connections.yml").prepare()


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    database = tmp_path_factory.mktemp("marts") / "empty.duckdb"
    create_empty_marts(database)
    return database


@pytest.fixture
def database(empty, tmp_path):
    """A copy of the empty marts in which the registry has its 'unmapped' row."""
    path = tmp_path / "cx.duckdb"
    shutil.copyfile(empty, path)
    change(path, "insert into marts.dim_touchpoints (touchpoint_id, has_owner) values ('unmapped', false)")
    change(path, "insert into marts.mart_touchpoint_scorecard (touchpoint_scorecard_key, touchpoint_id, period_type,"
                 " interaction_count, customer_count, coverage) values ('s', 'unmapped', 'all', 0, 0, 0)")  # fmt: skip
    change(path, "insert into marts.mart_journey_map (journey_map_key, touchpoint_id, period_type, interaction_count)"
                 " values ('m', 'unmapped', 'all', 0)")  # fmt: skip
    return path


def change(path, *statements):
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)


def failures(run):
    return {(result.table, result.title) for result in run.blocking_failures}


def test_every_mart_has_a_suite_that_names_its_columns():
    declared, suites = mart_columns(), load_folder(MARTS)
    assert set(suites) == set(declared)
    for name, suite in suites.items():
        named = suite.pii | suite.plain | {column for check in suite.checks for column in check.columns}
        assert named <= set(declared[name]), name
        assert all(check.meta.why for check in suite.checks), name
        assert any(check.is_blocking for check in suite.checks), name


def test_marts_without_rows_can_be_published(settings, database):
    run = run_marts(settings, database)
    assert [result.sentence() for result in run.results if "could not be evaluated" in result.detail] == []
    assert failures(run) == set()
    assert load_run(settings.checks, "marts") == run


def test_every_check_of_a_mart_can_be_evaluated_on_a_row_of_nulls(settings, database):
    for name, columns in mart_columns().items():
        change(database, f"insert into marts.{name} values ({', '.join(['null'] * len(columns))})")
    run = run_marts(settings, database)
    assert [result.sentence() for result in run.results if "could not be evaluated" in result.detail] == []
    assert ("fct_orders", "order_key is never null") in failures(run)


def test_a_mart_that_was_not_built_blocks(settings, database):
    change(database, "drop table marts.mart_funnel")
    assert ("mart_funnel", "the table exists") in failures(run_marts(settings, database))


def test_rates_keys_intervals_and_reasons_are_audited(settings, database):
    row = "insert into marts.mart_cx_metrics (cx_metric_key, metric_name, touchpoint_id, channel, segment_type," \
          " segment_value, period_type, metric_value, numerator, denominator, response_count, ci_low, ci_high, unit," \
          " is_reportable, suppressed_reason) values "  # fmt: skip
    change(
        database,
        row
        + "('k1', 'csat', 'all', 'all', 'all', 'all', 'all', 1.2, 12, 10, 10, 0.5, 1.0, 'share', true, null)",
        row
        + "('k2', 'nps', 'all', 'all', 'all', 'all', 'all', -101, -4, 4, 4, -50, 50, 'points', true, null)",
        row
        + "('k3', 'ces', 'all', 'all', 'all', 'all', 'all', 0.0, 0, 3, 3, null, null, 'score', false, 'too few')",
        row
        + "('k3', 'fcr_repeat', 'x', 'all', 'all', 'all', 'all', 0.4, 4, 10, 10, 0.6, 0.5, 'share', true, null)",
        row
        + "(null, 'csat', 'all', 'all', 'all', 'all', 'all', 0.5, 5, 10, 10, 0.2, 0.8, 'share', true, null)",
    )
    found = {title for table, title in failures(run_marts(settings, database)) if table == "mart_cx_metrics"}
    assert found == {
        "cx_metric_key is never null",
        "cx_metric_key is unique",
        "no two rows of one grain",
        "shares lie between 0 and 1",
        "NPS lies between -100 and 100 points",
        "mean ease lies on its scale of 1 to 7",
        "every interval holds its value",
        "a withheld value is null and says why",
        "touchpoints and 'unmapped' add up to all",
        "promoters + passives + detractors = responders",
    }


def test_responders_are_counted_from_the_responses(settings, database):
    # Two promoters, one passive, one detractor: NPS = 100 · (2 − 1) / 4 = 25 from 4 answers.
    answers = ", ".join(
        f"('r{number}', 'nps', {score}, 0, 10, true, '{name}', true, timestamp '2024-05-01 10:00:00')"
        for number, (score, name) in enumerate(
            [(9, "promoter"), (10, "promoter"), (7, "passive"), (6, "detractor")]
        )
    )
    metric = "insert into marts.mart_cx_metrics (cx_metric_key, metric_name, touchpoint_id, channel, segment_type," \
             " segment_value, period_type, metric_value, numerator, denominator, response_count, unit, is_reportable)" \
             " values ('{key}', 'nps', '{touchpoint}', 'all', 'all', 'all', 'all', 25, {numerator}, 4, 4, 'points',"\
             " true)"  # fmt: skip
    change(
        database,
        "insert into marts.fct_survey_responses (survey_response_key, metric, score, scale_min, scale_max,"
        f" is_valid_score, score_class, is_counted, responded_at) values {answers}",
        metric.format(key="a", touchpoint="all", numerator=1),
        metric.format(key="b", touchpoint="unmapped", numerator=1),
    )
    assert failures(run_marts(settings, database)) == set()
    change(database, "update marts.mart_cx_metrics set numerator = 2 where cx_metric_key = 'a'")
    assert failures(run_marts(settings, database)) == {
        ("mart_cx_metrics", "promoters + passives + detractors = responders")
    }


def funnel_row(key, order, name, entered, advanced, last=False):
    rate = (
        "null, null, null"
        if last
        else f"{advanced / entered}, {advanced / entered - 0.1}, {advanced / entered + 0.1}"
    )
    advanced = "null" if last else advanced
    return f"('{key}', 'shop', 'session', 'ordered', date '2024-05-01', 'all', 'all', {order}, '{name}', {last}," \
           f" {entered}, 0, {entered}, {advanced}, {entered}, {rate})"  # fmt: skip


@pytest.mark.parametrize(("buyers", "grows"), [(4, False), (12, True)])
def test_a_funnel_that_grows_blocks(settings, database, buyers, grows):
    columns = "funnel_id, unit, order_mode, entry_date, segment_type, segment_value, step_order, step_name," \
              " is_last_step, reached_count, in_progress_count, entered_count, advanced_count, from_start_count," \
              " step_conversion_rate, step_conversion_low, step_conversion_high"  # fmt: skip
    rows = [funnel_row("f1", 1, "view", 20, 10), funnel_row("f2", 2, "cart", 10, 4),
            funnel_row("f3", 3, "purchase", buyers, 0, last=True)]  # fmt: skip
    change(
        database,
        f"insert into marts.mart_funnel (funnel_step_key, {columns}) values {', '.join(rows)}",
        f"insert into marts.mart_funnel_summary (funnel_summary_key, {columns.replace(' entry_date,', '')})"
        f" select funnel_step_key, {columns.replace(' entry_date,', '')} from marts.mart_funnel",
    )
    found = failures(run_marts(settings, database))
    assert (("mart_funnel", "funnel steps never grow") in found) is grows
    assert (("mart_funnel_summary", "funnel steps never grow") in found) is grows
    assert grows or found == set()


def test_contact_data_in_a_mart_blocks_and_is_not_repeated(settings, database):
    change(
        database,
        "insert into marts.mart_unmapped_contacts (unmapped_key, pattern, contact_count)"
        " values ('u', 'page_path /reset/ana.kowal@example.com', 1)",
    )
    assert ("mart_unmapped_contacts", "no e-mail address in any text") in failures(
        run_marts(settings, database)
    )
    assert "kowal" not in (settings.checks / "marts.json").read_text()
    assert "kowal" not in (settings.checks / "marts.html").read_text()


def customers(path, count):
    change(
        path,
        "delete from marts.dim_customers",
        "delete from marts.mart_customer_summary",
        "insert into marts.dim_customers (customer_id, customer_type, customer_segment, source_record_count)"
        f" select 'c' || range, 'person', 'new', 1 from range({count})",
        "insert into marts.mart_customer_summary (customer_id, interaction_count, order_count, order_day_count,"
        " has_repeat_order, has_repeat_order_day)"
        f" select 'c' || range, 0, 0, 0, false, false from range({count})",
    )


def test_marts_that_lost_half_of_their_rows_block_unless_it_is_meant(settings, database, monkeypatch):
    customers(database, 100)
    version = settings.published / "v1"
    version.mkdir()
    shutil.copyfile(database, version / "cx.duckdb")
    (settings.published / "current").symlink_to("v1")
    customers(database, 50)
    assert failures(run_marts(settings, database)) == set()
    customers(database, 49)
    run = run_marts(settings, database)
    assert {table for table, _ in failures(run)} == {"dim_customers", "mart_customer_summary"}
    assert "49 rows, 100 in the version published before" in run.blocking_failures[0].detail
    monkeypatch.setenv(ACCEPT_SHRINK, "1")
    assert failures(run_marts(settings, database)) == set()


def test_small_marts_may_shrink(settings, database):
    customers(database, 19)
    version = settings.published / "v1"
    version.mkdir()
    shutil.copyfile(database, version / "cx.duckdb")
    (settings.published / "current").symlink_to("v1")
    customers(database, 3)
    assert failures(run_marts(settings, database)) == set()


def test_ids_that_stand_for_other_customers_than_before_are_counted(settings, database):
    change(
        database,
        "insert into marts.dim_customer_aliases (alias_id, customer_id, is_current, source_system, source_account)"
        " select 'c' || range, 'c' || range, true, 'crm', 'crm' from range(100)",
    )
    version = settings.published / "v1"
    version.mkdir()
    shutil.copyfile(database, version / "cx.duckdb")
    (settings.published / "current").symlink_to("v1")
    change(
        database,
        "update marts.dim_customer_aliases set customer_id = 'c0', is_current = false"
        " where alias_id in ('c1', 'c2', 'c3')",
    )
    run = run_marts(settings, database)
    (found,) = (r for r in run.results if r.expectation == "published_values_kept")
    assert (found.passed, found.is_blocking) == (False, False)
    assert found.detail == "3 of 100 values of the version published before (3.00%)"
