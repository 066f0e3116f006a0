"""The Dagster code location named in workspace.yaml."""

from ingestion.settings import load_settings
from orchestration.graph import build_definitions

defs = build_definitions(load_settings())
