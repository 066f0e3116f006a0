"""Fixtures that all tests share: each example is loaded, built and published once per session."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.built_once import built_once

if TYPE_CHECKING:
    from tests.support.demo import DemoWarehouse
    from tests.support.warehouse import Warehouse

# Small data: a second thread of dbt costs a tenth more CPU and saves no time beside another worker.
os.environ.setdefault("CX_DBT_THREADS", "1")

# What each example reads below the reference data; a test that asks for one is skipped where it is absent.
REFERENCE_FOLDERS = {
    "olist": ("real", "olist"),
    "uci_online_retail": ("real", "uci_online_retail"),
    "retentioneering": ("real", "retentioneering_ecom"),
    "zendesk_incidents": ("peers", "zendesk_incidents"),
}

# Examples that are built with all data tests: between them they fill orders, surveys, CRM and repeat purchase.
TESTED = ("olist", "uci_online_retail")


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Warehouse]:
    """`warehouse("olist")` is that example's published warehouse, built on first use."""
    from tests.support.reference_data import require_reference_data

    failed: dict[str, Exception] = {}

    def get(name: str) -> Warehouse:
        from ingestion.connections import load_connections
        from tests.support.warehouse import Warehouse, build_warehouse, example_settings

        require_reference_data(*REFERENCE_FOLDERS[name])
        if name in failed:  # the tests of a broken example fail at once instead of building it again each
            raise failed[name]
        try:
            home = built_once(
                tmp_path_factory,
                name,
                lambda home: build_warehouse(example_settings(name, home), tests=name in TESTED),
            )
        except Exception as error:
            failed[name] = error
            raise
        settings = example_settings(name, home)
        return Warehouse(settings, load_connections(settings))

    return get


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    """The demo company at its default size after one `cx run`: loaded, checked, built, audited, published."""
    from tests.support.demo import at_home, generate

    def build(home: Path) -> None:
        line = generate(tmp_path_factory, home).run()
        assert "published v1" in line, line

    return at_home(built_once(tmp_path_factory, "demo", build))


# A file goes to one worker; these take longest, so they start first and the short ones fill the gaps. The demo company
# is built by the worker that comes first, and the other waits for it.
LONG_FILES = (
    "scenarios/test_killed_runs.py",
    "scenarios/test_web_ui.py",
    "pipeline/test_day_by_day.py",
    "pipeline/test_increments.py",
    "marts/test_reference_figures.py",
    "marts/test_identity.py",
    "pipeline/test_conformed.py",
    "scenarios/test_demo_company.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(item.config.rootpath / "tests").as_posix()
        return LONG_FILES.index(path) if path in LONG_FILES else len(LONG_FILES)

    items.sort(key=place)
