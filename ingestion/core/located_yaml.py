"""YAML whose values know their line, so that an error in a setting can name it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ingestion.core.errors import ConfigError

YamlPath = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """Booleans are `true` and `false` only: `country: NO` is Norway."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def load(file: Path) -> tuple[Any, dict[YamlPath, int]]:
    """Content of a YAML file, and the line (from 1) of each value by its path.

    Raises:
        ConfigError: the file is missing, no valid YAML, or names a key twice.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            "there is no such file.", "Create it, or name another with CX_CONNECTIONS.", file=file
        ) from None
    except UnicodeDecodeError:
        raise ConfigError("the file is not UTF-8 text.", "Save it as UTF-8.", file=file) from None
    lines: dict[YamlPath, int] = {}
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None, {}
        _walk(node, (), lines, file)
        return loader.construct_document(node), lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError(
            f"not valid YAML: {getattr(error, 'problem', None) or 'cannot be read'}.",
            "Correct the indentation, quotes or brackets there.",
            file=file,
            line=mark.line + 1 if mark else None,
        ) from None
    finally:
        loader.dispose()


def line_of(lines: Mapping[YamlPath, int], path: YamlPath) -> int | None:
    """Line of the longest known prefix of `path`."""
    for length in range(len(path), -1, -1):
        if (found := lines.get(path[:length])) is not None:
            return found
    return None


def _walk(node: yaml.Node, path: YamlPath, lines: dict[YamlPath, int], file: Path) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            child = (*path, str(key.value))
            if child in lines:
                raise ConfigError(
                    "this key stands twice.",
                    "Keep one of them.",
                    file=file,
                    line=key.start_mark.line + 1,
                    key=".".join(map(str, child)),
                )
            lines[child] = key.start_mark.line + 1
            _walk(value, child, lines, file)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, (*path, index), lines, file)
