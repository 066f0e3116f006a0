"""GA4 export files: each day once, a rewritten day in place of the old one, no personal data in URLs."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import time
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion import pipeline
from ingestion.connections import Connection
from ingestion.connectors.ga4_export import day_file, source
from ingestion.connectors.ga4_export.config import Config
from ingestion.connectors.ga4_export.flatten import Flattener
from ingestion.connectors.ga4_export.urls import clean_url, clean_value, is_sensitive
from ingestion.settings import load_settings
from tests.connectors.world import VirtualClock, World

BASE = 1_767_603_000_000_000
VALUE = {"string_value": None, "int_value": None, "float_value": None, "double_value": None}
KEEP = frozenset(("utm_source", "q"))


def param(key: str, value: Any) -> dict[str, Any]:
    slot = {str: "string_value", int: "int_value", float: "double_value"}[type(value)]
    return {"key": key, "value": {**VALUE, slot: value}}


def event(number: int = 0, day: str = "20260105", /, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "event_date": day,
        "event_timestamp": BASE + number,
        "event_name": "page_view",
        "event_bundle_sequence_id": number,
        "batch_page_id": 1,
        "batch_ordering_id": 1,
        "batch_event_index": 1,
        "event_params": [param("ga_session_id", 1_767_602_900), param("page_location", "https://Shop.example/p/1?x=1")],
        "user_id": None,
        "user_pseudo_id": "123.456",
        "stream_id": "1",
        "platform": "WEB",
        "privacy_info": {"analytics_storage": "Yes"},
        "device": {"category": "mobile", "operating_system": "iOS", "language": "pl",
                   "web_info": {"browser": "Safari"}},
        "geo": {"country": "Poland", "city": "Kraków"},
        "traffic_source": {"name": None, "medium": "organic", "source": "google"},
        "collected_traffic_source": {"manual_source": None, "manual_medium": None, "manual_campaign_name": None,
                                     "manual_term": None, "manual_content": None, "gclid": None},
        "ecommerce": {"transaction_id": None, "purchase_revenue": None},
        "items": [],
    }  # fmt: skip
    return {**made, **changes}


def shape(records: Iterable[dict[str, Any]]) -> pa.Table:
    """Records in the export's own types."""
    rows = list(records)
    item = pa.struct([(n, pa.string()) for n in ("item_id", "item_name", "item_category")]
                     + [("price", pa.float64()), ("quantity", pa.int64())])  # fmt: skip
    types = {
        "event_timestamp": pa.int64(),
        "event_params": pa.list_(day_file._PARAM),
        "items": pa.list_(item),
        "ecommerce": pa.struct([("transaction_id", pa.string()), ("purchase_revenue", pa.float64())]),
        "event_name": pa.string(),
        "user_id": pa.string(),
        "user_pseudo_id": pa.string(),
        "event_date": pa.string(),
    }
    return pa.table({name: pa.array([row.get(name) for row in rows], types.get(name)) for name in rows[0]})


def write(folder: Path, day: str, records: Iterable[dict[str, Any]], *, suffix: str = "parquet") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"events_{day}.{suffix}"
    if suffix == "parquet":
        pq.write_table(shape(records), file)
    else:
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()
        file.write_bytes(gzip.compress(lines) if suffix.endswith("gz") else lines)
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ga4"


@pytest.fixture
def world(home: Path, folder: Path) -> World:
    return make_world(home, folder)


def make_world(home: Path, folder: Path, **config: Any) -> World:
    settings = load_settings(home, home / "connections.yml").prepare()
    connection = Connection("web", "ga4_export", Config(path=str(folder), **config), max_rejected_share=1.0)
    return World(settings, connection, VirtualClock())


def counted(world: World) -> list[dict[str, Any]]:
    """Events as staging takes them: per file only the rows of its newest load."""
    newest = {}
    for row in world.rows("files_seen"):
        load = Decimal(row["_dlt_load_id"])
        newest[row["file"]] = max(load, newest.get(row["file"], load))
    return [row for row in world.rows("events") if Decimal(row["_dlt_load_id"]) == newest[row["_cx_file"]]]


def one(**changes: Any) -> dict[str, Any]:
    """The only row of a part with one event."""
    arrays, problems = Flattener(KEEP).columns(shape([event(**changes)]))
    assert not problems
    return {name: array[0].as_py() for name, array in arrays.items()}


def test_days_land_once_and_a_second_run_reads_nothing(world: World, folder: Path) -> None:
    for day in ("20260105", "20260106"):
        write(folder, day, (event(n, day) for n in range(50)))
    assert world.run().tables["events"].loaded == 100
    assert world.run().total.read == 0
    rows = counted(world)
    assert len({row["event_key"] for row in rows}) == 100 - 50  # the same event in two days has the same key
    assert {row["event_date"] for row in rows} == {dt.date(2026, 1, 5), dt.date(2026, 1, 6)}
    assert [row["rows_read"] for row in world.rows("files_seen")] == [50, 50]
    world.assert_declared_types()


def test_columns_of_an_event(world: World, folder: Path) -> None:
    row = one(
        event_name="purchase",
        event_params=[
            param("ga_session_id", 1_767_602_900),
            param("ga_session_number", 3),
            param("session_engaged", "1"),
            param("engagement_time_msec", 1200),
            param("page_location", "https://Shop.example:8080/p/1?utm_source=x&email=a@b.pl#top"),
            param("page_referrer", "https://www.google.com/search?q=shoes"),
            param("page_title", "Shoes"),
            param("value", 12.345),
            param("currency", "EUR"),
            param("error_code", 404),
            param("campaign", "from params"),
            param("custom", "zażółć \"x\""),
            param("number", 7),
            param("share", 0.5),
            param("customer_email", "ana@example.com"),
        ],
        collected_traffic_source={"manual_source": "google", "manual_medium": "cpc", "gclid": "g1"},
        ecommerce={"transaction_id": "A-1", "purchase_revenue": 120.5},
        items=[
            {"item_id": "S1", "item_name": "Ańa", "item_category": None, "price": 1.5, "quantity": 2},
            {"item_id": "S2", "item_name": None, "item_category": "c", "price": None, "quantity": 1},
        ],
    )  # fmt: skip
    wanted = {
        "ga_session_id": "1767602900", "ga_session_number": 3, "is_engaged_session": True,
        "engagement_time_msec": 1200, "page_location": "https://shop.example:8080/p/1?utm_source=x",
        "page_path": "/p/1", "page_host": "shop.example:8080", "page_referrer": "https://www.google.com/search?q=shoes",
        "referrer_host": "www.google.com", "page_title": "Shoes", "value": Decimal("12.3450"), "currency": "EUR",
        "error_code": "404", "source": "google", "medium": "cpc", "campaign": "from params", "gclid": "g1",
        "first_user_source": "google", "first_user_medium": "organic", "device_category": "mobile",
        "operating_system": "iOS", "browser": "Safari", "language": "pl", "country": "Poland",
        "analytics_storage": "Yes", "transaction_id": "A-1", "purchase_revenue": Decimal("120.5000"),
        "item_quantity": 3, "product_ids": '["S1","S2"]', "event_date": dt.date(2026, 1, 5),
        "event_at": dt.datetime(2026, 1, 5, 8, 50, tzinfo=dt.UTC),
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted
    assert json.loads(row["params"]) == {"custom": 'zażółć "x"', "number": 7, "share": 0.5}
    assert json.loads(row["items"]) == [
        {"item_id": "S1", "item_name": "Ańa", "item_category": None, "price": 1.5, "quantity": 2},
        {"item_id": "S2", "item_name": None, "item_category": "c", "price": None, "quantity": 1},
    ]
    assert "city" not in row


def test_any_value_slot_counts_and_the_first_of_a_repeated_key() -> None:
    row = one(event_params=[param("ga_session_number", "4"), param("ga_session_number", 5), param("value", "9.5"),
                            param("ga_session_id", "77"), param("percent_scrolled", 90.0)])  # fmt: skip
    assert row["ga_session_number"] == 4
    assert row["value"] == Decimal("9.5")
    assert row["ga_session_id"] == "77"
    assert row["percent_scrolled"] == 90


def test_denied_consent_leaves_the_person_null_and_keeps_the_event() -> None:
    row = one(user_pseudo_id=None, event_params=[], privacy_info={"analytics_storage": "No"})
    assert row["user_pseudo_id"] is None and row["ga_session_id"] is None
    assert row["is_engaged_session"] is None and row["params"] is None and row["items"] is None


def test_missing_columns_are_null(world: World, folder: Path) -> None:
    slim = [
        {name: event(n)[name] for name in ("event_date", "event_timestamp", "event_name")} for n in range(3)
    ]
    write(folder, "20260105", slim)
    assert world.run().tables["events"].loaded == 3
    assert {row["ga_session_id"] for row in world.rows("events")} == {None}


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        (
            "https://u:p@shop.example/a?utm_source=x&token=abc&q=shoes#f",
            "https://shop.example/a?utm_source=x&q=shoes",
        ),
        ("https://shop.example/a?q=ana%40example.com", "https://shop.example/a"),
        ("https://shop.example/u/ana@example.com/x", "https://shop.example/u/[removed]/x"),
        (
            "https://shop.example/reset/a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6",
            "https://shop.example/reset/[removed]",
        ),
        ("https://shop.example", "https://shop.example"),
        ("/relative?email=x@y.pl", "/relative"),
        ("(direct)", "(direct)"),
        ("https://[broken", "https://[broken"),
        ("mailto:ana@example.com", "mailto:[removed]"),
    ],
)
def test_urls_lose_what_is_personal(url: str, clean: str) -> None:
    assert clean_url(url, KEEP) == clean


def test_texts_lose_addresses_and_sensitive_keys_are_known() -> None:
    assert clean_value("write to ana@example.com now", KEEP) == "write to [removed] now"
    assert clean_value("https://x.example/?email=a@b.pl", KEEP) == "https://x.example/"
    assert is_sensitive("user_email") and is_sensitive("Phone") and not is_sensitive("form_step")


def test_no_address_survives_in_any_column(world: World, folder: Path) -> None:
    secret = "canary@example.com"
    params = [
        param(key, f"https://shop.example/?e={secret}")
        for key in ("page_location", "page_referrer", "link_url")
    ]
    params += [
        param(key, f"x {secret}") for key in ("search_term", "error_message", "page_title", "free", "email")
    ]
    write(folder, "20260105", [event(event_params=params, items=[
        {"item_id": "S", "item_name": secret, "item_category": None, "price": 1.0, "quantity": 1}])])  # fmt: skip
    world.run()
    assert secret not in str(world.rows("events"))


def test_exact_duplicates_stay_apart_by_an_ordinal(world: World, folder: Path) -> None:
    write(folder, "20260105", [event(1), event(1), event(2), event(1)])
    world.run()
    rows = sorted(world.rows("events"), key=lambda row: row["_cx_file_row"])
    assert [row["event_ordinal"] for row in rows] == [0, 1, 0, 2]
    assert len({row["event_key"] for row in rows}) == 4


def test_ordinals_count_over_the_parts_of_a_file(
    folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day_file, "PART_ROWS", 7)
    for suffix in ("parquet", "jsonl"):
        write(folder / suffix, "20260105", [event(n % 3) for n in range(20)], suffix=suffix)
        world = make_world(home / suffix, folder / suffix)
        world.run()
        rows = world.rows("events")
        assert len({row["event_key"] for row in rows}) == 20
        assert sorted(row["event_ordinal"] for row in rows) == sorted(n // 3 for n in range(20))


def test_parquet_and_json_lines_give_the_same_rows(folder: Path, home: Path) -> None:
    records = [event(n, event_params=[param("ga_session_id", n), param("x", "ü"), param("y", 2)],
                     ecommerce={"transaction_id": f"T{n}", "purchase_revenue": 1.5},
                     items=[{"item_id": "S1", "item_name": "n", "item_category": None, "price": 2.0, "quantity": 1}])
               for n in range(10)]  # fmt: skip
    found = []
    for suffix in ("parquet", "jsonl", "jsonl.gz"):
        write(folder / suffix, "20260105", records, suffix=suffix)
        world = make_world(home / suffix, folder / suffix)
        world.run()
        rows = world.rows("events")
        for row in rows:
            for name in ("_dlt_load_id", "_cx_file", "items"):
                del row[name]
        found.append(rows)
    assert found[0] == found[1] == found[2]


def test_integers_written_as_text_are_read(world: World, folder: Path) -> None:
    record = event(
        event_timestamp=str(BASE), event_params=[{"key": "ga_session_id", "value": {"int_value": "99"}}]
    )
    write(folder, "20260105", [record], suffix="jsonl.gz")
    world.run()
    row = world.rows("events")[0]
    assert (row["ga_session_id"], row["event_timestamp_micros"]) == ("99", BASE)


def test_a_rewritten_day_takes_the_place_of_the_old_one(world: World, folder: Path) -> None:
    write(folder, "20260105", (event(n) for n in range(50)))
    write(folder, "20260106", (event(n, "20260106") for n in range(10)))
    world.run()
    write(folder, "20260105", (event(n, country="x") for n in range(30)))  # shorter than before
    assert world.run().tables["events"].loaded == 30
    assert len(counted(world)) == 40
    assert world.run().total.read == 0


def test_a_late_file_with_an_older_change_time_is_found(world: World, folder: Path) -> None:
    write(folder, "20260106", (event(n, "20260106") for n in range(5)))
    world.run()
    late = write(folder, "20260105", (event(n) for n in range(7)))
    os.utime(late, (1, 1))
    assert world.run().tables["events"].loaded == 7


def test_a_file_copied_anew_without_change_is_not_read_again(world: World, folder: Path) -> None:
    file = write(folder, "20260105", (event(n) for n in range(5)))
    world.run()
    os.utime(file, (time.time() + 5, time.time() + 5))
    assert world.run().total.read == 0
    assert world.run().load_ids == []


def test_old_days_can_be_closed_to_restatement(home: Path, folder: Path) -> None:
    world = make_world(home, folder, restate_days=3)
    for day in ("20260101", "20260105"):
        write(folder, day, [event(1, day)])
    world.run()
    write(folder, "20260101", [event(n, "20260101") for n in range(9)])
    write(folder, "20260105", [event(n) for n in range(4)])
    assert world.run().tables["events"].loaded == 4


def test_a_file_still_being_written_is_left_for_later(home: Path, folder: Path) -> None:
    world = make_world(home, folder, settle_seconds=3600)
    file = write(folder, "20260105", [event(1)])
    assert world.run().total.read == 0
    os.utime(file, (time.time() - 7200, time.time() - 7200))
    assert world.run().total.loaded == 1


def test_rows_that_do_not_fit_are_set_aside_and_the_others_load(world: World, folder: Path) -> None:
    write(folder, "20260105", [event(1), event(event_name=None), event(event_timestamp=None),
                               event(event_timestamp=1_767_603_000), event(event_date="2026-13-01")])  # fmt: skip
    result = world.run()
    assert result.tables["events"].loaded == 1
    assert sorted((row["source_ref"], row["reason"]) for row in world.rejected()) == [
        ("events_20260105.parquet:2", "event_name: missing"),
        ("events_20260105.parquet:3", "event_at: missing"),
        (
            "events_20260105.parquet:4",
            "event_at: missing; event_timestamp_micros: not microseconds since 1970",
        ),
        ("events_20260105.parquet:5", "event_date: not a date"),
    ]
    seen = world.rows("files_seen")[0]
    assert (seen["rows_read"], seen["rows_loaded"], seen["rows_rejected"]) == (5, 1, 4)


def test_torn_lines_are_set_aside_with_their_number(world: World, folder: Path) -> None:
    file = write(folder, "20260105", [event(1), event(2)], suffix="jsonl")
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes() + b'\n[1]\n{"event_date": "2026')
    world.run()
    assert [(row["source_ref"], row["reason"]) for row in world.rejected()] == [
        ("events_20260105.jsonl:4", "no JSON object"),
        ("events_20260105.jsonl:5", "not JSON"),
    ]
    assert len(world.rows("events")) == 2


def test_a_torn_parquet_file_fails_the_run_and_the_others_load(world: World, folder: Path) -> None:
    torn = write(folder, "20260105", (event(n) for n in range(500)))
    whole = torn.read_bytes()
    torn.write_bytes(whole[: len(whole) // 2])
    write(folder, "20260106", [event(1, "20260106")])
    error = world.failing_run()
    assert torn.name in error.cause and error.next_step
    assert {row["_cx_file"] for row in counted(world)} == {"events_20260106.parquet"}
    torn.write_bytes(whole)
    world.run()
    assert len(counted(world)) == 501


def test_a_compressed_file_that_breaks_off_is_read_to_the_break(world: World, folder: Path) -> None:
    records = [event(n, user_id=os.urandom(20).hex()) for n in range(500)]
    torn = write(folder, "20260105", records, suffix="jsonl.gz")
    whole = torn.read_bytes()
    torn.write_bytes(whole[: len(whole) // 2])
    world.run()
    assert 0 < len(counted(world)) < 500
    assert [row["reason"] for row in world.rejected()] == ["the compressed file breaks off here"]
    torn.write_bytes(whole)
    world.run()
    assert len(counted(world)) == 500


def test_days_are_committed_in_packages(home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(home, folder, days_per_package=2)
    for number in range(1, 6):
        day = f"2026010{number}"
        write(folder, day, [event(number, day)])
    load, calls = source._load, []

    def breaking(ctx: Any, store: Any, file: Any) -> Any:
        calls.append(file.name)
        if len(calls) == 4:
            raise RuntimeError("the power went")
        return load(ctx, store, file)

    monkeypatch.setattr(source, "_load", breaking)
    world.failing_run()
    assert len(world.rows("events")) == 2
    monkeypatch.setattr(source, "_load", load)
    assert world.run().tables["events"].loaded == 3
    assert len(counted(world)) == 5


def test_intraday_and_other_files_are_left_alone(world: World, folder: Path) -> None:
    write(folder, "20260105", [event(1)])
    write(folder, "intraday_20260106", [event(1)])
    (folder / "events_notes.txt").write_text("x")
    world.run()
    assert {row["_cx_file"] for row in world.rows("events")} == {"events_20260105.parquet"}


def test_an_empty_folder_is_an_error_that_says_what_to_do(world: World, folder: Path) -> None:
    error = world.failing_run()
    assert "no file events_YYYYMMDD" in error.cause and "path" in error.next_step
    report = pipeline.check_connection(world.settings, world.connection)
    assert not report.ok and "no file events_YYYYMMDD" in report.problem
    write(folder, "20260105", [event(1)])
    assert pipeline.check_connection(world.settings, world.connection).proven == (
        "1 daily files, newest events_20260105.parquet",
    )


def test_control_a_watermark_on_change_times_loses_the_late_file(folder: Path) -> None:
    first = write(folder, "20260106", [event(1, "20260106")])
    watermark = first.stat().st_mtime
    late = write(folder, "20260105", [event(1)])
    os.utime(late, (1, 1))
    newer = [file for file in folder.iterdir() if file.stat().st_mtime > watermark]
    assert newer == [], "the control found the late file"


def test_speed_of_reading_parquet(folder: Path, home: Path) -> None:
    """A floor far below the goal of 90,000 events per CPU second, since other work may share the processor."""
    page = [f"https://shop.example/p/{n}?utm_source=x&email=a{n}@b.pl" for n in range(200)]
    records = [
        event(n, event_params=[param("ga_session_id", n // 9), param("page_location", page[n % 200]),
                               param("page_title", f"t{n % 200}"), param("engagement_time_msec", n),
                               param("custom", "v")])
        for n in range(5_000)
    ]  # fmt: skip
    file = write(folder, "20260105", records)
    table = pq.read_table(file)
    pq.write_table(pa.concat_tables([table] * 20), file)
    world = make_world(home, folder)
    from ingestion.core.connector import RunContext

    ctx = RunContext(world.connection, world.settings, world.connection.config, world.connection.tables)
    started = time.process_time()
    rows = sum(batch.rows.num_rows for batch in source.read(ctx) if batch.table == "events")
    assert rows == 100_000
    assert rows / (time.process_time() - started) > 30_000
