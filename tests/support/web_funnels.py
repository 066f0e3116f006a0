"""The funnels with which the tests compile the models from identifiers to leaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SHOP = ("product_view", "add_to_cart", "cart", "shipping_details", "payment_details", "purchase")
# Steps by canonical name, none of which can meet the same event.
APART = [["view_item"], ["add_to_cart"], ["begin_checkout"], ["purchase"]]
# One event may serve two steps: step 2 repeats step 1, step 3 shares a name with step 2.
SHARED = [["page_view"], ["page_view", "search"], ["search", "view_item"]]
CART = [["add_to_cart"], ["begin_checkout"], ["purchase"]]


def funnel(
    name: str,
    steps: Sequence[Sequence[str]],
    window_hours: int | None,
    *,
    raw: bool = False,
    units: Sequence[str] = ("person", "session"),
    order_modes: Sequence[str] = ("ordered", "strict", "any"),
    within_minutes: Mapping[int, int] | None = None,
    exclusions: Sequence[tuple[Sequence[str], int, int]] = (),
) -> dict[str, Any]:
    """Configuration of a funnel as ingestion gives it to dbt; steps are s1, s2, …, numbered from 1.

    Args:
        within_minutes: step -> minutes after the step before.
        exclusions: names of events, step after which and step before which they exclude.
    """

    def match(names: Sequence[str]) -> dict[str, Any]:
        return {
            "event_names": [] if raw else list(names), "raw_event_names": list(names) if raw else [],
            "interaction_types": [], "touchpoint_ids": [],
        }  # fmt: skip

    return {
        "id": name, "name": name.title(), "units": list(units), "order_modes": list(order_modes),
        "window_hours": window_hours, "segments": ["device_type", "channel"], "connections": [],
        "steps": [
            {"name": f"s{i}", "within_minutes": (within_minutes or {}).get(i), **match(names)}
            for i, names in enumerate(steps, 1)
        ],
        "exclusions": [
            {"after": f"s{after}", "before": f"s{before}", **match(names)} for names, after, before in exclusions
        ],
    }  # fmt: skip


FUNNELS = {
    "apart": (APART, 2),
    "shared": (SHARED, 2),
    "unbounded": (APART, None),
    "timed": (APART, 2),
    "timed_shared": (SHARED, 2),
    "excluding": (APART, 2),
    "carted": (CART, None),
    "shop": ([[name] for name in SHOP], 168),
}
WITHIN = {"timed": {2: 1, 3: 60}, "timed_shared": {2: 1, 3: 1}}
# No search between s1 and s3, no page_view between s2 and s4.
EXCLUSIONS = {"excluding": [(["search"], 1, 3), (["page_view"], 2, 4)]}
_UNITS = {"carted": ("cart",)}


def web_funnels() -> list[dict[str, Any]]:
    """Configurations of all funnels above."""
    return [
        funnel(
            name,
            steps,
            window,
            raw=name == "shop",
            units=_UNITS.get(name, ("person", "session")),
            order_modes=("ordered", "strict") if name in EXCLUSIONS else ("ordered", "strict", "any"),
            within_minutes=WITHIN.get(name),
            exclusions=EXCLUSIONS.get(name, ()),
        )
        for name, (steps, window) in FUNNELS.items()
    ]
