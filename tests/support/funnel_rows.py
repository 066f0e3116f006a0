"""Rows of events for the funnel models, and these models built from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from tests.support.dbt_models import CompiledModels, fill

START = dt.datetime(2026, 1, 5)
"""Second 0 of the tests, a Monday."""


def instant(second: int) -> str:
    """Second of the test period as the text of a timestamp."""
    return (START + dt.timedelta(seconds=second)).isoformat(sep=" ")


def put_events(
    db: duckdb.DuckDBPyConnection,
    rows: Sequence[dict[str, Any]],
    horizon: int,
    sessions: Mapping[str, Any] | None = None,
) -> None:
    """Fill events, their sessions and the horizon; `rows` name unit, session, at (seconds), key and name."""
    fill(db, "int_web__events", [
        {"web_event_key": r["key"], "source_system": "t", "source_account": "t",
         "session_key": r.get("session", r["unit"]), "person_id": r["unit"],
         "is_logged_in": False, "event_name": r["name"], "raw_event_name": r["name"],
         "event_at": instant(r["at"]), "event_date_local": instant(r["at"])[:10], "touchpoint_id": "unmapped",
         "value": r.get("value"), "currency": r.get("currency", "EUR"), "transaction_id": r.get("transaction")}
        for r in rows
    ])  # fmt: skip
    spans: dict[str, list[int]] = {}
    for r in rows:
        spans.setdefault(r.get("session", r["unit"]), []).append(r["at"])
    fill(db, "fct_sessions", [
        {"session_key": key, "person_id": "-", "session_number": 1, "has_login": False,
         "session_date": instant(min(ats))[:10], "started_at": instant(min(ats)), "ended_at": instant(max(ats)),
         "duration_seconds": max(ats) - min(ats), "event_count": len(ats), "page_view_count": 0, "conversion_count": 0,
         "is_engaged": True, "is_closed": max(ats) + 1800 < horizon, "purchase_count": 0, "valued_purchase_count": 0,
         "currency": "EUR", "source": "(direct)", "medium": "(none)", "channel_group": "Direct",
         "source_system": "t", "source_account": "t", **(sessions or {}).get(key, {})}
        for key, ats in spans.items()
    ])  # fmt: skip
    fill(db, "int_web__horizon", [
        {"source_account": "t", "first_event_at": instant(0), "last_event_at": instant(horizon)}
    ])  # fmt: skip


def build(db: duckdb.DuckDBPyConnection, models: CompiledModels, *more: str) -> None:
    """Build the funnel models from the events."""
    models.build(
        db, "int_funnel__steps", "int_funnel__segments", "int_funnel__cart_events", "int_funnel__carts"
    )
    models.build(db, "int_funnel__walks", "int_funnel__entry_steps", *more)


def rows_of(text: str, unit: str = "p1") -> list[dict[str, Any]]:
    """Events of a line like 'view_item@0 add_to_cart@60'."""
    return [
        {"unit": unit, "key": f"{unit}-{i:03d}", "name": part.split("@")[0], "at": int(part.split("@")[1])}
        for i, part in enumerate(text.split())
    ]


def as_rows(stream: list[tuple[str, int, str]]) -> list[dict[str, Any]]:
    """Generated events with unique keys whose order says nothing about their time."""
    return [
        {"unit": unit, "at": at, "name": name, "key": f"{(i * 7919) % 10_007:05d}"}
        for i, (unit, at, name) in enumerate(stream)
    ]
