"""The demo company for scenarios that run the whole job again."""

from __future__ import annotations

import pytest

from tests.support.demo import DemoWarehouse, copy_of


@pytest.fixture(scope="module")
def company(demo: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    """A copy of the demo company after its first run, in a home of its own."""
    return copy_of(demo, tmp_path_factory.mktemp("company"))
