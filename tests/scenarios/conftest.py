"""A small demo company for scenarios that run the whole job several times."""

from __future__ import annotations

import pytest

from tests.support.demo import DemoWarehouse, generate

SMALL = ("--customers", "200", "--days", "60")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    """The small company after one run that nothing disturbed. Tests leave its published tables as they are."""
    company = generate(tmp_path_factory.mktemp("undisturbed"), *SMALL)
    company.run()
    return company
