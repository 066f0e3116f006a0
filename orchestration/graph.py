"""The graph of what is switched on in the connections file, for one data home.

Building it imports neither Great Expectations nor any connector's client, and reads a prepared dbt manifest.
"""

from __future__ import annotations

import dagster as dg

from ingestion.connections import load_connections
from ingestion.settings import Settings
from orchestration import dbt_build
from orchestration.assets.build import build_model_assets, dbt_resource, mart_keys
from orchestration.assets.checks import build_audit, build_landing_checks
from orchestration.assets.ingest import build_ingest_asset
from orchestration.assets.serve import build_serving_assets
from orchestration.schedules import daily_job, daily_schedule


def build_definitions(settings: Settings) -> dg.Definitions:
    """All assets, checks, jobs and schedules for one connections file and data home.

    Args:
        settings: where the connections file and the data home lie.

    Raises:
        ConfigError: the connections file is wrong.
        CxError: dbt cannot parse the project.
    """
    settings.prepare()
    connections = load_connections(settings)
    manifest = dbt_build.prepare(settings, connections)
    marts = mart_keys(manifest)
    ingest = build_ingest_asset(settings, connections)
    checks = [build_audit(settings, marts)]
    if ingest is not None:
        checks.append(build_landing_checks(settings, connections, sorted(ingest.keys)))
    job = daily_job()
    return dg.Definitions(
        assets=[
            *([ingest] if ingest is not None else []),
            build_model_assets(settings, connections, manifest),
            *build_serving_assets(settings, connections, marts),
        ],
        asset_checks=checks,
        jobs=[job],
        schedules=[daily_schedule(connections, job)],
        resources={"dbt": dbt_resource(settings)},
        executor=dg.in_process_executor,
    )
