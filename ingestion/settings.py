"""Where everything lies: one data home, one connections file, derived paths."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[1]

_TELEMETRY_OFF = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


@dataclass(frozen=True)
class Settings:
    """Paths of one installation. Every path is absolute; `prepare` creates the folders."""

    home: Path
    connections_file: Path
    secrets_file: Path
    project_root: Path = PROJECT_ROOT

    @property
    def lake(self) -> Path:
        """Raw Parquet: `<connector>__<connection>/<table>/*.parquet`."""
        return self.home / "lake"

    @property
    def pipelines(self) -> Path:
        """Working folders of the dlt pipelines: pending packages, cursors, schemas."""
        return self.home / "pipelines"

    @property
    def warehouse(self) -> Path:
        """Build database, one writer."""
        return self.home / "warehouse" / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """Published versions `v1`, `v2` … and the `current` link."""
        return self.home / "published"

    @property
    def work(self) -> Path:
        """Work file of the next version; dbt attaches it as `cx`."""
        return self.published / ".work" / "cx.duckdb"

    @property
    def dbt_target(self) -> Path:
        """dbt target folder (manifest.json, compiled SQL)."""
        return self.home / "dbt"

    @property
    def dagster_home(self) -> Path:
        """Instance folder of Dagster: run history, schedules."""
        return self.home / "dagster"

    @property
    def checks(self) -> Path:
        """Results of the data checks, JSON and HTML."""
        return self.home / "checks"

    @property
    def locks(self) -> Path:
        """OS lock files; the kernel frees them when a process dies."""
        return self.home / "locks"

    def prepare(self) -> Settings:
        """Create the folders and switch telemetry off; returns itself."""
        for folder in (
            self.lake,
            self.pipelines,
            self.warehouse.parent,
            self.work.parent,
            self.dbt_target,
            self.dagster_home,
            self.checks,
            self.locks,
        ):
            folder.mkdir(parents=True, exist_ok=True)
        telemetry_off()
        return self


def load_settings(home: Path | str | None = None, connections_file: Path | str | None = None) -> Settings:
    """Settings from arguments, else from the environment, else defaults below the current folder.

    Args:
        home: data home; default `$CX_HOME`, else `./data`.
        connections_file: default `$CX_CONNECTIONS`, else `./connections.yml`.
    """
    home_path = Path(home or os.environ.get("CX_HOME") or "data").expanduser().resolve()
    connections = Path(connections_file or os.environ.get("CX_CONNECTIONS") or "connections.yml")
    secrets = Path(os.environ.get("CX_SECRETS_FILE") or home_path / "secrets.toml")
    return Settings(home_path, connections.expanduser().resolve(), secrets.expanduser().resolve())


def telemetry_off() -> None:
    """Switch off usage statistics of dlt, dbt and Great Expectations (Dagster: dagster.yaml)."""
    os.environ.update(_TELEMETRY_OFF)
