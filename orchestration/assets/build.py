"""One asset per dbt model, seed and snapshot; dbt tests are asset checks."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets

from ingestion.connections import Connections, dbt_vars
from ingestion.registry import table_specs
from ingestion.settings import Settings
from orchestration import dbt_build
from orchestration.assets.names import landed_key, team
from orchestration.errors import CxError
from orchestration.locks import writer_lock
from orchestration.progress import reporter
from orchestration.publish import prepare_work
from orchestration.summary import current_summary

_SOURCE = "dbt_source"


class ModelTranslator(DagsterDbtTranslator):
    """Keys, owners and groups of dbt nodes, and their links to the landed tables.

    A dbt source stands for a table of every connection of a connector; configured tables (files, SQL) are
    read through variables, so dbt knows no source for them. Both become dependencies on landed tables here.
    """

    def __init__(self, settings: Settings, connections: Connections) -> None:
        super().__init__()
        self._landed: dict[tuple[str, str], list[dg.AssetKey]] = {}
        for connection in connections.connections:
            for table in table_specs(connection):
                self._landed.setdefault((connection.connector, table), []).append(
                    landed_key(connection.dataset, table)
                )
        self._generic: dict[str, list[dg.AssetKey]] = {}
        for table in dbt_vars(connections, settings)["generic_tables"]:
            for mapping in table["entities"]:
                self._generic.setdefault(mapping["entity"], []).append(
                    landed_key(table["dataset"], table["table"])
                )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """`<layer>/<name>`; sources keep a key of their own until `get_asset_spec` replaces it."""
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([_SOURCE, dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """What the node's YAML says, without its SQL."""
        return dbt_resource_props.get("description") or ""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The layer: staging, conformed, intermediate, marts, seeds."""
        return dbt_resource_props.get("schema")

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """Owner from `meta.owner`."""
        meta = {**dbt_resource_props.get("meta", {}), **dbt_resource_props.get("config", {}).get("meta", {})}
        return team(meta.get("owner"))

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: Any
    ) -> dg.AssetCheckSpec | None:
        """The check of a test; none where it reads seeds only: a daily run does not load them again."""
        if dbt_build.reads_seeds_only(manifest["nodes"][unique_id]):
            return None
        return super().get_asset_check_spec(asset_spec, manifest, unique_id, project)

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        """The node's asset, depending on landed tables instead of dbt sources."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        keys: list[dg.AssetKey] = []
        for dep in spec.deps:
            if dep.asset_key.path[0] == _SOURCE:
                keys += self._landed.get((dep.asset_key.path[1], dep.asset_key.path[2]), [])
            else:
                keys.append(dep.asset_key)
        name = spec.key.path[-1]
        if name.startswith("cx_") and name.endswith("__generic"):
            keys += self._generic.get(name.removeprefix("cx_").removesuffix("__generic"), [])
        return spec.replace_attributes(deps=sorted(set(keys)))


class DbtProcess(DbtCliResource):
    """dbt as a child process, without a second adapter in the step's own process.

    That adapter would import dbt once more and keep the build database open in the process that audits it.
    """

    def _initialize_dbt_core_adapter(self, args: Any) -> Any:
        return None


def mart_keys(manifest: Path) -> list[dg.AssetKey]:
    """Asset keys of the models that are published."""
    nodes = json.loads(manifest.read_text())["nodes"].values()
    return sorted(
        dg.AssetKey([node["schema"], node["name"]])
        for node in nodes
        if node["resource_type"] == "model" and node["schema"] == "marts"
    )


def build_model_assets(settings: Settings, connections: Connections, manifest: Path) -> dg.AssetsDefinition:
    """The build step: all models, seeds and data tests in one dbt process."""
    nodes = json.loads(manifest.read_text())["nodes"]

    @dbt_assets(
        manifest=manifest, dagster_dbt_translator=ModelTranslator(settings, connections), name="build"
    )
    def build(context: dg.AssetExecutionContext, dbt: DbtProcess) -> Iterator[Any]:
        writer_lock(settings.locks / "writer").acquire()
        prepare_work(settings.published, keep_current=context.is_subset)
        os.environ.update(dbt_build.prepared_environment(settings, connections))
        project = dbt_build.fingerprint(settings, connections)
        project_stands = dbt_build.built_project(settings) == project
        # A build of chosen models leaves the others, so it neither trusts the seeds nor vouches for them.
        seeds_stand = project_stands and not context.is_subset
        if not seeds_stand:
            dbt_build.set_built_project(settings, None)
        reporter().stage("build", total=dbt_build.node_count(nodes, with_seeds=not seeds_stand))
        invocation = dbt.cli(
            [
                *("--no-use-colors", *dbt_build.BUILD),
                *(dbt_build.WITHOUT_SEEDS if seeds_stand else ()),
                *(() if project_stands else dbt_build.FROM_SCRATCH),
                *("--vars", dbt_build.variables(settings, connections)),
            ],
            context=context,
            target_path=settings.dbt_target,
            raise_on_error=False,
        )
        outputs: list[dg.Output] = []
        for event in invocation.stream():
            name = event.check_name if isinstance(event, dg.AssetCheckResult) else ""
            reporter().advance(name or getattr(event, "output_name", "") or "")
            if isinstance(event, dg.Output):
                outputs.append(event)
            else:
                yield event
        # DuckDB has one writer: rows can be counted only after dbt has closed the files.
        yield from _with_row_counts(settings, context, outputs)
        summary = current_summary()
        results = json.loads((settings.dbt_target / "run_results.json").read_text())
        statuses = [(r["unique_id"].split(".")[0], r["status"]) for r in results["results"]]
        summary.models_built = statuses.count(("model", "success"))
        summary.tests_passed = statuses.count(("test", "pass"))
        if not invocation.is_successful():
            errors = dbt_build.failures(results) or [
                CxError(
                    "dbt build",
                    str(invocation.get_error()),
                    f"see the output of this step in cx ui, or {settings.dagster_home / 'last_run.log'}",
                )
            ]
            summary.errors.extend(errors)
            raise dg.Failure(description="\n".join(str(error) for error in errors), allow_retries=False)
        if not context.is_subset:
            dbt_build.set_built_project(settings, project)

    return build


def _with_row_counts(
    settings: Settings, context: dg.AssetExecutionContext, outputs: list[dg.Output]
) -> Iterator[dg.Output]:
    counts: dict[tuple[str, str], int] = {}
    for database in (settings.warehouse, settings.work):
        if database.exists():
            with duckdb.connect(str(database), read_only=True) as con:
                tables = con.execute("select schema_name, table_name, estimated_size from duckdb_tables()")
                counts.update({(schema, table): size for schema, table, size in tables.fetchall()})
    for output in outputs:
        key = context.asset_key_for_output(output.output_name)
        rows = counts.get((key.path[0], key.path[-1]))
        metadata = dict(output.metadata or {})
        if rows is not None:
            metadata["dagster/row_count"] = dg.MetadataValue.int(rows)
        yield output.with_metadata(metadata)


def dbt_resource(settings: Settings) -> DbtProcess:
    """The dbt command for this project and data home."""
    return DbtProcess(
        project_dir=str(dbt_build.project_dir(settings)),
        profiles_dir=str(dbt_build.project_dir(settings)),
        dbt_executable=dbt_build.executable(),
    )
