"""The attribution models on rows of one's choice, with their settings as variables of the database."""

from __future__ import annotations

import datetime as dt
import runpy
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import duckdb

from tests.support.dbt_models import DBT_PROJECT, CompiledModels, fill

METHODS = (
    "first", "last", "last_non_direct", "linear", "position", "time_decay", "path_removal", "markov_1", "markov_2",
    "shapley",
)  # fmt: skip
SETTINGS = {
    "lookback_days": 30, "collapse_repeats": True, "drop_direct": False, "keep_idle_visits_of_buyers": True,
}  # fmt: skip
# The models read the settings from the connection: one compilation serves every test.
VARIABLES = {f"attribution_{name}": f"getvariable('{name}')" for name in SETTINGS}
CHANNELS_MODEL = DBT_PROJECT / "models/intermediate/attribution/int_attribution__channels.py"
LEARNING = {"bootstrap_samples": 5, "shapley_exact_channels": 12, "shapley_permutations": 500, "seed": 1}
START = dt.datetime(2026, 1, 5, 12)
LATER = dt.datetime(2030, 1, 1)

Touch = tuple[str, str, dt.datetime, str]  # session, person, start, channel
Conversion = tuple[str, str | None, dt.datetime, str | None]  # key, person, instant, revenue


def build_paths(
    db: duckdb.DuckDBPyConnection,
    models: CompiledModels,
    touches: Iterable[Touch],
    conversions: Iterable[Conversion],
    now: dt.datetime = LATER,
    **settings: Any,
) -> None:
    """Build steps and paths of these touches and conversions."""
    for name, value in {**SETTINGS, **settings}.items():
        db.execute(f"set variable {name} = {value}")
    fill(db, "fct_sessions", [
        {"session_key": key, "person_id": person, "started_at": at.isoformat(sep=" "), "channel_group": channel}
        for key, person, at, channel in touches
    ])  # fmt: skip
    fill(db, "int_attribution__conversions", [
        {"conversion_key": key, "person_id": person, "converted_at": at.isoformat(sep=" "),
         "conversion_date": at.date().isoformat(), "revenue": revenue, "is_tracked": False}
        for key, person, at, revenue in conversions
    ])  # fmt: skip
    fill(db, "int_web__horizon", [{"source_account": "w", "last_event_at": now.isoformat(sep=" ")}])
    models.build(db, "int_attribution__steps", "int_attribution__paths")


def build_credit(db: duckdb.DuckDBPyConnection, models: CompiledModels, learning: Any = None) -> None:
    """Build everything from the paths to the marts, the Python model included."""
    models.build(db, "mart_attribution_paths")
    channels = learnt_channels(db, {**LEARNING, **(learning or {})})
    assert channels is not None
    db.execute("create or replace table warehouse.intermediate.int_attribution__channels as from channels")
    models.build(
        db,
        "int_attribution__weights",
        "mart_attribution_credit",
        "mart_attribution",
        "mart_attribution_models",
    )


def learnt_channels(db: duckdb.DuckDBPyConnection, learning: dict[str, Any]) -> Any:
    """What the Python model returns when dbt calls it."""
    dbt = SimpleNamespace(
        config=SimpleNamespace(meta_get=learning.get), ref=lambda name: db.table(f"cx.marts.{name}")
    )
    return runpy.run_path(str(CHANNELS_MODEL))["model"](dbt, None)


def rows(db: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query."""
    return db.execute(sql).fetchall()


def touch(key: str, days: float, channel: str, person: str = "p") -> Touch:
    """A session so many days after the start."""
    return key, person, START + dt.timedelta(days=days), channel


def conversion(key: str, days: float, revenue: str | None = "100.00", person: str | None = "p") -> Conversion:
    """A conversion so many days after the start."""
    return key, person, START + dt.timedelta(days=days), revenue


def channels_in_order(db: duckdb.DuckDBPyConnection, path_filter: str = "true") -> list[Sequence[Any]]:
    """Path texts with their conversion, in order of begin."""
    return rows(
        db,
        "select path, conversion_key from warehouse.intermediate.int_attribution__paths "
        f"where {path_filter} order by started_at, conversion_key nulls last, path",
    )
