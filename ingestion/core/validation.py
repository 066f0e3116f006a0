"""Pydantic validation whose errors name file, line, key and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ingestion.core import located_yaml
from ingestion.core.errors import ConfigError
from ingestion.core.located_yaml import YamlPath

Model = TypeVar("Model", bound=BaseModel)


def validate(
    model: type[Model],
    data: Any,
    lines: Mapping[YamlPath, int],
    file: Path,
    prefix: YamlPath = (),
) -> Model:
    """`data` as `model`.

    Args:
        model: what `data` must be.
        data: settings as read from YAML.
        file: where they stand, for the message.
        lines: line of each value by path, from `located_yaml.load`.
        prefix: path of `data` in the file.

    Raises:
        ConfigError: the first problem, with its line.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = (*prefix, *(part for part in first["loc"] if part != "__root__"))
        known = _known_path(path, lines)
        problem, step = _words(first, model)
        line = located_yaml.line_of(lines, known)
        raise ConfigError(
            problem, step, file=file, line=line, key=".".join(map(str, known or path))
        ) from None


def _known_path(path: YamlPath, lines: Mapping[YamlPath, int]) -> YamlPath:
    """`path` without the parts that pydantic adds (names of union members), as far as the file knows it."""
    known: YamlPath = ()
    for index, part in enumerate(path):
        if (*known, part) in lines or index == len(path) - 1:
            known = (*known, part)
    return known


def _words(first: Any, model: type[BaseModel]) -> tuple[str, str]:
    kind, name = first["type"], str(first["loc"][-1]) if first["loc"] else ""
    if kind == "extra_forbidden":
        names = _field_names(model)
        near = difflib.get_close_matches(name, names, n=1)
        return "unknown key.", f"Did you mean `{near[0]}`?" if near else "Remove it, or correct its name."
    if kind == "missing":
        return "this key is missing.", f"Add `{name}`."
    return f"{first['msg'].removeprefix('Value error, ')}.", "Correct the value."


def _field_names(model: type[BaseModel], seen: set[type] | None = None) -> set[str]:
    """Field names of a model and of the models inside it, to suggest the nearest."""
    seen = seen if seen is not None else set()
    if model in seen:
        return set()
    seen.add(model)
    names: set[str] = set()
    for name, info in model.model_fields.items():
        names.add(info.alias or name)
        stack = [info.annotation]
        while stack:
            annotation = stack.pop()
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                names |= _field_names(annotation, seen)
            stack.extend(getattr(annotation, "__args__", ()))
    return names
