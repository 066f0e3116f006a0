"""How models are written: the declared columns or nothing, and what stands stays when a build fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.dbt_models import ParsedProject, open_build_file, parsed

MODEL = "int_web__horizon"
FIRST = "cast('2026-01-01' as timestamp) as first_event_at"
LAST = "cast('2026-01-02' as timestamp) as last_event_at"
DECLARED = f"select 'a' as source_account, {FIRST}, {LAST}"
STANDS = [("a", "2026-01-01 00:00:00", "2026-01-02 00:00:00")]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ParsedProject:
    made = ParsedProject(tmp_path_factory.mktemp("materializations"), parsed(tmp_path_factory))
    open_build_file(made.home).close()
    return made


@pytest.fixture(autouse=True)
def standing(project: ParsedProject) -> Iterator[None]:
    """The table with one row; after the test it still holds it."""
    project.replace(MODEL, DECLARED)
    project.run(MODEL)
    assert rows(project) == STANDS
    yield
    assert rows(project) == STANDS


def rows(project: ParsedProject) -> list[tuple]:
    with open_build_file(project.home, read_only=True) as con:
        return con.execute(
            "select source_account, cast(first_event_at as varchar), cast(last_event_at as varchar) "
            f"from warehouse.intermediate.{MODEL}"
        ).fetchall()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (DECLARED.replace("last_event_at", "last_seen_at"), "last_seen_at"),
        (DECLARED + ", 1 as more", "more"),
        (f"select 'a' as source_account, {FIRST}", "last_event_at"),
        (DECLARED.replace("as timestamp", "as date"), "DATE"),
        (DECLARED + " where error('torn') is null", "torn"),
        (DECLARED.replace("'a'", "cast(null as varchar)"), "NOT NULL"),
    ],
    ids=["other name", "one more", "one fewer", "other type", "error in the query", "null in a key"],
)
def test_a_model_that_breaks_its_contract_stops_and_leaves_what_stood(
    project: ParsedProject, query: str, message: str
) -> None:
    project.replace(MODEL, query)
    with pytest.raises(AssertionError, match=message):
        project.run(MODEL)


def test_order_of_columns_is_that_of_the_contract(project: ParsedProject) -> None:
    project.replace(MODEL, f"select {LAST}, 'a' as source_account, {FIRST}")
    project.run(MODEL)


def test_a_view_may_become_a_table_and_back(project: ParsedProject) -> None:
    for kind in ("view", "table", "view"):
        project.replace(MODEL, DECLARED, materialized=kind)
        project.run(MODEL)
        assert rows(project) == STANDS
    project.replace(MODEL, DECLARED, materialized="table")
    project.run(MODEL)
