"""Models from identifiers to leaks, compiled once per test session, with the funnels that the tests use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.dbt_models import CompiledModels

SHOP = ("product_view", "add_to_cart", "cart", "shipping_details", "payment_details", "purchase")
# Steps by canonical name, none of which can meet the same event.
APART = [["view_item"], ["add_to_cart"], ["begin_checkout"], ["purchase"]]
# One event may serve two steps: step 2 repeats step 1, step 3 shares a name with step 2.
SHARED = [["page_view"], ["page_view", "search"], ["search", "view_item"]]


def funnel(
    name: str, steps: Sequence[Sequence[str]], window_hours: int | None, *, raw: bool = False
) -> dict[str, Any]:
    """Configuration of a funnel as ingestion gives it to dbt."""
    return {
        "id": name, "name": name.title(), "units": ["person", "session"], "order_modes": ["ordered", "any"],
        "window_hours": window_hours, "segments": ["device_type", "channel"], "connections": [],
        "steps": [
            {"name": f"s{i}", "event_names": [] if raw else list(names), "raw_event_names": list(names) if raw else [],
             "interaction_types": [], "touchpoint_ids": []}
            for i, names in enumerate(steps, 1)
        ],
    }  # fmt: skip


FUNNELS = {
    "apart": (APART, 2),
    "shared": (SHARED, 2),
    "unbounded": (APART, None),
    "shop": ([[name] for name in SHOP], 168),
}

_compiled: list[CompiledModels] = []


def web_models(tmp_path_factory: pytest.TempPathFactory) -> CompiledModels:
    """SQL of the identity, session and funnel models; compiled on first use."""
    if not _compiled:
        variables = [
            funnel(name, steps, window, raw=name == "shop") for name, (steps, window) in FUNNELS.items()
        ]
        _compiled.append(
            CompiledModels.of(
                tmp_path_factory,
                "web_models",
                "path:models/intermediate/identity path:models/intermediate/web path:models/intermediate/funnel "
                "path:models/marts/funnel fct_sessions",
                funnels=variables,
            )
        )
    return _compiled[0]
