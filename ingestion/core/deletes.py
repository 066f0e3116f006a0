"""Deletes and merges are data: side tables beside the table they speak of, appended like any row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ingestion.core.connector import Batch, TableSpec

if TYPE_CHECKING:
    from ingestion.core.connector import RunContext

KEY_SEPARATOR = "|"
"""Joins the parts of a composite key in `source_id`."""


def deletes_spec(spec: TableSpec) -> TableSpec:
    """`<table>__deletes`: one row per tombstone seen."""
    return TableSpec(
        name=f"{spec.name}__deletes",
        description=f"One row per deletion of a record of {spec.name} that was noticed.",
        columns={
            "source_id": "text",
            "deleted_at": "timestamp",
            "detected_at": "timestamp",
            "method": "text",
        },
        key=("source_id",),
        owner=spec.owner,
    )


def merges_spec(spec: TableSpec) -> TableSpec:
    """`<table>__merges`: one row per record that was merged into another."""
    return TableSpec(
        name=f"{spec.name}__merges",
        description=f"One row per record of {spec.name} that the source merged into another.",
        columns={
            "losing_id": "text",
            "winning_id": "text",
            "merged_at": "timestamp",
            "detected_at": "timestamp",
            "method": "text",
        },
        key=("losing_id", "winning_id"),
        owner=spec.owner,
    )


def tombstones(ctx: RunContext, table: str, source_ids: Iterable[str], method: str, at: Any) -> Batch:
    """Batch for `<table>__deletes`; method: api_flag, archived_list, delta_token, key_reconciliation."""
    rows = [
        {"source_id": source_id, "deleted_at": at, "detected_at": ctx.started_at, "method": method}
        for source_id in source_ids
    ]
    return ctx.rows(f"{table}__deletes", rows, f"{table}__deletes")


def merge_rows(ctx: RunContext, table: str, pairs: Iterable[tuple[str, str, Any]], method: str) -> Batch:
    """Batch for `<table>__merges` from (losing id, winning id, time of the merge or None)."""
    rows = [
        {
            "losing_id": losing,
            "winning_id": winning,
            "merged_at": at,
            "detected_at": ctx.started_at,
            "method": method,
        }
        for losing, winning, at in pairs
    ]
    return ctx.rows(f"{table}__merges", rows, f"{table}__merges")
