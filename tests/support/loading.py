"""An installation in a temporary folder, and what its lake holds after a load."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from ingestion.connections import Connection, load_connections
from ingestion.core import lake
from ingestion.core.connector import LoadResult
from ingestion.pipeline import run_connection
from ingestion.settings import Settings, load_settings


def installation(folder: Path, *connections: dict[str, Any], **top: Any) -> Settings:
    """Settings of a data home below `folder` with these connections."""
    file = folder / "connections.yml"
    file.write_text(
        yaml.safe_dump({"connections": list(connections), **top}, sort_keys=False), encoding="utf-8"
    )
    return load_settings(folder / "home", file).prepare()


def files_connection(*tables: dict[str, Any], name: str = "shop", **more: Any) -> dict[str, Any]:
    """A `files` connection for the connections file."""
    return {"name": name, "connector": "files", "settings": {"tables": list(tables)}, **more}


def connection_of(settings: Settings, name: str = "shop") -> Connection:
    """The connection of that name."""
    return load_connections(settings)[name]


def load(settings: Settings, name: str = "shop") -> LoadResult:
    """Run one connection."""
    return run_connection(settings, connection_of(settings, name))


def landed(settings: Settings, table: str, name: str = "shop") -> list[dict[str, Any]]:
    """All completed rows of a table."""
    return lake.scan(settings.lake / connection_of(settings, name).dataset, table).to_pylist()


def current_file_rows(settings: Settings, table: str, name: str = "shop") -> list[dict[str, Any]]:
    """Rows of the newest load of each file, as staging reads them, ordered by file and line."""
    newest: dict[str, Decimal] = {}
    for row in landed(settings, "files_seen", name):
        if row["source_table"] == table:
            newest[row["file"]] = max(newest.get(row["file"], Decimal(0)), Decimal(row["_dlt_load_id"]))
    rows = [
        r for r in landed(settings, table, name) if Decimal(r["_dlt_load_id"]) == newest.get(r["_cx_file"])
    ]
    return sorted(rows, key=lambda row: (row["_cx_file"], row["_cx_file_row"]))


def without_system(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without the columns that differ from load to load."""
    return [{k: v for k, v in row.items() if k not in ("_dlt_load_id", "_cx_row")} for row in rows]
