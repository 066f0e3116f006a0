"""Suites as data files: read, checked, and errors that name the line."""

import textwrap
from pathlib import Path

import pytest

from expectations.derived import combined, derived_suite, softened
from expectations.suites import Check, load_folder, load_suite
from ingestion.connections import Connection
from ingestion.core.bookkeeping import LOAD_METRICS
from ingestion.core.connector import ConnectorConfig, TableSpec
from ingestion.core.errors import ConfigError

GOOD = """\
table: tickets
description: One row per version of a ticket.
pii: [subject]
plain: [status]
checks:
  - type: expect_column_values_to_be_in_set
    kwargs: {column: status, value_set: [open, closed]}
    severity: error
  - type: row_count_not_collapsed
    kwargs: {min_share: 0.5}
    severity: warn
    meta: {why: A day's load is never half of the history.}
"""


def write(folder: Path, text: str, name: str = "tickets.yml") -> Path:
    file = folder / name
    file.write_text(textwrap.dedent(text))
    return file


def test_a_suite_is_read_with_its_checks_in_order(tmp_path):
    suite = load_suite(write(tmp_path, GOOD))
    assert suite.table == "tickets"
    assert [check.type for check in suite.checks] == [
        "expect_column_values_to_be_in_set",
        "row_count_not_collapsed",
    ]
    assert [check.is_blocking for check in suite.checks] == [True, False]
    assert suite.pii == {"subject"}
    assert suite.checks[0].title() == "status is one of open, closed"
    assert suite.checks[1].title() == "at least 50% of the rows published before"


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        (
            "expect_column_values_to_be_in_set",
            "expect_column_values_to_be_in_sett",
            6,
            "no such type of check",
        ),
        ("severity: warn", "severity: warning", 11, "'critical', 'error' or 'warn'"),
        ("    severity: error\n", "    severty: error\n", 8, "Did you mean `severity`"),
        ("column: status, ", "", 6, "Add column to kwargs"),
        ("column: status,", "colum: x, column: status,", 6, "does not take colum"),
        ("    meta: {why: A day's load is never half of the history.}\n", "", 9, "no reason for min_share"),
        ("table: tickets", "table: ticket", 1, "Name it ticket.yml"),
        ("pii: [subject]", "pi: [subject]", 3, "Did you mean `pii`"),
    ],
)
def test_an_error_names_file_line_and_what_to_do(tmp_path, old, new, line, words):
    file = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ConfigError) as error:
        load_suite(file)
    assert str(error.value).startswith(f"{file}:{line}: ")
    assert words in str(error.value)


def test_a_rule_in_sql_must_read_the_table_it_checks(tmp_path):
    file = write(
        tmp_path,
        "table: tickets\nchecks:\n  - {type: unexpected_rows, kwargs: {query: select 1 where false}}\n",
    )
    with pytest.raises(ConfigError, match=r"Write \{batch\}"):
        load_suite(file)


def test_a_folder_that_is_not_there_holds_no_suites(tmp_path):
    assert load_folder(tmp_path / "nothing") == {}


SPEC = TableSpec(
    name="tickets",
    columns={"id": "text", "status": "text", "updated_at": "timestamp"},
    key=("id",),
    version="updated_at",
    required=("id", "updated_at"),
    expected_hours=30,
)


def connection(**changes) -> Connection:
    return Connection(name="desk", connector="zendesk", config=ConnectorConfig(), **changes)


def test_a_declaration_implies_columns_order_keys_and_counts():
    suite = derived_suite(SPEC, connection(), ["tickets"])
    assert [(check.type, check.kwargs.get("column")) for check in suite.checks] == [
        ("expect_table_columns_to_match_set", None),
        ("expect_compound_columns_to_be_unique", None),
        ("expect_column_values_to_not_be_null", "id"),
        ("expect_column_values_to_not_be_null", "updated_at"),
        ("unexpected_rows", None),
    ]
    assert all(check.meta.why for check in suite.checks)
    assert suite.hide_text


def test_the_metrics_of_a_connection_carry_its_limit_and_its_hours():
    suite = derived_suite(LOAD_METRICS, connection(max_rejected_share=0.02), ["tickets"], hours=30)
    assert [check.title() for check in suite.checks][-3:] == [
        "rows read = rows loaded + rows rejected, in each load",
        "at most 2.0% of the newest load rejected, in each table",
        "loaded within the last 30 hours",
    ]


def test_own_checks_are_added_and_replace_those_on_the_same_subject(tmp_path):
    base = derived_suite(SPEC, connection(), ["tickets"])
    extra = load_suite(
        write(
            tmp_path,
            """\
            table: tickets
            plain: [status]
            checks:
              - {type: expect_column_values_to_not_be_null, kwargs: {column: id}, severity: critical}
              - {type: expect_column_values_to_not_be_null, kwargs: {column: status}}
            """,
        )
    )
    suite = combined(base, extra)
    assert len(suite.checks) == len(base.checks) + 1
    assert [check.severity for check in suite.checks if check.kwargs.get("column") == "id"] == ["critical"]
    assert "status" in suite.plain


def test_a_connection_that_is_not_required_only_warns():
    suite = softened(derived_suite(SPEC, connection(required=False), ["tickets"]))
    assert {check.severity for check in suite.checks} == {"warn"}


def test_each_type_of_check_has_a_sentence():
    from expectations.suites import GX_TYPES, OWN_TYPES

    for kind in {*GX_TYPES, *OWN_TYPES}:
        assert Check(type=kind, kwargs={}).title()
