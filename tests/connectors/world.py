"""A vendor account, a connection to it and a lake: what each connector scenario plays with."""

from __future__ import annotations

import itertools
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion import pipeline, registry
from ingestion.connections import Connection
from ingestion.core import lake
from ingestion.core.arrow import schema_of
from ingestion.core.bookkeeping import REJECTED_ROWS
from ingestion.core.connector import LoadError, LoadResult, RunContext, SourceError
from ingestion.core.quarantine import rejected_table
from ingestion.demo.standins.kit import Server, Standin
from ingestion.settings import Settings, load_settings

TOKEN_NAME = "CX_TEST_TOKEN"


class VirtualClock:
    """Time that passes only by sleeping, and is shared by client and vendor."""

    def __init__(self) -> None:
        self.at = float(int(time.time()))
        self.slept: list[float] = []

    def time(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds

    def pass_(self, seconds: float) -> None:
        """Let time go by without anybody waiting."""
        self.at += seconds


@dataclass
class World:
    """One connection and its lake."""

    settings: Settings
    connection: Connection
    clock: VirtualClock
    vendor: Any = None
    results: list[LoadResult] = field(default_factory=list)

    @property
    def dataset(self) -> Path:
        return self.settings.lake / self.connection.dataset

    def run(self) -> LoadResult:
        """Load what is new, through the real pipeline."""
        result = pipeline.run_connection(self.settings, self.connection)
        self.results.append(result)
        return result

    def failing_run(self) -> LoadError:
        """A run that must fail; returns its error."""
        try:
            self.run()
        except LoadError as error:
            return error
        raise AssertionError("the run should have failed")

    def with_settings(self, **changes: Any) -> World:
        """The same world with other settings of the connection."""
        config = type(self.connection.config)(**{**self.connection.config.model_dump(), **changes})
        connection = Connection(
            self.connection.name, self.connection.connector, config, self.connection.secrets,
            max_rejected_share=self.connection.max_rejected_share,
        )  # fmt: skip
        return World(self.settings, connection, self.clock, self.vendor, self.results)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All landed versions of a table."""
        return lake.scan(self.dataset, table).to_pylist()

    def latest(self, table: str) -> dict[Any, dict[str, Any]]:
        """Newest version by key, as staging picks it; checks that no key part is null."""
        spec = self.connection.tables[table]
        best: dict[Any, tuple[Any, dict[str, Any]]] = {}
        for row in self.rows(table):
            key = tuple(row[name] for name in spec.key)
            assert None not in key, f"null in the key of {table}"
            version = row[spec.version] if spec.version else 0
            rank = (version, Decimal(row["_dlt_load_id"]), row["_cx_row"])
            if key not in best or rank > best[key][0]:
                best[key] = (rank, row)
        return {key[0] if len(key) == 1 else key: row for key, (_, row) in best.items()}

    def live(self, table: str) -> dict[Any, dict[str, Any]]:
        """Newest versions of records that are neither deleted nor merged away."""
        found = self.latest(table)
        spec = self.connection.tables[table]
        if spec.deletes:
            for stone in self.rows(f"{table}__deletes"):
                key = stone["source_id"] if len(spec.key) == 1 else tuple(stone["source_id"].split("|"))
                row = found.get(key)
                if row is not None and _counts(stone, row, spec.version):
                    del found[key]
        if spec.merges:
            for pair in self.rows(f"{table}__merges"):
                found.pop(pair["losing_id"], None)
        return found

    def deleted_ids(self, table: str) -> set[str]:
        return {row["source_id"] for row in self.rows(f"{table}__deletes")}

    def merged_ids(self, table: str) -> set[tuple[str, str]]:
        return {(row["losing_id"], row["winning_id"]) for row in self.rows(f"{table}__merges")}

    def rejected(self) -> list[dict[str, Any]]:
        return self.rows("rejected_rows")

    def assert_declared_types(self) -> None:
        """Declared columns only, in their declared types (I10)."""
        for name, spec in self.connection.tables.items():
            for file in lake.completed_files(self.dataset, name):
                found = {f.name: _plain(f.type) for f in pq.read_schema(file)}
                wanted = {f.name: f.type for f in schema_of(spec)}
                extra = set(found) - set(wanted) - {"_cx_row", "_dlt_load_id"}
                assert not extra, f"{name}: undeclared columns {extra}"
                for column, kind in wanted.items():
                    assert found[column] == kind, f"{name}.{column}: {found[column]} instead of {kind}"

    def assert_secret_nowhere(self, *secrets: str) -> None:
        """No file below the data home holds a secret (I8)."""
        for file in self.settings.home.rglob("*"):
            if file.is_file():
                content = file.read_bytes()
                for secret in secrets:
                    assert secret.encode() not in content, f"{file} holds a secret"


class DirectRun:
    """Runs a connector without dlt, for properties over many runs; keeps the pipeline's promises.

    Rows and state of a `read` are kept together or not at all, in the layout of the lake.

    Args:
        world: connection and lake.
        fresh: empty the lake first.
    """

    def __init__(self, world: World, *, fresh: bool = False) -> None:
        self.world, self.state = world, dict[str, Any]()
        self._loads = itertools.count(1)
        if fresh:
            shutil.rmtree(world.dataset, ignore_errors=True)

    def run(self) -> int:
        """Read until there is no more; returns the number of rows that landed. Raises SourceError."""
        total = 0
        while True:
            ctx = RunContext(
                self.world.connection, self.world.settings, self.world.connection.config,
                self.world.connection.tables, state=_copy(self.state),
            )  # fmt: skip
            source = registry.source_module(self.world.connection.connector)
            batches = list(source.read(ctx))
            total += self._keep(batches, ctx)
            self.state = _copy(ctx.state)
            if ctx.deferred:
                raise ctx.deferred[0]
            if not ctx.more:
                return total

    def try_run(self) -> bool:
        """True when the run succeeded; False when the source gave up."""
        try:
            self.run()
        except SourceError:
            return False
        return True

    def _keep(self, batches: list[Any], ctx: RunContext) -> int:
        load_id, total = f"{next(self._loads)}.0", 0
        ordinals: dict[str, int] = {}
        for number, batch in enumerate(batches):
            parts = [(batch.table, batch.rows)] if batch.rows is not None and batch.rows.num_rows else []
            if batch.rejected:
                parts.append(
                    (REJECTED_ROWS.name, rejected_table(batch.table, batch.rejected, ctx.started_at))
                )
            for name, rows in parts:
                first = ordinals.get(name, 0) + 1
                ordinals[name] = first + rows.num_rows - 1
                total += rows.num_rows
                rows = rows.append_column(
                    "_cx_row", pa.array(range(first, first + rows.num_rows), pa.int64())
                )
                rows = rows.append_column("_dlt_load_id", pa.array([load_id] * rows.num_rows))
                folder = self.world.dataset / name
                folder.mkdir(parents=True, exist_ok=True)
                pq.write_table(rows, folder / f"{load_id}.{number}.parquet")
        mark = self.world.dataset / "_dlt_loads" / f"x__{load_id}.jsonl"
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
        return total


@contextmanager
def world_of(
    vendor: Standin, connector: str, home: Path, clock: VirtualClock, **config: Any
) -> Iterator[World]:
    """A served vendor with a connection to it."""
    with Server(vendor) as server:
        settings = load_settings(home, home / "connections.yml").prepare()
        config_class = registry.config_class(connector)
        connection = Connection(
            "account", connector, config_class(base_url=server.url, **config), {"token": TOKEN_NAME},
            max_rejected_share=1.0,
        )  # fmt: skip
        yield World(settings, connection, clock, vendor)


def _counts(stone: Mapping[str, Any], row: Mapping[str, Any], version: str | None) -> bool:
    if stone["deleted_at"] is None or version is None:
        return Decimal(stone["_dlt_load_id"]) >= Decimal(row["_dlt_load_id"])
    return bool(stone["deleted_at"] >= row[version])


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _copy(state: Any) -> Any:
    return json.loads(json.dumps(state))


Scenario = Callable[[World], None]
