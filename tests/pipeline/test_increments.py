"""Build after build over sources that change, against one build from scratch: every table holds the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.changing_company import DATASETS, ChangingCompany, generic_tables
from tests.support.comparison import differences
from tests.support.dbt_models import ParsedProject, open_build_file
from tests.support.web_funnels import APART, funnel

CHAIN = "+int_web__increment +int_web__excluded +fct_sessions +fct_interactions +fct_journeys"
# They say what the build did, not what the data are.
ABOUT_THE_BUILD = frozenset({"int_web__increment", "int_web__scope"})
# A build of the chain takes about 8 s of CPU, nearly all of it dbt's own, so all tests share one line of builds.
INCREMENTS = 10
BROKEN_OFF = 5
# Alone 150 s.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def _funnel() -> dict[str, Any]:
    """Of persons, sessions and carts; the order itself, a contact, is the last step."""
    shop = funnel("shop", [*APART, []], 24, units=("person", "session", "cart"))
    shop["steps"][-1]["interaction_types"] = ["order"]
    return shop


class Builds:
    """Builds over the lake of a company."""

    def __init__(self, root: Path, seed: int) -> None:
        self.company = ChangingCompany.founded(root / "lake", seed)
        self.root = root
        self.is_built = False
        self.project = ParsedProject(
            self._home("increments"),
            lake=root / "lake",
            connectors=["ga4_export", "files", "sql"],
            datasets=list(DATASETS),
            generic_tables=generic_tables(),
            funnels=[_funnel()],
        )

    def _home(self, name: str) -> Path:
        home = self.root / name
        home.mkdir()
        open_build_file(home).close()
        return home

    def run(self, select: str = CHAIN) -> None:
        # Views stand since the first build; they are a third of the models.
        stand = ("--exclude", "config.materialized:view") if self.is_built else ()
        self.project.run(select, *stand)
        self.is_built = True

    def differing_from_scratch(self) -> dict[str, str]:
        """Tables that a build from scratch over the same lake fills otherwise."""
        other = self._home("scratch")
        self.project.run(CHAIN, "--full-refresh", home=other)
        found = {}
        for file, schemas in (("warehouse.duckdb", ("conformed", "intermediate")), ("cx.duckdb", ("marts",))):
            found |= differences(
                self.project.home / file, other / file, schemas, ignore=frozenset(), skip=ABOUT_THE_BUILD
            )
        return {name: what for name, what in found.items() if "__scope__" not in name}

    def row(self, sql: str) -> tuple:
        with duckdb.connect(str(self.project.home / "warehouse.duckdb"), read_only=True) as con:
            (row,) = con.execute(sql).fetchall()
        return row

    def worked_through(self) -> tuple:
        """(is_increment, devices, sessions, persons) of the last build."""
        return self.row(
            "select is_increment, device_count, session_count, person_count from intermediate.int_web__increment"
        )

    def events_without_a_session(self) -> int:
        """Events that count and that no session holds, though a device or login is known."""
        (count,) = self.row(
            "select (select count(*) from conformed.cx_web_event where not is_deleted and not is_test"
            " and not coalesce(is_bot, false)) - (select sum(event_count) from intermediate.int_web__sessions)"
            " - (select coalesce(sum(event_count), 0) from intermediate.int_web__excluded"
            " where reason in ('no_stream', 'too_long'))"
        )
        return count


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Builds:
    """A build from scratch, then ten increments, one of which broke off half-way."""
    made = Builds(tmp_path_factory.mktemp("increments"), seed=20261201)
    made.run()
    assert made.worked_through() == (False, 0, 0, 0)
    for number in range(INCREMENTS):
        made.company.change()
        if number == BROKEN_OFF:
            made.run("+int_web__sessions")
            made.company.change()
        made.run()
        is_increment, devices, sessions, persons = made.worked_through()
        assert is_increment and min(devices, sessions, persons) > 0
    return made


def test_increments_equal_a_build_from_scratch(builds: Builds) -> None:
    assert builds.differing_from_scratch() == {}
    assert builds.events_without_a_session() == 0


def test_a_build_without_news_works_nothing_through(builds: Builds) -> None:
    builds.run()
    assert builds.worked_through() == (True, 0, 0, 0)


def test_a_change_that_is_not_noted_is_missed(builds: Builds) -> None:
    """The negative control: without the list of changed devices events are in no session."""
    builds.company.change()
    builds.run("+cx_web_event")
    with duckdb.connect(str(builds.project.home / "warehouse.duckdb")) as con:
        con.execute("delete from conformed.cx_web_event__changed")
    builds.run()
    assert builds.events_without_a_session() != 0
