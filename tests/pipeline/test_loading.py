"""Running connections: packages, counts, parallel loads, and errors a person can act on."""

from __future__ import annotations

import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ingestion import registry
from ingestion.connections import Connection
from ingestion.core.connector import (
    Batch,
    ConnectorConfig,
    LoadError,
    LoadResult,
    RunContext,
    SourceError,
    TableSpec,
)
from ingestion.core.lake import completed_loads, scan
from ingestion.core.locks import exclusive
from ingestion.pipeline import check_connection, run_connection, run_connections
from ingestion.settings import Settings, load_settings

THINGS = TableSpec("things", {"id": "text", "n": "bigint"}, key=("id",), deletes=True, merges=True)
Read = Callable[[RunContext], Iterator[Batch]]


class Config(ConnectorConfig):
    OPTIONAL_SECRETS: ClassVar[tuple[str, ...]] = ("token",)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path / "home", tmp_path / "connections.yml").prepare()


@pytest.fixture
def connector(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Connection]:
    """`connector(read)` is a connection whose connector reads by that function."""

    def make(read: Read, name: str = "a", **more: Any) -> Connection:
        package = f"made_up_{name}"
        parts = {
            "schema": {"TABLES": {"things": THINGS}},
            "source": {"read": read, "check": lambda ctx: ["answers"]},
            "config": {"Config": Config},
        }
        monkeypatch.setitem(sys.modules, package, types.ModuleType(package))
        for part, content in parts.items():
            module = types.ModuleType(f"{package}.{part}")
            vars(module).update(content)
            monkeypatch.setitem(sys.modules, f"{package}.{part}", module)
        monkeypatch.setattr(registry, "CONNECTORS", {**registry.CONNECTORS, f"made_{name}": package})
        return Connection(name, f"made_{name}", Config(), **more)

    return make


def numbered(ctx: RunContext, count: int, start: int = 0) -> Batch:
    return ctx.rows("things", [{"id": start + n, "n": n} for n in range(count)], "page")


def test_each_call_of_read_is_one_package_and_a_failure_keeps_those_before(
    settings: Settings, connector: Callable[..., Connection]
) -> None:
    def read(ctx: RunContext) -> Iterator[Batch]:
        window = ctx.state.get("window", 0)
        if window == 3:
            return
        yield numbered(ctx, 10, window * 10)
        if window == 2 and "fixed" not in allow:
            raise SourceError("the vendor answered 500.", "Try later.", table="things")
        ctx.state["window"] = window + 1
        ctx.more = True

    allow: set[str] = set()
    connection = connector(read)
    with pytest.raises(LoadError) as caught:
        run_connection(settings, connection)
    assert str(caught.value) == "a.things: the vendor answered 500. Try later."
    assert caught.value.result is not None
    assert caught.value.result.total.loaded == 20
    allow.add("fixed")
    result = run_connection(settings, connection)
    assert (result.total.loaded, len(result.load_ids)) == (10, 1)
    folder = settings.lake / connection.dataset
    assert sorted(int(i) for i in scan(folder, "things")["id"].to_pylist()) == list(range(30))
    assert len(completed_loads(folder)) == 3


def test_cursors_alone_are_committed_with_a_line_of_figures(
    settings: Settings, connector: Callable[..., Connection]
) -> None:
    def read(ctx: RunContext) -> Iterator[Batch]:
        if not ctx.state:
            ctx.window("things", None, ctx.started_at)
            ctx.count_requests(7)
            ctx.state["seen"] = True
        yield from ()

    connection = connector(read)
    assert len(run_connection(settings, connection).load_ids) == 1
    (metrics,) = scan(settings.lake / connection.dataset, "load_metrics").to_pylist()
    assert (metrics["source_table"], metrics["rows_read"], metrics["requests"]) == ("things", 0, 7)
    assert run_connection(settings, connection).load_ids == []


def test_rows_are_numbered_within_load_and_table(
    settings: Settings, connector: Callable[..., Connection]
) -> None:
    def read(ctx: RunContext) -> Iterator[Batch]:
        for start in range(0, 120_000, 40_000):
            yield numbered(ctx, 40_000, start)
        ctx.state["done"] = True

    connection = connector(read)
    run_connection(settings, connection)
    rows = scan(settings.lake / connection.dataset, "things").sort_by("_cx_row")
    assert rows["_cx_row"].to_pylist() == list(range(1, 120_001))
    assert rows["id"].to_pylist() == [str(n) for n in range(120_000)]


def test_deletes_and_merges_land_in_tables_of_their_own(
    settings: Settings, connector: Callable[..., Connection]
) -> None:
    def read(ctx: RunContext) -> Iterator[Batch]:
        yield ctx.deletes("things", ["1", "2"], "api_flag", at="2024-01-01T00:00:00Z")
        yield ctx.merges("things", [("3", "4", None)], "merged_ids_property")
        ctx.state["done"] = True

    connection = connector(read)
    run_connection(settings, connection)
    folder = settings.lake / connection.dataset
    assert scan(folder, "things__deletes")["source_id"].to_pylist() == ["1", "2"]
    (merge,) = scan(folder, "things__merges").to_pylist()
    assert (merge["losing_id"], merge["winning_id"], merge["merged_at"]) == ("3", "4", None)


def test_connections_load_side_by_side_without_mixing(
    settings: Settings, connector: Callable[..., Connection]
) -> None:
    together = threading.Barrier(4, timeout=60)

    def read(ctx: RunContext) -> Iterator[Batch]:
        together.wait()
        for part in range(3):
            rows = [{"id": f"{ctx.connection.name}{part}{n}", "n": n} for n in range(10)]
            time.sleep(0.02)
            yield ctx.rows("things", rows, "page")
        ctx.state["owner"] = ctx.connection.name
        if ctx.connection.name == "d":
            raise SourceError("no network.", "Connect.")

    connections = [connector(read, name) for name in "abcd"]
    outcomes = run_connections(settings, connections, parallel=4)
    assert [type(outcome) for outcome in outcomes] == [LoadResult, LoadResult, LoadResult, LoadError]
    for connection in connections[:3]:
        ids = scan(settings.lake / connection.dataset, "things")["id"].to_pylist()
        assert len(ids) == 30
        assert {i[0] for i in ids} == {connection.name}
    assert completed_loads(settings.lake / connections[3].dataset) == []


def test_progress_is_reported_per_table(settings: Settings, connector: Callable[..., Connection]) -> None:
    def read(ctx: RunContext) -> Iterator[Batch]:
        yield numbered(ctx, 10)
        yield numbered(ctx, 5, 10)
        ctx.state["done"] = True

    seen: list[tuple[str, str, int]] = []
    run_connection(settings, connector(read), reporter=lambda *report: seen.append(report))
    assert seen == [("a", "things", 10), ("a", "things", 15)]


def test_a_secret_never_stands_in_an_error(
    settings: Settings, connector: Callable[..., Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADE_UP_TOKEN", "canary-t0ken")

    def read(ctx: RunContext) -> Iterator[Batch]:
        yield numbered(ctx, 1)
        raise RuntimeError(f"GET https://x/?key={ctx.secret('token')} failed")

    with pytest.raises(LoadError) as caught:
        run_connection(settings, connector(read, secrets={"token": "MADE_UP_TOKEN"}))
    assert "canary-t0ken" not in str(caught.value)
    assert "GET https://x/?key=*** failed" in caught.value.cause
    left = [p for p in settings.home.rglob("*") if p.is_file() and b"canary-t0ken" in p.read_bytes()]
    assert left == []


def test_an_unset_secret_says_what_to_set(settings: Settings, connector: Callable[..., Connection]) -> None:
    def read(ctx: RunContext) -> Iterator[Batch]:
        ctx.secret("token")
        yield numbered(ctx, 1)

    with pytest.raises(
        LoadError, match=r"secret NOT_SET_ANYWHERE .* Set the environment variable NOT_SET_ANYWHERE"
    ):
        run_connection(settings, connector(read, secrets={"token": "NOT_SET_ANYWHERE"}))


def test_two_runs_of_one_connection_do_not_meet(
    settings: Settings, connector: Callable[..., Connection]
) -> None:
    connection = connector(lambda ctx: iter(()))
    with (
        exclusive(settings.locks / f"{connection.dataset}.lock"),
        pytest.raises(LoadError, match="another run"),
    ):
        run_connection(settings, connection)
    assert run_connection(settings, connection).load_ids == []


def test_a_few_rejected_rows_never_fail_a_small_load_unless_none_is_allowed(
    settings: Settings, connector: Callable[..., Connection]
) -> None:
    def read(ctx: RunContext) -> Iterator[Batch]:
        if not ctx.state:
            yield ctx.rows("things", [{"id": "1", "n": "x"}], "page")
            ctx.state["done"] = True

    assert run_connection(settings, connector(read)).total.rejected == 1
    with pytest.raises(
        LoadError, match=r"1 of 1 rows do not fit \(100.0%, allowed 0.0%\): n: not a whole number"
    ):
        run_connection(settings, connector(read, "b", max_rejected_share=0.0))


def test_checking_a_connection_loads_nothing(
    settings: Settings, connector: Callable[..., Connection]
) -> None:
    connection = connector(lambda ctx: iter(()))
    report = check_connection(settings, connection)
    assert (report.ok, report.proven) == (True, ("answers",))
    assert not (settings.lake / connection.dataset).exists()


def test_a_lake_that_was_removed_is_filled_again(
    settings: Settings, connector: Callable[..., Connection]
) -> None:
    import shutil

    def read(ctx: RunContext) -> Iterator[Batch]:
        if not ctx.state:
            yield numbered(ctx, 10)
            ctx.state["done"] = True

    connection = connector(read)
    run_connection(settings, connection)
    shutil.rmtree(settings.lake / connection.dataset)
    assert run_connection(settings, connection).total.loaded == 10
    shutil.rmtree(settings.pipelines / connection.dataset)
    assert run_connection(settings, connection).load_ids == []
