"""The dbt sources of the vendors' tables, written from their `schema.py`: one definition, two readers.

`python -m ingestion.core.dbt_sources` writes `dbt_project/models/staging/<connector>/_<connector>__sources.yml`;
a test compares the files with what this module would write.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path

from ingestion import registry
from ingestion.core.connector import ColumnType, TableSpec
from ingestion.core.deletes import deletes_spec, merges_spec
from ingestion.settings import PROJECT_ROOT

GENERIC = frozenset({"files", "sql"})
"""Connectors whose tables come from the connections file; dbt learns of them by its vars."""

SQL_TYPES: dict[ColumnType, str] = {"text": "string", "json": "string", "decimal": "decimal(18,4)"}


def source_files(project: Path = PROJECT_ROOT) -> Iterator[tuple[Path, str]]:
    """(path, content) of the sources file of each vendor connector that has a `schema.py`."""
    for connector in sorted(set(registry.CONNECTORS) - GENERIC):
        folder = project / "dbt_project" / "models" / "staging" / connector
        schema = importlib.import_module(f"{registry.CONNECTORS[connector]}.schema")
        yield folder / f"_{connector}__sources.yml", sources_yaml(connector, schema.TABLES)


def sources_yaml(connector: str, tables: dict[str, TableSpec]) -> str:
    """Sources YAML of one connector: its tables and their `__deletes` and `__merges`, all columns typed."""
    lines = [
        "# Written by `python -m ingestion.core.dbt_sources` from the connector's schema.py.",
        "version: 2",
        "",
        "sources:",
        f"  - name: {connector}",
        f"    schema: raw_{connector}",
        f"    config: {{meta: {{lake: {connector}}}}}",
        "    tables:",
    ]
    for spec in tables.values():
        lines += _table(spec)
        lines += _table(deletes_spec(spec)) if spec.deletes else []
        lines += _table(merges_spec(spec)) if spec.merges else []
    return "\n".join(lines) + "\n"


def _table(spec: TableSpec) -> list[str]:
    meta = f"key: [{', '.join(spec.key)}], expected_hours: {spec.expected_hours}"
    meta += f", version: {spec.version}" if spec.version else ""
    meta += f", owner: {spec.owner or 'data-engineering'}"
    lines = [
        f"      - name: {spec.name}",
        f"        description: {json.dumps(spec.description)}",
        f"        config: {{meta: {{{meta}}}}}",
        "        columns:",
    ]
    for name, kind in {**spec.columns, **spec.system_columns}.items():
        lines.append(f'          - {{name: {name}, data_type: "{SQL_TYPES.get(kind, kind)}"}}')
    return lines


def main() -> None:
    """Write every file that differs."""
    for path, content in source_files():
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            print(f"written: {path}")


if __name__ == "__main__":
    main()
