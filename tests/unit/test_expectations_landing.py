"""The landing suites: they fit the tables that the connectors declare, and find what is planted in a lake."""

import importlib
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from expectations.runner import _SQL_TYPES, LANDING, landing_suites, run_landing
from expectations.suites import load_folder
from ingestion import registry
from ingestion.connections import Company, Connection, Connections
from ingestion.core.connector import TableSpec
from ingestion.settings import load_settings

VENDORS = ("hubspot", "zendesk", "typeform", "ga4_export")
NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)


def connection(connector: str, name: str = "main", **changes) -> Connection:
    return Connection(name=name, connector=connector, config=object(), **changes)


def company(tmp_path: Path, *connections: Connection) -> Connections:
    return Connections(company=Company(), connections=list(connections), funnels=(), file=tmp_path / "c.yml")


@pytest.fixture
def settings(tmp_path):
    return load_settings(tmp_path / "home", tmp_path / "connections.yml").prepare()


@pytest.mark.parametrize("connector", VENDORS)
def test_every_table_of_a_connector_has_a_suite_in_its_columns(connector):
    tables = importlib.import_module(f"{registry.CONNECTORS[connector]}.schema").TABLES
    suites = load_folder(LANDING / connector)
    assert set(suites) == set(tables)
    for name, suite in suites.items():
        columns = {*tables[name].columns, *tables[name].system_columns}
        named = suite.pii | suite.plain | {column for check in suite.checks for column in check.columns}
        assert named <= columns, name
        assert not suite.pii & suite.plain, name
        assert all(check.meta.why for check in suite.checks), name


def test_every_landing_check_can_be_evaluated_where_nothing_has_landed(settings, tmp_path):
    run = run_landing(settings, company(tmp_path, *(connection(name) for name in VENDORS)), now=NOW)
    assert {result.dataset for result in run.results} == {f"{name}__main" for name in VENDORS}
    assert [result.sentence() for result in run.results if "could not be evaluated" in result.detail] == []
    assert run.blocking_failures == []
    late = {result.table for result in run.warnings if result.expectation == "loaded_within"}
    assert {"tickets", "events", "contacts", "responses"} <= late
    assert (settings.checks / "landing.json").exists()
    assert "Needs attention" in (settings.checks / "landing.html").read_text()


@pytest.mark.parametrize("connector", VENDORS)
def test_every_landing_check_can_be_evaluated_on_a_row_of_nulls(settings, tmp_path, connector):
    one = connection(connector)
    for name, spec in one.tables.items():
        kinds = {**spec.columns, **spec.system_columns}
        nulls = ", ".join(f"cast(null as {_SQL_TYPES[kind]}) as {column}" for column, kind in kinds.items())
        target = settings.lake / one.dataset / name / "100.5.1.parquet"
        target.parent.mkdir(parents=True)
        duckdb.sql(
            f"copy (select {nulls}, '100.5' as _dlt_load_id, 1 as _cx_row) to '{target}' (format parquet)"
        )
    (settings.lake / one.dataset / "_dlt_loads").mkdir()
    (settings.lake / one.dataset / "_dlt_loads" / "x__100.5.jsonl").touch()
    run = run_landing(settings, company(tmp_path, one), now=NOW)
    assert [result.sentence() for result in run.results if "could not be evaluated" in result.detail] == []
    nulls_found = {(r.table, r.title) for r in run.blocking_failures if r.title.endswith("is never null")}
    assert nulls_found == {
        (name, f"{column} is never null")
        for name, suite in landing_suites(settings, one).items()
        for check in suite.checks
        if check.type == "expect_column_values_to_not_be_null" and check.is_blocking
        for column in check.columns
        if "mostly" not in check.kwargs
    }


VISITS = TableSpec(
    name="visits",
    columns={"visit_id": "text", "store": "text", "visited_at": "timestamp", "guest_email": "text"},
    key=("visit_id",),
    required=("visited_at",),
    expected_hours=30,
)
METRICS = (
    "source_table, rows_read, rows_loaded, rows_rejected, bytes_read, requests,"
    " started_at, finished_at, window_start, window_end"
)


@pytest.fixture
def lake(settings, monkeypatch):
    """Two loads of one table: 3 rows and 2 rows, one row rejected in the second."""
    specs = {spec.name: spec for spec in (VISITS, registry.REJECTED_ROWS, registry.LOAD_METRICS)}
    monkeypatch.setattr(registry, "table_specs", lambda connection: specs)
    dataset = settings.lake / "files__store"

    def land(table: str, load_id: str, rows: str) -> None:
        target = dataset / table / f"{load_id}.1.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        query = f"select *, '{load_id}' as _dlt_load_id, row_number() over () as _cx_row from ({rows})"
        duckdb.sql(f"copy ({query}) to '{target}' (format parquet)")
        mark = dataset / "_dlt_loads" / f"files__store__{load_id}.jsonl"
        mark.parent.mkdir(exist_ok=True)
        mark.touch()

    columns = "visit_id, store, visited_at, guest_email"
    land(
        "visits",
        "100.5",
        f"""select * from (values
        ('v1', 'Kraków', timestamptz '2024-05-30 10:00:00+00', 'ana@example.com'),
        ('v2', 'Kraków', timestamptz '2024-05-30 11:00:00+00', null),
        ('v3', 'Gdańsk', timestamptz '2024-05-30 12:00:00+00', 'ewa@example.com')) as t ({columns})""",
    )
    land(
        "visits",
        "200.5",
        f"""select * from (values
        ('v4', 'Gdańsk', timestamptz '2024-05-31 10:00:00+00', 'ida@example.com'),
        ('v5', 'Nowhere', timestamptz '2024-05-31 11:00:00+00', null)) as t ({columns})""",
    )
    land(
        "rejected_rows",
        "200.5",
        "select 'visits' as source_table, 'visits.csv:7' as source_ref,"
        " 'visited_at: not a time' as reason, '{}' as raw_json, timestamptz '2024-05-31 12:00:00+00' as rejected_at",
    )
    at = "10, 1, timestamptz '2024-05-30 12:30:00+00', timestamptz '2024-05-30 12:31:00+00', null, null"
    land("load_metrics", "100.5", f"select * from (values ('visits', 3, 3, 0, {at})) as t ({METRICS})")
    at = at.replace("05-30", "05-31")
    land("load_metrics", "200.5", f"select * from (values ('visits', 3, 2, 1, {at})) as t ({METRICS})")
    return land


def store(**changes) -> Connection:
    return connection("files", "store", max_rejected_share=0.5, **changes)


def test_a_sound_lake_passes_every_derived_check(settings, tmp_path, lake):
    run = run_landing(settings, company(tmp_path, store()), now=NOW)
    assert [result.sentence() for result in run.results if not result.passed] == []
    assert {result.table for result in run.results} == {"visits", "rejected_rows", "load_metrics"}


@pytest.mark.parametrize(("limit", "blocks"), [(0.33, True), (0.36, False)])
def test_rejected_rows_above_the_limit_of_the_connection_block(settings, tmp_path, lake, limit, blocks):
    at = "10, 1, timestamptz '2024-05-31 13:00:00+00', timestamptz '2024-05-31 13:01:00+00', null, null"
    lake("load_metrics", "300.5", f"select * from (values ('visits', 40, 26, 14, {at})) as t ({METRICS})")
    lake(
        "visits",
        "300.5",
        "select 'n' || range as visit_id, 'Gdańsk' as store, timestamptz '2024-05-31 10:00:00+00' as visited_at,"
        " null as guest_email from range(26)",
    )
    lake(
        "rejected_rows",
        "300.5",
        "select 'visits' as source_table, 'visits.csv:' || range as source_ref, 'no key' as reason,"
        " '{}' as raw_json, timestamptz '2024-05-31 13:00:00+00' as rejected_at from range(14)",
    )
    files = connection("files", "store", max_rejected_share=limit)
    failures = run_landing(settings, company(tmp_path, files), now=NOW).blocking_failures
    assert len(failures) == blocks  # 14 of the 40 rows of the newest load: 35 %
    if blocks:
        assert failures[0].title == "at most 33.0% of the newest load rejected, in each table"
        (row,) = failures[0].sample
        assert (row["source_table"], row["rows_read"], row["rows_rejected"]) == ("visits", 40, 14)


def test_a_handful_of_rejected_rows_in_a_small_file_is_accepted(settings, tmp_path, lake):
    files = connection("files", "store", max_rejected_share=0.05)  # one of three rows, but no more than ten
    assert run_landing(settings, company(tmp_path, files), now=NOW).blocking_failures == []
    strict = connection("files", "store", max_rejected_share=0.0)
    assert len(run_landing(settings, company(tmp_path, strict), now=NOW).blocking_failures) == 1


def test_rows_that_the_load_counted_and_the_lake_lacks_block(settings, tmp_path, lake):
    at = "10, 1, timestamptz '2024-05-31 13:00:00+00', timestamptz '2024-05-31 13:01:00+00', null, null"
    lake("load_metrics", "300.5", f"select * from (values ('visits', 4, 4, 0, {at})) as t ({METRICS})")
    run = run_landing(settings, company(tmp_path, store()), now=NOW)
    (failure,) = run.blocking_failures
    assert (failure.table, failure.title) == ("visits", "the lake holds as many rows as each load counted")
    assert failure.sample == [{"_dlt_load_id": "300.5", "rows_counted": 4, "rows_found": 0}]


def test_a_null_key_blocks_and_no_value_is_shown(settings, tmp_path, lake):
    lake("visits", "300.5", "select null as visit_id, 'Łódź' as store, timestamptz '2024-05-31 10:00:00+00' as"
         " visited_at, 'jan@example.com' as guest_email")  # fmt: skip
    at = "10, 1, timestamptz '2024-05-31 13:00:00+00', timestamptz '2024-05-31 13:01:00+00', null, null"
    lake("load_metrics", "300.5", f"select * from (values ('visits', 1, 1, 0, {at})) as t ({METRICS})")
    run = run_landing(settings, company(tmp_path, store()), now=NOW)
    (failure,) = run.blocking_failures
    assert (failure.title, failure.unexpected_count, failure.sample) == ("visit_id is never null", 1, [])
    assert "jan@" not in (settings.checks / "landing.json").read_text()


def test_what_is_late_warns_and_what_is_optional_never_blocks(settings, tmp_path, lake):
    later = datetime(2024, 6, 1, 19, tzinfo=UTC)  # 30 h 29 min after the last load; the table allows 30
    run = run_landing(settings, company(tmp_path, store()), now=later)
    (warning,) = run.warnings
    assert warning.detail == "last load 2024-05-31T12:31:00+00:00"
    broken = connection("files", "store", max_rejected_share=0.0, required=False)
    assert run_landing(settings, company(tmp_path, broken), now=NOW).blocking_failures == []


def test_a_company_adds_its_own_suite_beside_its_connections_file(settings, tmp_path, lake):
    folder = tmp_path / "expectations" / "store"
    folder.mkdir(parents=True)
    (folder / "visits.yml").write_text(
        "table: visits\nplain: [store]\nchecks:\n  - type: expect_column_values_to_be_in_set\n"
        "    kwargs: {column: store, value_set: [Kraków, Gdańsk]}\n"
    )
    assert len(landing_suites(settings, store())["visits"].checks) == 6
    (failure,) = run_landing(settings, company(tmp_path, store()), now=NOW).blocking_failures
    assert (failure.title, failure.sample) == ("store is one of Kraków, Gdańsk", ["Nowhere"])
