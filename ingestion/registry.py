"""Connectors by name; nothing of a connector is imported before it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ingestion.core.bookkeeping import LOAD_METRICS, REJECTED_ROWS
from ingestion.core.connector import ConnectorConfig, TableSpec
from ingestion.core.deletes import deletes_spec, merges_spec

if TYPE_CHECKING:
    from ingestion.connections import Connection

CONNECTORS: Mapping[str, str] = {
    "files": "ingestion.generic.files",
    "sql": "ingestion.generic.sql",
    "hubspot": "ingestion.connectors.hubspot",
    "ga4_export": "ingestion.connectors.ga4_export",
    "zendesk": "ingestion.connectors.zendesk",
    "typeform": "ingestion.connectors.typeform",
}


def config_class(connector: str) -> type[ConnectorConfig]:
    """The pydantic class of a connector's settings. Raises KeyError for an unknown connector."""
    return importlib.import_module(f"{CONNECTORS[connector]}.config").Config


def source_module(connector: str) -> Any:
    """`source.py` of a connector, with its client libraries."""
    return importlib.import_module(f"{CONNECTORS[connector]}.source")


def table_specs(connection: Connection) -> dict[str, TableSpec]:
    """All tables a connection lands, by name: data, `__deletes`, `__merges`, rejected rows, load metrics.

    Imports only the connector's `config` and `schema`.
    """
    schema = importlib.import_module(f"{CONNECTORS[connection.connector]}.schema")
    base = schema.tables(connection.config) if hasattr(schema, "tables") else schema.TABLES
    specs = dict(base)
    for spec in base.values():
        if spec.deletes:
            specs[f"{spec.name}__deletes"] = deletes_spec(spec)
        if spec.merges:
            specs[f"{spec.name}__merges"] = merges_spec(spec)
    specs[REJECTED_ROWS.name] = REJECTED_ROWS
    specs[LOAD_METRICS.name] = LOAD_METRICS
    return specs
