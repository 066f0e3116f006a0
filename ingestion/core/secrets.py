"""Secret values by name: the environment first, then the dlt secrets file."""

from __future__ import annotations

import os
import tomllib
from typing import TYPE_CHECKING, Any

from ingestion.core.errors import ConfigError

if TYPE_CHECKING:
    from ingestion.connections import Connection
    from ingestion.settings import Settings


def lookup(settings: Settings, name: str) -> str | None:
    """Value of the environment variable `name`, else of the (dotted) key `name` of the secrets file."""
    if value := os.environ.get(name):
        return value
    if not settings.secrets_file.is_file():
        return None
    try:
        node: Any = tomllib.loads(settings.secrets_file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        # the message of the parser may quote the line, and the line may hold a secret
        raise ConfigError(
            "the secrets file is not valid TOML.", "Correct it.", file=settings.secrets_file
        ) from error.with_traceback(None)
    if name in node and not isinstance(node[name], dict):
        return str(node[name]) or None
    for part in name.split("."):
        if not isinstance(node, dict) or part not in node:
            return None
        node = node[part]
    return None if isinstance(node, dict) else str(node) or None


def resolve_secret(settings: Settings, connection: Connection, key: str) -> str:
    """Value of the secret `key` of a connection. Raises ConfigError when it is not set anywhere."""
    name = connection.secrets.get(key)
    if name is None:
        raise ConfigError(
            f"connection {connection.name} names no secret `{key}`.",
            f"Add `secrets: {{{key}: NAME_OF_VARIABLE}}` to it.",
            file=settings.connections_file,
            line=connection.line,
        )
    value = lookup(settings, name)
    if value is None:
        raise ConfigError(
            f"secret {name} (`{key}` of connection {connection.name}) is not set.",
            f"Set the environment variable {name}, or the key {name} in {settings.secrets_file}.",
            file=settings.connections_file,
            line=connection.line,
        )
    return value


def redact(text: str, values: list[str]) -> str:
    """`text` without the given secret values."""
    for value in sorted((v for v in values if v), key=len, reverse=True):
        text = text.replace(value, "***")
    return text
