"""The declared shape of every model, read from the dbt project's YAML."""

from __future__ import annotations

from pathlib import Path

import duckdb
import yaml

MARTS = Path(__file__).parents[2] / "dbt_project" / "models" / "marts"
_TYPES = {"string": "varchar"}


def mart_columns() -> dict[str, dict[str, str]]:
    """DuckDB type of each column of each mart."""
    return {
        model["name"]: {
            column["name"]: _TYPES.get(column["data_type"], column["data_type"])
            for column in model["columns"]
        }
        for file in sorted(MARTS.rglob("*.yml"))
        for model in yaml.safe_load(file.read_text(encoding="utf-8")).get("models", [])
    }


def create_empty_marts(database: Path) -> None:
    """A DuckDB file with every mart in its declared shape and without rows."""
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema marts")
        for name, columns in mart_columns().items():
            listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            connection.execute(f"create table marts.{name} ({listed})")
