"""Asset keys: how a landed table, a dbt node and a published thing are called in the graph."""

from __future__ import annotations

import re

import dagster as dg

LAKE = "lake"


def landed_key(dataset: str, table: str) -> dg.AssetKey:
    """Key of a table in the lake, for example `lake/hubspot__crm/contacts`."""
    return dg.AssetKey([LAKE, dataset, table])


def team(owner: str | None) -> list[str]:
    """An owner in the form Dagster takes: an e-mail as it is, anything else as a team."""
    if not owner:
        return []
    if "@" in owner:
        return [owner]
    return ["team:" + re.sub(r"[^A-Za-z0-9_-]+", "-", owner).strip("-")]
