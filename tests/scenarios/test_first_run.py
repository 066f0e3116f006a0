"""What a newcomer's first command leaves behind: the demo company after one `cx run`."""

from __future__ import annotations

import json

from tests.support.demo import DemoWarehouse


def test_a_version_is_published_with_its_marts_report_and_manifest(demo: DemoWarehouse) -> None:
    current = demo.settings.published / "current"
    assert current.is_symlink()
    manifest = json.loads((current / "manifest.json").read_text())
    for table, described in manifest["tables"].items():
        assert demo.value(f"select count(*) from {table}") == described["rows"], table
        assert (current / "parquet" / f"{table}.parquet").is_file()
    assert (current / "report.html").stat().st_size > 10_000
    assert (current / "checks.html").is_file()


def test_every_record_read_is_loaded_or_rejected(demo: DemoWarehouse) -> None:
    read, loaded, rejected = demo.query(
        "select sum(rows_read), sum(rows_total), sum(rows_rejected) from mart_source_freshness"
    )[0]
    assert read == loaded + rejected


def test_every_broken_record_is_counted_with_its_reason(demo: DemoWarehouse) -> None:
    planted = {
        (connection, table): sum(kinds.values())
        for connection, tables in demo.truth["broken"]["counts"].items()
        for table, kinds in tables.items()
    }
    published = demo.query(
        "select source_account, source_table, sum(row_count) from mart_rejected_rows group by 1, 2"
    )
    assert {(connection, table): count for connection, table, count in published} == planted
    assert demo.value("select count(*) from mart_rejected_rows where coalesce(trim(reason), '') = ''") == 0


def test_no_contact_data_is_published(demo: DemoWarehouse) -> None:
    texts = demo.query(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'marts' and data_type = 'VARCHAR'"
    )
    tables: dict[str, list[str]] = {}
    for table, column in texts:
        tables.setdefault(table, []).append(column)
    for table, columns in tables.items():
        matches = " or ".join(f"regexp_matches(\"{column}\", '[^ @]+@[^ @]+[.][a-z]+')" for column in columns)
        assert demo.value(f"select count(*) from {table} where {matches}") == 0, table
