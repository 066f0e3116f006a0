"""Funnels as configuration: steps, units, order modes, windows and exclusions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ingestion.core import located_yaml
from ingestion.core.located_yaml import YamlPath
from ingestion.core.validation import validate

_STRICT = ConfigDict(extra="forbid", frozen=True)
_ID = r"^[a-z][a-z0-9_]*$"


class _Matcher(BaseModel):
    """Which rows are meant: those that match any of the lists."""

    model_config = _STRICT

    event_names: tuple[str, ...] = ()
    raw_event_names: tuple[str, ...] = ()
    interaction_types: tuple[str, ...] = ()
    touchpoint_ids: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _matches_something(self) -> Self:
        if not (self.event_names or self.raw_event_names or self.interaction_types or self.touchpoint_ids):
            raise ValueError("needs event_names, raw_event_names, interaction_types or touchpoint_ids")
        return self


class FunnelStep(_Matcher):
    """One step.

    `within_minutes`: it counts only when the step before lies less than so many minutes back; null = only the
    window of the whole funnel holds.
    """

    name: str = Field(pattern=_ID)
    within_minutes: int | None = Field(None, ge=1, le=60 * 24 * 366)


class FunnelExclusion(_Matcher):
    """Rows that take an entry out of the funnel when they lie between two of its steps.

    `after`, `before`: names of these steps; null = first and last. Where the entry never gets to `before`, rows up to
    the end of its window count.
    """

    after: str | None = None
    before: str | None = None


class Funnel(BaseModel):
    """One funnel.

    `ordered`: a step counts only after the step before it, others may lie between; `strict`: the same, up to the
    first step of this funnel that lies between; `any`: each step counts by itself, whether or not the others were
    done, and over the whole history.
    `window_hours` runs from the entry of the unit; null = no end, so no entry of a person is in progress.
    Unit `cart`: the cart of a person (docs/decisions/cart-abandonment.md); only events of carts can be steps of it.
    """

    model_config = _STRICT

    id: str = Field(pattern=_ID)
    name: str
    units: tuple[Literal["person", "session", "cart"], ...] = ("person", "session")
    order_modes: tuple[Literal["ordered", "strict", "any"], ...] = ("ordered",)
    # a week: most shop decisions fall within it, and it keeps the share of immature entries small
    window_hours: int | None = Field(168, ge=1, le=24 * 366)
    steps: tuple[FunnelStep, ...] = Field(min_length=2, max_length=20)
    segments: tuple[Literal["device_type", "channel", "customer_segment"], ...] = ("device_type", "channel")
    connections: tuple[str, ...] = ()
    """Only events of these connections; empty = all."""
    exclusions: tuple[FunnelExclusion, ...] = ()

    @model_validator(mode="after")
    def _steps_fit(self) -> Self:
        names = [step.name for step in self.steps]
        if len(set(names)) != len(names):
            raise ValueError("step names must differ")
        if self.steps[0].within_minutes is not None:
            raise ValueError("the first step has no step before it, so no within_minutes")
        if self.exclusions and "any" in self.order_modes:
            raise ValueError("exclusions lie between steps, and order mode any has no between: take it out")
        for exclusion in self.exclusions:
            after, before = exclusion.after or names[0], exclusion.before or names[-1]
            if unknown := {after, before} - set(names):
                raise ValueError(f"an exclusion names no step: {', '.join(sorted(unknown))}")
            if names.index(after) >= names.index(before):
                raise ValueError(f"an exclusion must lie between two steps: {after} is not before {before}")
        return self


class FunnelList(BaseModel):
    """All funnels of an installation."""

    model_config = _STRICT

    funnels: tuple[Funnel, ...] = ()

    @model_validator(mode="after")
    def _ids_differ(self) -> FunnelList:
        ids = [funnel.id for funnel in self.funnels]
        if len(set(ids)) != len(ids):
            raise ValueError("funnel ids must differ")
        return self


def read_funnels(file: Path) -> tuple[Funnel, ...]:
    """Funnels of a YAML file that holds a list, or a mapping with the key `funnels`.

    Raises:
        ConfigError: naming file, line and key.
    """
    data, lines = located_yaml.load(file)
    return parse_funnels(data, lines, file)


def parse_funnels(
    data: Any, lines: Mapping[YamlPath, int], file: Path, prefix: YamlPath = ()
) -> tuple[Funnel, ...]:
    """Validate funnel settings already read; `prefix` is their place in the file."""
    if isinstance(data, dict) and set(data) == {"funnels"}:
        data, prefix = data["funnels"], (*prefix, "funnels")
    size = len(prefix)
    shifted: dict[YamlPath, int] = {
        ("funnels", *path[size:]): line for path, line in lines.items() if path[:size] == prefix
    }
    return validate(FunnelList, {"funnels": data or ()}, shifted, file).funnels
