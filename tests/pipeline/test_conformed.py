"""Mappings of the connectors onto the canonical entities, on the hand-made lake."""

from __future__ import annotations

import hashlib
from typing import Any

import duckdb
import pytest
import yaml

from ingestion.settings import PROJECT_ROOT

CONFORMED = PROJECT_ROOT / "dbt_project" / "models" / "conformed"


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


def key(*parts: str) -> str:
    """Key of a conformed row, computed apart from the macro."""
    return hashlib.md5("|".join(parts).encode()).hexdigest()


@pytest.mark.parametrize("file", sorted(CONFORMED.glob("cx_*.yml")), ids=lambda file: file.stem)
def test_the_table_has_the_columns_of_its_yaml_in_order(
    hand_made: duckdb.DuckDBPyConnection, file: Any
) -> None:
    model = yaml.safe_load(file.read_text(encoding="utf-8"))["models"][0]
    types = {"string": "VARCHAR", "decimal(18,4)": "DECIMAL(18,4)", "decimal(5,4)": "DECIMAL(5,4)"}
    declared = [(c["name"], types.get(c["data_type"], c["data_type"].upper())) for c in model["columns"]]
    found = rows(hand_made, f"select column_name, column_type from (describe conformed.{model['name']})")
    assert found == declared


def test_keys_are_the_md5_of_system_account_object_and_id(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(hand_made, "select customer_key from conformed.cx_customer where source_account = 'emea'")
    assert found == [(key("hubspot", "emea", "contacts", "101"),)]


def test_a_merged_contact_points_to_its_winner(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        hand_made,
        "select master_customer_key, is_deleted from conformed.cx_customer"
        " where source_account = 'crm' and source_id = '77'",
    )
    assert found == [(key("hubspot", "crm", "contacts", "101"), True)]


def test_the_winner_holds_the_ids_of_the_merged_contacts(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        hand_made,
        "select id_value from conformed.cx_customer_identifier where id_type = 'external_id:hubspot'"
        f" and customer_key = '{key('hubspot', 'crm', 'contacts', '101')}' order by 1",
    )
    assert found == [("crm:101",), ("crm:77",), ("crm:88",)]


def test_further_emails_are_normalised_and_not_repeated(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        hand_made,
        "select id_value, is_primary from conformed.cx_customer_identifier where id_type = 'email'"
        f" and customer_key = '{key('hubspot', 'crm', 'contacts', '101')}' order by 1",
    )
    assert found == [("ana@example.com", True), ("ana@old.example", False)]


def test_every_identifier_belongs_to_a_customer_of_its_source(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        hand_made,
        "select i.source_system, i.source_id from conformed.cx_customer_identifier as i"
        " anti join conformed.cx_customer as c using (customer_key)",
    )
    assert found == []


def test_only_won_deals_are_orders_with_the_oldest_contact(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        hand_made,
        "select source_id, cast(ordered_at as date)::text, customer_key, net_amount::text, currency"
        " from conformed.cx_order where order_type = 'deal' order by 1",
    )
    # 7001: contact 102 came before 1010; 7003 has neither close date nor currency
    assert found == [
        ("7001", "2026-01-08", key("hubspot", "crm", "contacts", "102"), "1200.5000", "PLN"),
        ("7003", "2026-01-05", None, None, "EUR"),
    ]


def test_blank_names_are_null_and_sizes_are_bands(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        hand_made,
        "select source_id, name, size_band, domain from conformed.cx_account"
        " where source_system = 'hubspot' order by 1",
    )
    assert found == [("5001", "Acme", "50-249", "acme.example"), ("5002", None, "1000+", None)]


def test_agents_are_no_customers_and_inactive_users_are_deleted(hand_made: duckdb.DuckDBPyConnection) -> None:
    customers = rows(
        hand_made,
        "select source_id, is_deleted from conformed.cx_customer where source_system = 'zendesk' order by 1",
    )
    agents = rows(
        hand_made, "select source_id, team, active from conformed.cx_agent where source_system = 'zendesk'"
    )
    assert customers == [("20", False), ("21", True)]
    assert agents == [("30", "First line", True)]


def test_tickets_have_canonical_status_and_channel(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        hand_made,
        "select source_id, status, channel, is_deleted, merged_into_ticket_key, order_ref"
        " from conformed.cx_support_ticket order by 1",
    )
    assert found == [
        ("1", "solved", "email", False, None, "O-1"),
        ("2", "deleted", "email", True, None, None),
        ("3", "closed", "email", False, key("zendesk", "help", "tickets", "1"), None),
        ("4", "open", "other", False, None, None),
    ]


def test_ticket_events_of_one_moment_sort_by_id_as_numbers(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        hand_made,
        "select old_value, new_value, actor_agent_key from conformed.cx_ticket_event order by occurred_at, source_id",
    )
    assert found == [(None, "new", None), ("new", "solved", key("zendesk", "help", "users", "30"))]


def test_messages_know_their_direction_author_and_channel(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        hand_made,
        "select source_id, direction, author_type, channel, body_text from conformed.cx_message order by 1",
    )
    assert found == [
        ("1|1", "inbound", "customer", "email", None),
        ("1|2", "outbound", "agent", "email", None),
        ("1|3", "internal", "agent", "email", None),
        ("1|4", "outbound", "system", "email", None),
    ]


def test_an_offered_rating_is_no_response_and_good_is_one_of_one(
    hand_made: duckdb.DuckDBPyConnection,
) -> None:
    found = rows(
        hand_made,
        "select source_id, score::int, scale_min::int, scale_max::int, cast(submitted_at as date)::text, comment_text"
        " from conformed.cx_survey_response where source_system = 'zendesk'",
    )
    assert found == [("1", 1, 0, 1, "2026-01-08", "Great")]


def test_responses_of_a_person_share_one_record(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        hand_made,
        "select r.source_id, c.source_id, r.completion from conformed.cx_survey_response as r"
        " left join conformed.cx_customer as c using (customer_key)"
        " where r.source_system = 'typeform' order by 1",
    )
    assert found == [
        ("f|r1", "user_id:u-1", "complete"),
        ("f|r2", "email:ana@example.com", "complete"),
        ("f|r3", None, "complete"),
        ("f|r4", "user_id:u-1", "complete"),
    ]


def test_one_answer_row_per_chosen_option(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        hand_made,
        "select a.option_ref, q.question_ref, q.type from conformed.cx_survey_answer as a"
        " inner join conformed.cx_survey_question as q on a.question_key = q.survey_question_key"
        " where a.source_id like 'f|r2|%' order by 1 nulls first",
    )
    assert found == [(None, "nps", "nps"), ("a", "q2", "other"), ("b", "q2", "other")]


def test_web_events_have_canonical_names_beside_their_own(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        hand_made,
        "select source_id, event_name, raw_event_name, value::text from conformed.cx_web_event"
        " where event_name <> 'page_view' order by 1",
    )
    assert found == [
        ("day1.csv#1", "other", "line_written", None),
        ("day2.csv#1", "refund", "refund", None),
        ("e3", "purchase", "purchase", "12.5000"),
    ]


def test_a_rewritten_file_replaces_all_its_rows(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(hand_made, "select source_id, net_amount::text from conformed.cx_order_line order by 1")
    assert found == [("day1.csv#1", "11.0000"), ("day2.csv#1", "-3.0000")]


def test_a_grouped_mapping_gives_one_row_per_group_and_none_without_id(
    hand_made: duckdb.DuckDBPyConnection,
) -> None:
    orders = rows(
        hand_made,
        "select source_id, net_amount::text, customer_key from conformed.cx_order"
        " where source_system = 'shop_files' order by 1",
    )
    people = rows(hand_made, "select source_id from conformed.cx_customer where source_system = 'shop_files'")
    assert orders == [
        ("A", "11.0000", key("shop_files", "shop", "people", "p1")),
        ("B", "-3.0000", None),
    ]
    assert people == [("p1",)]


def test_local_dates_of_generic_events_are_in_the_companys_zone(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        hand_made,
        "select distinct event_at::text, event_date_local::text, time_zone from conformed.cx_web_event"
        " where source_system = 'shop_files'",
    )
    assert found == [("2026-01-01 23:30:00", "2026-01-02", "Europe/Warsaw")]


def test_generic_events_of_a_bot_are_marked_by_their_user_agent(hand_made: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        hand_made,
        "select raw_event_name, is_bot from conformed.cx_web_event where source_system = 'shop_files' order by 1",
    )
    assert found == [("line_written", False), ("refund", True)]


def test_rows_of_a_table_are_deleted_by_tombstone_and_live_when_landed_again(
    hand_made: duckdb.DuckDBPyConnection,
) -> None:
    found = rows(
        hand_made,
        "select source_id, display_name, is_deleted from conformed.cx_customer where source_system = 'sql' order by 1",
    )
    assert found == [("1", "One, changed", False), ("2", "Two", True), ("3", "Three", False)]


def test_a_snapshot_is_its_newest_load(hand_made: duckdb.DuckDBPyConnection) -> None:
    assert rows(hand_made, "select name from conformed.cx_agent where source_system = 'sql'") == [("Ola",)]
