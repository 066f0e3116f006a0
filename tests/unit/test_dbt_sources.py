"""The dbt sources are what the connectors' schemas say."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ingestion.core.bookkeeping import FILES_SEEN, LOAD_METRICS, REJECTED_ROWS
from ingestion.core.connector import TableSpec
from ingestion.core.dbt_sources import SQL_TYPES, source_files
from ingestion.settings import PROJECT_ROOT

FILES = list(source_files())


def test_every_vendor_connector_has_a_sources_file() -> None:
    assert {path.parent.name for path, _ in FILES} >= {"hubspot", "zendesk", "typeform", "ga4_export"}


@pytest.mark.parametrize(("path", "content"), FILES, ids=[path.parent.name for path, _ in FILES])
def test_the_committed_file_is_current(path: Path, content: str) -> None:
    assert path.read_text(encoding="utf-8") == content, (
        f"{path.name} is not what schema.py says: run python -m ingestion.core.dbt_sources"
    )


@pytest.mark.parametrize("spec", [REJECTED_ROWS, LOAD_METRICS, FILES_SEEN], ids=lambda spec: spec.name)
def test_the_tables_of_every_dataset_have_the_columns_ingestion_writes(spec: TableSpec) -> None:
    file = PROJECT_ROOT / "dbt_project" / "models" / "staging" / "lake" / "_lake__sources.yml"
    tables = yaml.safe_load(file.read_text(encoding="utf-8"))["sources"][0]["tables"]
    columns = next(table["columns"] for table in tables if table["name"] == spec.name)
    assert {c["name"]: c["data_type"] for c in columns} == {
        name: SQL_TYPES.get(kind, kind) for name, kind in spec.columns.items()
    }
