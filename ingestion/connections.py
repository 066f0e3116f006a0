"""`connections.yml`: which systems are switched on, and who we are. Secrets stand here by name only."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ingestion import registry
from ingestion.core import located_yaml
from ingestion.core.columns import known_zone
from ingestion.core.connector import ConnectorConfig, TableSpec
from ingestion.core.errors import ConfigError
from ingestion.core.located_yaml import YamlPath
from ingestion.core.secrets import lookup
from ingestion.core.validation import validate
from ingestion.funnels import Funnel, parse_funnels, read_funnels
from ingestion.settings import Settings

__all__ = ["Company", "ConfigError", "Connection", "Connections", "dbt_vars", "load_connections"]

_STRICT = ConfigDict(extra="forbid", frozen=True)
_NAME = re.compile(r"^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$")
_VARIABLE = re.compile(r"^[A-Za-z][A-Za-z0-9_.-]{0,99}$")


class Company(BaseModel):
    """Whose warehouse this is; `time_zone` decides local dates and business hours."""

    model_config = _STRICT

    name: str = "Company"
    time_zone: str = "UTC"
    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$")
    country: str = Field(default="PL", pattern=r"^[A-Z]{2}$")

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        return known_zone(value)


class _Entry(BaseModel):
    model_config = _STRICT

    name: str
    connector: str
    settings: dict[str, Any] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)
    required: bool = True
    # one row in twenty: above it the file or API has changed its shape rather than holding a few bad records
    max_rejected_share: float = Field(0.05, ge=0, le=1)

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        if not _NAME.match(value) or len(value) > 40:
            raise ValueError("a name is at most 40 lower-case letters, digits and single underscores")
        return value

    @field_validator("connector")
    @classmethod
    def _connector(cls, value: str) -> str:
        if value not in registry.CONNECTORS:
            known = ", ".join(sorted(registry.CONNECTORS))
            raise ValueError(f"there is no connector {value!r}; there are: {known}")
        return value


class _File(BaseModel):
    model_config = _STRICT

    company: Company = Company()
    connections: list[_Entry] = Field(default_factory=list)
    funnels: Any = None


@dataclass(frozen=True)
class Connection:
    """One switched-on system. `config` is the connector's own validated settings; `line` is its place."""

    name: str
    connector: str
    config: ConnectorConfig
    secrets: dict[str, str] = field(default_factory=dict)
    required: bool = True
    max_rejected_share: float = 0.05
    line: int | None = None
    country: str | None = None
    """The company's country: phone numbers without a prefix belong to it."""

    @property
    def dataset(self) -> str:
        """Folder in the lake and name of the pipeline."""
        return f"{self.connector}__{self.name}"

    @property
    def tables(self) -> dict[str, TableSpec]:
        """All tables it lands, by name."""
        return registry.table_specs(self)


@dataclass(frozen=True)
class Connections:
    """Content of a connections file."""

    company: Company
    connections: list[Connection]
    funnels: tuple[Funnel, ...]
    file: Path

    def __getitem__(self, name: str) -> Connection:
        """The connection of that name. Raises ConfigError when there is none."""
        for connection in self.connections:
            if connection.name == name:
                return connection
        known = ", ".join(c.name for c in self.connections) or "none"
        raise ConfigError(f"there is no connection {name!r}.", f"There are: {known}.", file=self.file)

    @property
    def connectors(self) -> list[str]:
        """Names of the connectors switched on, sorted, each once."""
        return sorted({connection.connector for connection in self.connections})


def load_connections(settings: Settings, *, require_secrets: bool = False) -> Connections:
    """Read and validate the connections file.

    Args:
        settings: names the file and where secrets lie.
        require_secrets: also prove that each named secret has a value (a run needs it, a listing does not).

    Raises:
        ConfigError: naming file, line, key and what to do.
    """
    file = settings.connections_file
    data, lines = located_yaml.load(file)
    parsed = validate(_File, data if data is not None else {}, lines, file)
    connections: list[Connection] = []
    first_lines: dict[str, int | None] = {}
    for index, entry in enumerate(parsed.connections):
        path: YamlPath = ("connections", index)
        line = located_yaml.line_of(lines, path)
        if entry.name in first_lines:
            raise ConfigError(
                f"line {first_lines[entry.name]} has a connection named {entry.name} too.",
                "Rename one.",
                file=file,
                line=line,
            )
        first_lines[entry.name] = line
        connections.append(_connection(entry, path, lines, settings, require_secrets, parsed.company))
    return Connections(parsed.company, connections, _funnels(parsed, lines, settings), file)


def _connection(
    entry: _Entry,
    path: YamlPath,
    lines: dict[YamlPath, int],
    settings: Settings,
    require_secrets: bool,
    company: Company,
) -> Connection:
    file, line = settings.connections_file, located_yaml.line_of(lines, path)
    model = registry.config_class(entry.connector)
    config = validate(model, entry.settings, lines, file, (*path, "settings"))
    allowed = {*model.REQUIRED_SECRETS, *model.OPTIONAL_SECRETS}
    for key, name in entry.secrets.items():
        at = located_yaml.line_of(lines, (*path, "secrets", key))
        where = f"connections.{path[1]}.secrets.{key}"
        if key not in allowed:
            takes = ", ".join(sorted(allowed)) or "none"
            raise ConfigError(
                f"{entry.connector} takes no such secret.",
                f"It takes: {takes}.",
                file=file,
                line=at,
                key=where,
            )
        if not _VARIABLE.match(name):
            # the text itself is not shown: it may be the secret
            raise ConfigError(
                "this is no name of a variable.",
                "Put the name of an environment variable here and the value into that variable.",
                file=file,
                line=at,
                key=where,
            )
        if require_secrets and lookup(settings, name) is None:
            raise ConfigError(
                f"secret {name} is not set.",
                f"Set the environment variable {name}, or the key {name} in {settings.secrets_file}.",
                file=file,
                line=at,
                key=where,
            )
    for key in model.REQUIRED_SECRETS:
        if key not in entry.secrets:
            raise ConfigError(
                f"connection {entry.name} names no secret `{key}`.",
                f"Add `secrets: {{{key}: NAME_OF_VARIABLE}}` to it.",
                file=file,
                line=line,
            )
    return Connection(
        entry.name,
        entry.connector,
        config,
        entry.secrets,
        entry.required,
        entry.max_rejected_share,
        line,
        company.country,
    )


def _funnels(parsed: _File, lines: dict[YamlPath, int], settings: Settings) -> tuple[Funnel, ...]:
    if parsed.funnels is not None:
        return parse_funnels(parsed.funnels, lines, settings.connections_file, ("funnels",))
    default = settings.project_root / "dbt_project" / "funnels.yml"
    return read_funnels(default) if default.is_file() else ()


def dbt_vars(connections: Connections, settings: Settings) -> dict[str, Any]:
    """Variables of a dbt call: connectors switched on, company, funnels, generic tables. JSON-able."""
    from ingestion.core.entities import generic_tables

    company = connections.company
    return {
        "datasets": [connection.dataset for connection in connections.connections],
        "connectors": connections.connectors,
        "company_name": company.name,
        "company_time_zone": company.time_zone,
        "company_currency": company.currency,
        "company_country": company.country,
        "funnels": [funnel.model_dump(mode="json") for funnel in connections.funnels],
        "generic_tables": [
            table for c in connections.connections for table in generic_tables(c, settings.lake)
        ],
    }
