"""One asset per landed table; one step loads all connections, several at a time.

The in-process executor runs steps one after another, and a step process of its own costs about 13 s of CPU;
so the parallel part is inside the step: a thread and a dlt pipeline per connection.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import dlt
from dagster_dlt import DagsterDltTranslator
from dagster_dlt.translator import DltResourceTranslatorData

from ingestion.connections import Connection, Connections
from ingestion.core.connector import LoadResult, TableSpec
from ingestion.registry import table_specs
from ingestion.settings import Settings
from orchestration.assets.names import landed_key, team
from orchestration.errors import CxError, as_cx_error
from orchestration.progress import reporter
from orchestration.summary import current_summary

REJECTED_CHECK = "rejected_rows"


class LandedTableTranslator(DagsterDltTranslator):
    """Gives a landed table its key, description, owner and group."""

    def __init__(self, connection: Connection, specs: Mapping[str, TableSpec]) -> None:
        self._connection = connection
        self._specs = specs

    def get_asset_spec(self, data: DltResourceTranslatorData) -> dg.AssetSpec:
        """Asset of the table that a dlt resource lands."""
        spec = self._specs[data.resource.name]
        return (
            super()
            .get_asset_spec(data)
            .replace_attributes(
                key=landed_key(self._connection.dataset, spec.name),
                deps=[],
                description=spec.description or None,
                owners=team(spec.owner),
                group_name="lake",
                kinds={"dlt", "parquet"},
                tags={"connector": self._connection.connector, "connection": self._connection.name},
                metadata={
                    "dagster/column_schema": _column_schema(spec),
                    "key": ", ".join(spec.key) or "none",
                },
            )
        )


def _column_schema(spec: TableSpec) -> dg.TableSchema:
    columns = [dg.TableColumn(name, type_) for name, type_ in {**spec.columns, **spec.system_columns}.items()]
    return dg.TableSchema(columns=columns)


def landed_specs(connection: Connection) -> list[dg.AssetSpec]:
    """Asset specs of the tables of one connection, without importing its client."""
    specs = table_specs(connection)
    translator = LandedTableTranslator(connection, specs)
    return [
        translator.get_asset_spec(
            DltResourceTranslatorData(resource=dlt.resource([], name=name), pipeline=None)
        )
        for name in specs
    ]


def build_ingest_asset(settings: Settings, connections: Connections) -> dg.AssetsDefinition | None:
    """The ingest step, or None when no connection is switched on."""
    if not connections.connections:
        return None
    by_dataset = {connection.dataset: connection for connection in connections.connections}
    specs = [spec for connection in connections.connections for spec in landed_specs(connection)]
    check_specs = [
        dg.AssetCheckSpec(
            name=REJECTED_CHECK,
            asset=spec.key,
            description="rows read = rows loaded + rows rejected; warns when a row was set aside",
        )
        for spec in specs
    ]

    @dg.multi_asset(name="ingest", specs=specs, check_specs=check_specs, can_subset=True)
    def ingest(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        from ingestion.pipeline import run_connections

        selected = {key.path[1] for key in context.selected_asset_keys}
        chosen = [connection for dataset, connection in by_dataset.items() if dataset in selected]
        reporter().stage("load", total=len(chosen))
        results = run_connections(settings, chosen)
        summary = current_summary()
        failed: list[CxError] = []
        for connection, result in zip(chosen, results, strict=True):
            if isinstance(result, LoadResult):
                _report_load(result)
            else:
                error = as_cx_error(result)
                (failed if connection.required else summary.warnings).append(error)
                reporter().line(str(error))
            for key in sorted(context.selected_asset_keys):
                if key.path[1] == connection.dataset:
                    yield _materialization(key, result)
        if failed:
            summary.errors.extend(failed)
            raise dg.Failure(description="\n".join(str(error) for error in failed), allow_retries=True)

    return ingest


def _report_load(result: LoadResult) -> None:
    summary, total = current_summary(), result.total
    summary.connections += 1
    summary.rows_read = (summary.rows_read or 0) + total.read
    summary.rows_loaded = (summary.rows_loaded or 0) + total.loaded
    summary.rows_rejected = (summary.rows_rejected or 0) + total.rejected
    reporter().advance(result.connection)
    recovered = ", finished a load that had been cut off" if result.recovered else ""
    reporter().line(
        f"{result.connection}: {total.loaded:,} rows loaded, {total.rejected:,} rejected, "
        f"{result.requests} requests, {result.seconds:.1f} s{recovered}"
    )


def _materialization(key: dg.AssetKey, result: LoadResult | Exception) -> dg.MaterializeResult:
    if not isinstance(result, LoadResult):
        check = dg.AssetCheckResult(
            asset_key=key,
            check_name=REJECTED_CHECK,
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"not loaded, older rows stay: {result}",
        )
        return dg.MaterializeResult(asset_key=key, metadata={"failed": str(result)}, check_results=[check])
    load = result.tables.get(key.path[2])
    read, loaded, rejected = (load.read, load.loaded, load.rejected) if load else (0, 0, 0)
    metadata: dict[str, Any] = {
        "rows_read": read,
        "rows_loaded": loaded,
        "rows_rejected": rejected,
        "load_ids": ", ".join(result.load_ids) or "nothing new",
        "requests_of_connection": result.requests,
        "seconds_of_connection": round(result.seconds, 2),
    }
    check = dg.AssetCheckResult(
        asset_key=key,
        check_name=REJECTED_CHECK,
        passed=rejected == 0 and read == loaded + rejected,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"rows_read": read, "rows_loaded": loaded, "rows_rejected": rejected},
        description=None if rejected == 0 else "reasons: table rejected_rows of the same connection",
    )
    return dg.MaterializeResult(asset_key=key, metadata=metadata, check_results=[check])
