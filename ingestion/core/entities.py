"""Mapping of generic tables onto canonical entities, checked against the entities' own definition.

The YAML beside each `cx_<entity>` model is the one definition of its columns; it is read here, so that a
mapping onto a column that does not exist is an error of the connections file, not of a build an hour later.
"""

from __future__ import annotations

import difflib
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ingestion.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestion.connections import Connection

COMMON_COLUMNS = frozenset(
    {"source_created_at", "source_updated_at", "is_deleted", "deleted_at", "is_test", "source_id"}
)
"""Common columns a mapping may fill; the others (source_system, extracted_at …) are known to the build."""

_INPUTS = {"web_event": frozenset({"user_agent"})}
"""What a mapping may give for the build to judge by, without it being kept: user agents mark bots."""

_GENERATED = frozenset({"source_system", "source_account", "source_object", "extracted_at", "dlt_load_id"})


class Ref(BaseModel):
    """Foreign key of a canonical column: the entity that another table of this connection fills.

    Args:
        ref: `<table>.<entity or source_object>`.
        id: SQL expression over this table that gives the source id there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ref: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
    id: str = Field(min_length=1)


class EntityMapping(BaseModel):
    """One canonical entity filled from one table.

    Args:
        entity: canonical name, such as `order`.
        columns: canonical column -> SQL expression over the typed columns of the table, or a `Ref`.
            `source_id` is required unless the table's key is a single column.
        where: SQL condition on the rows.
        group_by: SQL expressions; one entity row per group.
        source_object: name of the object in keys; default the table's name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    entity: str
    columns: dict[str, str | Ref]
    where: str | None = None
    group_by: tuple[str, ...] = ()
    source_object: str | None = Field(None, pattern=r"^[a-z][a-z0-9_]*$")

    @field_validator("columns", mode="before")
    @classmethod
    def _scalars_are_sql(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: _number_as_sql(given) for name, given in value.items()}
        return value

    @model_validator(mode="after")
    def _columns_exist(self) -> EntityMapping:
        known = canonical_entities()
        if not known:
            return self
        if self.entity not in known:
            raise ValueError(f"there is no entity {self.entity!r}; there are: {', '.join(sorted(known))}")
        allowed = known[self.entity] - _GENERATED - {f"{self.entity}_key"} | COMMON_COLUMNS
        allowed |= _INPUTS.get(self.entity, frozenset())
        for column in self.columns:
            if column not in allowed:
                near = difflib.get_close_matches(column, allowed, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(sorted(allowed))}"
                raise ValueError(f"entity {self.entity!r} has no column {column!r}; {hint}")
        if self.group_by and "user_agent" in self.columns:
            raise ValueError("user_agent belongs to single events; it cannot be given with group_by")
        return self


def _number_as_sql(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def canonical_entities(project: Path = PROJECT_ROOT) -> dict[str, frozenset[str]]:
    """Columns of each canonical entity by its name without `cx_`, from the models' YAML files."""
    files = sorted((project / "dbt_project" / "models" / "conformed").glob("*.y*ml"))
    return _read_entities(tuple((file, file.stat().st_mtime_ns) for file in files))


@functools.lru_cache(maxsize=4)
def _read_entities(files: tuple[tuple[Path, int], ...]) -> dict[str, frozenset[str]]:
    entities: dict[str, frozenset[str]] = {}
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for file, _ in files:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=loader) or {}
        for model in content.get("models") or ():
            name = model.get("name", "")
            if name.startswith("cx_") and "__" not in name:
                columns = frozenset(column["name"] for column in model.get("columns") or ())
                entities[name.removeprefix("cx_")] = columns
    return entities


def check_refs(tables: Iterable[Any]) -> None:
    """Raise ValueError when a `Ref` names no entity of the tables (objects with `name` and `entities`)."""
    tables = list(tables)
    for table in tables:
        for mapping in table.entities:
            for column, value in mapping.columns.items():
                if isinstance(value, Ref):
                    try:
                        target(tables, value)
                    except LookupError as error:
                        where = f"{table.name}: {mapping.entity}.{column}"
                        raise ValueError(f"{where}: {error.args[0]}") from None


def target(tables: Iterable[Any], ref: Ref) -> tuple[str, str]:
    """(entity, source_object) that a ref points to. Raises LookupError."""
    table_name, wanted = ref.ref.split(".")
    tables = list(tables)
    table = next((t for t in tables if t.name == table_name), None)
    if table is None:
        known = ", ".join(t.name for t in tables)
        raise LookupError(f"ref {ref.ref!r}: there is no table {table_name!r}; there are: {known}")
    for mapping in table.entities:
        if wanted in (mapping.entity, mapping.source_object):
            return mapping.entity, mapping.source_object or table.name
    offered = ", ".join(m.entity for m in table.entities) or "none"
    raise LookupError(f"ref {ref.ref!r}: table {table_name!r} fills no such entity; it fills: {offered}")


def generic_tables(connection: Connection, lake: Path) -> list[dict[str, Any]]:
    """What dbt needs to know of a `files` or `sql` connection, one entry per table; empty for others.

    Columns that a database table does not declare are taken from what has landed in `lake`.
    """
    tables = getattr(connection.config, "tables", None)
    if connection.connector not in ("files", "sql") or not tables:
        return []
    specs = connection.tables
    return [
        {
            "dataset": connection.dataset,
            "connector": connection.connector,
            "connection": connection.name,
            "source_system": getattr(connection.config, "source_system", "") or connection.connector,
            "table": table.name,
            "columns": {**_landed_columns(connection, lake, table), **specs[table.name].columns},
            "system_columns": dict(specs[table.name].system_columns),
            "key": list(specs[table.name].key),
            "version_column": specs[table.name].version,
            "per_file": connection.connector == "files",
            "snapshot": specs[table.name].snapshot,
            "deletes": specs[table.name].deletes,
            "entities": [_entity(mapping, table, tables) for mapping in table.entities],
        }
        for table in tables
    ]


def _landed_columns(connection: Connection, lake: Path, table: Any) -> dict[str, str]:
    if table.columns:
        return {}
    from ingestion.core.arrow import ARROW_TYPES
    from ingestion.core.lake import landed_types

    # JSON is text in the lake
    names = {arrow: name for name, arrow in ARROW_TYPES.items() if name != "json"}
    landed = landed_types(lake / connection.dataset, table.name)
    return {c: names[t] for c, t in landed.items() if t in names and not c.startswith(("_cx_", "_dlt_"))}


def _entity(mapping: EntityMapping, table: Any, tables: Iterable[Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name, value in mapping.columns.items():
        if isinstance(value, Ref):
            entity, source_object = target(tables, value)
            columns[name] = {"entity": entity, "source_object": source_object, "id": value.id}
        else:
            columns[name] = value
    columns.setdefault("source_id", _default_id(table))
    return {
        "entity": mapping.entity,
        "source_object": mapping.source_object or table.name,
        "columns": columns,
        "where": mapping.where,
        "group_by": list(mapping.group_by),
    }


def _default_id(table: Any) -> str:
    """SQL of the record's id: the key, its parts joined by `|`; without a key the place in the file."""
    if not table.key:
        return "_cx_file || '#' || cast(_cx_file_row as varchar)"
    parts = [f"cast({column} as varchar)" for column in table.key]
    return " || '|' || ".join(parts)
