"""Funnels as configuration: steps, units, order mode and window."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ingestion.core import located_yaml
from ingestion.core.located_yaml import YamlPath
from ingestion.core.validation import validate

_STRICT = ConfigDict(extra="forbid", frozen=True)
_ID = r"^[a-z][a-z0-9_]*$"


class FunnelStep(BaseModel):
    """One step; a row belongs to it when it matches any of the lists."""

    model_config = _STRICT

    name: str = Field(pattern=_ID)
    event_names: tuple[str, ...] = ()
    raw_event_names: tuple[str, ...] = ()
    interaction_types: tuple[str, ...] = ()
    touchpoint_ids: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _matches_something(self) -> FunnelStep:
        if not (self.event_names or self.raw_event_names or self.interaction_types or self.touchpoint_ids):
            raise ValueError("a step needs event_names, raw_event_names, interaction_types or touchpoint_ids")
        return self


class Funnel(BaseModel):
    """One funnel.

    `ordered`: a step counts only after the step before it, others may lie between; `any`: each step
    counts by itself, whether or not the others were done, and over the whole history.
    `window_hours` runs from the entry of the person or session; null = no end, so no entry is in progress.
    """

    model_config = _STRICT

    id: str = Field(pattern=_ID)
    name: str
    units: tuple[Literal["person", "session"], ...] = ("person", "session")
    order_modes: tuple[Literal["ordered", "any"], ...] = ("ordered",)
    # a week: most shop decisions fall within it, and it keeps the share of immature entries small
    window_hours: int | None = Field(168, ge=1, le=24 * 366)
    steps: tuple[FunnelStep, ...] = Field(min_length=2, max_length=20)
    segments: tuple[Literal["device_type", "channel", "customer_segment"], ...] = ("device_type", "channel")
    connections: tuple[str, ...] = ()
    """Only events of these connections; empty = all."""

    @model_validator(mode="after")
    def _step_names_differ(self) -> Funnel:
        names = [step.name for step in self.steps]
        if len(set(names)) != len(names):
            raise ValueError("step names must differ")
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
    shifted = {("funnels", *path[size:]): line for path, line in lines.items() if path[:size] == prefix}
    return validate(FunnelList, {"funnels": data or ()}, shifted, file).funnels
