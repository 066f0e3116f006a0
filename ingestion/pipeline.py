"""Running connections: finish what a crash left, then load what is new, and prove the counts."""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from ingestion import registry
from ingestion.core import lake
from ingestion.core.bookkeeping import BOOKKEEPING, LOAD_METRICS, REJECTED_ROWS
from ingestion.core.connector import (
    Batch,
    CheckReport,
    ConfigError,
    LoadError,
    LoadResult,
    Reporter,
    RunContext,
    SourceError,
    TableLoad,
)
from ingestion.core.locks import Busy, exclusive
from ingestion.core.secrets import lookup, redact

if TYPE_CHECKING:
    from dlt.pipeline.pipeline import Pipeline

    from ingestion.connections import Connection
    from ingestion.settings import Settings

# a connector that never stops asking for more would keep the run alive for ever
_MAX_PACKAGES = 10_000


def run_connection(
    settings: Settings, connection: Connection, *, reporter: Reporter | None = None
) -> LoadResult:
    """Load everything new of one connection into the lake.

    A package left by a run that died is finished first. A run with nothing new writes nothing.

    Args:
        settings: paths.
        connection: what to load.
        reporter: called with (connection, table, rows read so far).

    Raises:
        LoadError: naming connection, table, cause and next step. Packages committed before stay.
    """
    started = time.monotonic()
    result = LoadResult(connection.name, connection.dataset)
    try:
        with exclusive(settings.locks / f"{connection.dataset}.lock"):
            _run(settings, connection, reporter, result)
    except Busy:
        raise LoadError(
            connection.name, None, "another run of this connection is going on.", "Wait for it to end."
        ) from None
    except Exception as error:
        raise _load_error(settings, connection, error, result) from error
    finally:
        result.seconds = time.monotonic() - started
    return result


def run_connections(
    settings: Settings,
    connections: Sequence[Connection],
    *,
    parallel: int = 4,
    reporter: Reporter | None = None,
) -> list[LoadResult | LoadError]:
    """Load several connections at once, one pipeline each; a failure of one does not stop the others.

    Returns:
        One `LoadResult` or `LoadError` per connection, in the order given.
    """
    from ingestion.core import dlt_pipeline  # noqa: F401  imports must not race in the threads

    def run(connection: Connection) -> LoadResult | LoadError:
        try:
            return run_connection(settings, connection, reporter=reporter)
        except LoadError as error:
            return error

    with ThreadPoolExecutor(max(1, min(parallel, len(connections) or 1)), "load") as pool:
        return list(pool.map(run, connections))


def check_connection(settings: Settings, connection: Connection) -> CheckReport:
    """Prove that the credentials work and the system answers; nothing is loaded."""
    try:
        ctx = _context(settings, connection, {})
        proven = registry.source_module(connection.connector).check(ctx)
    except Exception as error:
        failure = _load_error(settings, connection, error, None)
        return CheckReport(connection.name, connection.connector, False, (), failure.cause, failure.next_step)
    return CheckReport(connection.name, connection.connector, True, tuple(proven))


def _context(settings: Settings, connection: Connection, state: dict[str, Any]) -> RunContext:
    return RunContext(connection, settings, connection.config, connection.tables, copy.deepcopy(state))


def _run(settings: Settings, connection: Connection, reporter: Reporter | None, result: LoadResult) -> None:
    from ingestion.core import dlt_pipeline

    for folder in (settings.lake, settings.pipelines):
        folder.mkdir(parents=True, exist_ok=True)
    dlt_pipeline.remove_leftovers(settings, connection)
    pipeline = dlt_pipeline.open_pipeline(settings, connection)
    _recover(settings, connection, pipeline, result)
    source = registry.source_module(connection.connector)
    deferred: list[SourceError] = []
    for _ in range(_MAX_PACKAGES):
        ctx = _context(settings, connection, dlt_pipeline.connector_state(pipeline))
        _load_package(settings, connection, pipeline, source.read(ctx), ctx, reporter, result)
        result.requests += ctx.requests
        deferred.extend(ctx.deferred)
        if not ctx.more:
            break
    dlt_pipeline.forget_old_packages(settings, connection)
    if deferred:
        raise _together(deferred)


def _together(problems: list[SourceError]) -> SourceError:
    """The first problem, with the number of the others."""
    first = problems[0]
    others = len(problems) - 1
    more = f" {others} more problem{'s' * (others > 1)} in the same run." if others else ""
    return SourceError(f"{first.cause}{more}", first.next_step, table=first.table)


def _load_package(
    settings: Settings,
    connection: Connection,
    pipeline: Pipeline,
    batches: Iterator[Batch],
    ctx: RunContext,
    reporter: Reporter | None,
    result: LoadResult,
) -> None:
    from ingestion.core import dlt_pipeline
    from ingestion.core.package import Package

    before = copy.deepcopy(ctx.state)
    first = next(batches, None)
    if first is None and ctx.state == before:
        return
    package = Package(ctx, reporter)
    read = batches if first is None else itertools.chain([first], batches)
    load_id = dlt_pipeline.extract(pipeline, lambda commit: package.tables(read, commit))
    dlt_pipeline.finish(pipeline)
    counted = _count(settings, connection, [load_id], result)
    if counted != package.counts:
        raise _mismatch(connection, package.counts, counted)


def _recover(settings: Settings, connection: Connection, pipeline: Pipeline, result: LoadResult) -> None:
    from ingestion.core import dlt_pipeline

    if dlt_pipeline.has_pending(pipeline):
        load_ids = dlt_pipeline.finish_pending(pipeline)
        _count(settings, connection, load_ids, result)
        result.recovered = True
    elif not pipeline.first_run and (settings.lake / connection.dataset).is_dir():
        return
    # the state in the lake is the one that belongs to its rows: it counts when the working folder is new,
    # when the lake was removed, and when a run died between writing a package and writing its own state
    lake.forget_unfinished_states(settings.lake / connection.dataset)
    pipeline.sync_destination()


def _count(
    settings: Settings, connection: Connection, load_ids: list[str], result: LoadResult
) -> dict[str, TableLoad]:
    """Counts of completed loads as the lake shows them; added to `result`, proven against Parquet footers."""
    folder = settings.lake / connection.dataset
    footers = lake.row_counts(folder, load_ids)
    stated = {row["source_table"]: row for row in _metrics(settings, connection, load_ids)}
    tables = {
        name: TableLoad(row["rows_read"], row["rows_loaded"], row["rows_rejected"])
        for name, row in stated.items()
        if row["rows_read"]
    }
    landed = {k: v for k, v in footers.items() if k not in BOOKKEEPING}
    if landed != {k: t.loaded for k, t in tables.items() if t.loaded} or any(
        t.read != t.loaded + t.rejected for t in tables.values()
    ):
        raise _mismatch(connection, tables, landed)
    if footers.get(REJECTED_ROWS.name, 0) != sum(t.rejected for t in tables.values()):
        raise _mismatch(connection, tables, footers.get(REJECTED_ROWS.name, 0))
    for name, count in tables.items():
        total = result.tables.setdefault(name, TableLoad())
        total.read += count.read
        total.loaded += count.loaded
        total.rejected += count.rejected
    result.load_ids.extend(load_ids)
    return tables


def _metrics(settings: Settings, connection: Connection, load_ids: list[str]) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    files = lake.completed_files(settings.lake / connection.dataset, LOAD_METRICS.name, load_ids)
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


def _mismatch(connection: Connection, expected: object, found: object) -> LoadError:
    return LoadError(
        connection.name,
        None,
        f"rows in the lake differ from rows read: {found} instead of {expected}.",
        "Keep the data home as it is and report this as a defect.",
    )


def _load_error(
    settings: Settings, connection: Connection, error: BaseException, result: LoadResult | None
) -> LoadError:
    """The error a person sees: the connector's own words if it had any, without secret values."""
    secrets = [value for name in connection.secrets.values() if (value := lookup(settings, name))]
    failure = _translated(connection, error)
    return LoadError(
        failure.connection,
        failure.table,
        redact(failure.cause, secrets),
        redact(failure.next_step, secrets),
        result=result,
    )


def _translated(connection: Connection, error: BaseException) -> LoadError:
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    for link in chain:
        if isinstance(link, LoadError):
            return link
        if isinstance(link, SourceError):
            return LoadError(connection.name, link.table, link.cause, link.next_step)
        if isinstance(link, ConfigError):
            return LoadError(connection.name, None, link.problem, link.next_step)
    root = chain[-1]
    step = getattr(error, "step", None)
    where = f"{step}: " if step else ""
    return LoadError(
        connection.name,
        None,
        f"{where}{type(root).__name__}: {str(root).strip().rstrip('.')}.",
        "Run again; what was committed stays. If it fails again, look at the cause.",
    )
