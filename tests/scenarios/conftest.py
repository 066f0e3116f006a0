"""A small demo company for scenarios that run the whole job several times."""

from __future__ import annotations

import pytest

from tests.support.built_once import built_once
from tests.support.demo import DemoWarehouse, at_home, copy_of, generate

SMALL = ("--customers", "200", "--days", "60")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    """The small company after one run that nothing disturbed; no test runs anything in this home."""
    return at_home(built_once(tmp_path_factory, "undisturbed", lambda home: generate(home, *SMALL).run()))


@pytest.fixture(scope="module")
def company(undisturbed: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    """A copy of the small company after its first run, in a home of its own."""
    return copy_of(undisturbed, tmp_path_factory.mktemp("company"))
