"""Staging keeps the current version of each record, from completed loads only."""

from __future__ import annotations

from typing import Any

import duckdb


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


def contact(connection: duckdb.DuckDBPyConnection, number: str, columns: str) -> tuple[Any, ...]:
    found = rows(
        connection,
        f"select {columns} from staging.stg_hubspot__contacts"
        f" where source_account = 'crm' and hubspot_contact_id = '{number}'",
    )
    assert len(found) == 1
    return found[0]


def test_each_record_stands_once_per_connection(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        hand_made,
        "select source_account, hubspot_contact_id from staging.stg_hubspot__contacts order by 1, 2",
    )
    assert found == [("crm", n) for n in ("101", "102", "103", "104", "105", "106", "107", "77")] + [
        ("emea", "101")
    ]


def test_a_torn_load_is_never_opened(hand_made: duckdb.DuckDBPyConnection) -> None:
    assert (
        rows(hand_made, "select * from staging.stg_hubspot__contacts where hubspot_contact_id = '999'") == []
    )


def test_the_later_row_of_a_load_wins_a_tie(hand_made: duckdb.DuckDBPyConnection) -> None:
    assert contact(hand_made, "103", "first_name") == ("Second row",)


def test_the_later_load_wins_a_tie_and_load_ids_compare_as_numbers(
    hand_made: duckdb.DuckDBPyConnection,
) -> None:
    assert contact(hand_made, "104", "first_name, _dlt_load_id") == ("Second load", "1767600000.62")


def test_an_older_version_that_arrives_late_changes_nothing(hand_made: duckdb.DuckDBPyConnection) -> None:
    assert contact(hand_made, "105", "first_name") == ("Newer",)


def test_a_column_that_older_loads_lack_is_null_there(hand_made: duckdb.DuckDBPyConnection) -> None:
    assert contact(hand_made, "101", "loyalty_card") == ("LC4711",)
    assert contact(hand_made, "103", "loyalty_card") == (None,)


def test_a_tombstone_flags_the_record_with_its_first_known_time(hand_made: duckdb.DuckDBPyConnection) -> None:
    assert contact(hand_made, "102", "is_deleted, cast(deleted_at as date)::text") == (True, "2026-01-10")


def test_a_record_landed_again_after_its_tombstone_lives(hand_made: duckdb.DuckDBPyConnection) -> None:
    assert contact(hand_made, "106", "is_deleted, deleted_at") == (False, None)


def test_an_archived_record_is_deleted_without_a_tombstone(hand_made: duckdb.DuckDBPyConnection) -> None:
    assert contact(hand_made, "107", "is_deleted") == (True,)


def test_a_merged_record_names_its_winner(hand_made: duckdb.DuckDBPyConnection) -> None:
    assert contact(hand_made, "77", "is_deleted, merged_into_id, cast(deleted_at as date)::text") == (
        True,
        "101",
        "2026-01-19",
    )


def test_links_that_the_newest_reading_no_longer_holds_are_gone(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        hand_made,
        "select from_id, to_id from staging.stg_hubspot__associations where from_type = 'contacts'",
    )
    assert found == [("101", "5001")]


def test_the_vendors_version_clock_decides_not_the_update_time(hand_made: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        hand_made, "select status from staging.stg_zendesk__tickets where zendesk_ticket_id = '1'"
    ) == [("solved",)]


def test_documented_duplicates_of_an_export_are_one_row(hand_made: duckdb.DuckDBPyConnection) -> None:
    assert rows(hand_made, "select count(*) from staging.stg_zendesk__ticket_events") == [(2,)]


def test_answers_that_a_later_version_of_the_response_lacks_are_gone(
    hand_made: duckdb.DuckDBPyConnection,
) -> None:
    found = rows(
        hand_made,
        "select typeform_field_id, value_number from staging.stg_typeform__response_answers"
        " where typeform_response_id = 'r1'",
    )
    assert [(field, float(number)) for field, number in found] == [("q1", 8.0)]


def test_a_response_deleted_by_its_composite_id_is_flagged(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        hand_made,
        "select typeform_response_id from staging.stg_typeform__responses where is_deleted",
    )
    assert found == [("r3",)]


def test_only_the_newest_load_of_a_daily_file_counts(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(hand_made, "select ga4_event_id from staging.stg_ga4_export__events order by 1")
    # e2 fell out of the restated 5th, e4 out of the 6th, e5 with the emptied file of the 7th
    assert found == [("e1",), ("e3",), ("e6",), ("e7",)]


def test_an_event_in_two_files_of_a_day_counts_once_from_the_greater_path(
    hand_made: duckdb.DuckDBPyConnection,
) -> None:
    found = rows(
        hand_made,
        "select device_category from staging.stg_ga4_export__events where ga4_event_id = 'e1'",
    )
    assert found == [("tablet",)]


def test_pairs_of_login_and_browser_stand_once_with_first_and_last_sight(
    hand_made: duckdb.DuckDBPyConnection,
) -> None:
    found = rows(
        hand_made,
        "select user_id, user_pseudo_id, event_count from staging.stg_ga4_export__identified_users",
    )
    assert found == [("u-1", "p1", 2)]


def test_load_figures_name_dataset_and_connection(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        hand_made,
        "select dataset, source_system, source_account, rows_read, rows_loaded + rows_rejected"
        " from staging.stg_lake__load_metrics where source_system = 'zendesk'",
    )
    assert found == [("zendesk__help", "zendesk", "help", 4, 4)]
