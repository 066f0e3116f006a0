"""The demo company is the same everywhere, grows day by day, and its truths are what its files hold.

The truths are counted from the simulation; here the same figures are counted again, from the files alone.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.demo.company.clock import local
from ingestion.demo.company.company import Company, drop_late, simulate, write, write_company
from ingestion.demo.company.plan import Plan

PLAN = Plan(customers=500)
Rows = list[dict[str, Any]]


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _jsonl(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def company() -> Company:
    return simulate(PLAN)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("home") / "demo"
    write_company(PLAN, path)
    return path


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def events(folder: Path) -> duckdb.DuckDBPyConnection:
    """View `e`: human events with a consenting browser, each once; view `raw`: all usable rows."""
    db = duckdb.connect()
    db.execute(f"""
        create view raw as
        select *, list_filter(event_params, p -> p.key = 'ga_session_id')[1].value.int_value as session_id
        from read_parquet('{folder}/ga4/*.parquet')
        where event_name is not null and event_timestamp is not null
    """)
    db.execute("""
        create view e as
        select distinct on (user_pseudo_id, session_id, event_name, event_timestamp, batch_event_index) *
        from raw
        where device.web_info.browser <> 'HeadlessChrome' and user_pseudo_id is not null
    """)
    return db


def _one(db: duckdb.DuckDBPyConnection, sql: str) -> Any:
    row = db.execute(sql).fetchone()
    assert row is not None
    return row[0]


def test_another_process_with_another_hash_seed_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    arguments = ["generate", "--home", str(tmp_path), "--customers", str(PLAN.customers)]
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-m", "ingestion.demo", *arguments], check=True, env=environment)
    assert _hashes(tmp_path / "demo") == _hashes(folder)


def test_another_seed_is_another_company(company: Company) -> None:
    other = simulate(Plan(customers=PLAN.customers, seed=8))
    assert [o.total for o in other.orders] != [o.total for o in company.orders]


def test_an_earlier_day_is_a_part_of_a_later_one(company: Company, folder: Path, tmp_path: Path) -> None:
    until = company.clock.days[120]
    write(company, tmp_path, until)
    earlier, later = _hashes(tmp_path), _hashes(folder)
    daily = [name for name in earlier if name.startswith(("ga4/", "store/"))]
    assert sum(name.startswith("ga4/") for name in daily) == 121
    rewritten = {
        f"ga4/events_{day:%Y%m%d}.parquet"
        for day, when in company.calendar.late_days.items()
        if day <= until < when
    }
    assert {name for name in daily if earlier[name] != later[name]} <= rewritten
    assert not [name for name in daily if name[-16:-8] > f"{until:%Y%m%d}" and name.startswith("ga4")]


def test_going_on_from_an_earlier_day_gives_the_same_files(
    company: Company, folder: Path, tmp_path: Path
) -> None:
    for day in (company.clock.days[60], company.clock.days[61], company.clock.end):
        write(company, tmp_path, day)
    expected = {name: value for name, value in _hashes(folder).items() if name != "truth.json"}
    assert _hashes(tmp_path) == expected


def test_a_record_shows_the_state_it_had_on_the_day(company: Company, tmp_path: Path) -> None:
    sent = next(
        o for o in company.orders if o.shipped_at and o.created_at > company.cutoff(company.clock.days[60])
    )
    until = local(sent.shipped_at or 0).date()
    end = company.cutoff(until)
    write(company, tmp_path, until)
    with sqlite3.connect(tmp_path / "orders.sqlite") as db:
        newest = db.execute("select max(updated_at) from orders where order_id > 1000000").fetchone()[0]
        shipped = dict(db.execute("select order_id, status from orders where order_id > 1000000").fetchall())
    assert newest <= f"{until + timedelta(days=1)} 00:00:00"
    on_the_way = [
        o for o in company.orders if o.shipped_at and o.delivered_at and o.shipped_at < end <= o.delivered_at
    ]
    assert on_the_way
    assert {shipped[o.number] for o in on_the_way} == {"shipped"}
    for record in _jsonl(tmp_path / "zendesk" / "ticket_events.jsonl"):
        assert record["timestamp"] < end


def test_an_unchanged_file_keeps_its_time_of_change(company: Company, folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    write(company, folder)
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_late_files_add_exactly_the_announced_events(
    folder: Path, truth: dict[str, Any], tmp_path: Path
) -> None:
    announced = truth["web"]["late_events_waiting"]
    assert len(announced) == 2
    for path in folder.glob("ga4*/*.parquet"):
        (tmp_path / path.parent.name).mkdir(exist_ok=True)
        (tmp_path / path.parent.name / path.name).write_bytes(path.read_bytes())
    for name in drop_late(tmp_path):
        day = date.fromisoformat(name[7:15])
        counts = [
            _one(duckdb.connect(), f"select count(*) from read_parquet('{where / 'ga4' / name}')")
            for where in (folder, tmp_path)
        ]
        assert counts[1] - counts[0] == announced[day.isoformat()]


def test_event_counts(events: duckdb.DuckDBPyConnection, truth: dict[str, Any]) -> None:
    web = truth["web"]
    assert _one(events, "select count(*) from raw") == web["rows"]
    assert (
        _one(events, "select count(*) from raw where device.web_info.browser = 'HeadlessChrome'")
        == web["bot_events"]
    )
    assert (
        _one(events, "select count(*) from raw where user_pseudo_id is null") == web["consent_denied_events"]
    )
    assert _one(events, "select count(*) from e") == web["human_events"] - web["consent_denied_events"]
    assert _one(events, "select count(distinct (user_pseudo_id, session_id)) from e") == web["sessions"]
    assert _one(events, "select count(distinct user_pseudo_id) from e") == web["browsers"]
    assert _one(events, "select count(distinct user_id) from e") == web["persons_logged_in"]


def test_duplicated_events_are_whole_rows_twice(
    events: duckdb.DuckDBPyConnection, truth: dict[str, Any]
) -> None:
    copies = _one(
        events,
        "select count(*) - count(distinct row_text) from (select cast(raw as varchar) as row_text from raw)",
    )
    assert copies == truth["web"]["duplicate_rows"] > 0


def test_sessions_by_silence_are_the_sessions_of_the_source(events: duckdb.DuckDBPyConnection) -> None:
    wrong = _one(
        events,
        """
        select count(*) from (
            select
                session_id, lag(session_id) over w as before,
                event_timestamp - lag(event_timestamp) over w as gap
            from e window w as (partition by user_pseudo_id order by event_timestamp)
        ) where (session_id = before) <> (gap <= 30 * 60 * 1000000)
        """,
    )
    assert wrong == 0


@pytest.mark.parametrize("device", [None, "mobile", "desktop", "tablet"])
def test_funnel_counts(events: duckdb.DuckDBPyConnection, truth: dict[str, Any], device: str | None) -> None:
    steps = truth["funnel"]["steps"]
    touched = ", ".join(
        f"bool_or(event_name in ({', '.join(repr(n) for n in names)})) as {step}"
        for step, names in steps.items()
    )
    where = f"where device.category = '{device}'" if device else ""
    events.execute(
        f"create or replace temp table t as select {touched} from e {where} group by user_pseudo_id, session_id"
    )
    expected = truth["funnel"]["sessions_by_device"][device] if device else truth["funnel"]["sessions"]
    names = list(steps)
    for k, step in enumerate(names):
        assert _one(events, f"select count(*) from t where {step}") == expected["any"][step]
        before = " and ".join(names[: k + 1])
        assert _one(events, f"select count(*) from t where {before}") == expected["all_before"][step]


def test_the_mobile_checkout_loses_more_than_half_of_its_conversion(truth: dict[str, Any]) -> None:
    leak = truth["leak"]
    rate = {k: v["purchase"] / v["checkout"] for k, v in leak.items() if isinstance(v, dict)}
    assert rate["mobile_since"] < rate["mobile_before"] / 2
    assert rate["others_since"] > rate["others_before"] * 0.7


def test_web_orders_are_the_purchases_of_ga4(
    folder: Path, events: duckdb.DuckDBPyConnection, truth: dict[str, Any]
) -> None:
    bought = dict(
        events.execute(
            "select ecommerce.transaction_id, ecommerce.purchase_revenue from e where event_name = 'purchase'"
        ).fetchall()
    )
    with sqlite3.connect(folder / "orders.sqlite") as db:
        ordered = dict(
            db.execute(
                "select web_transaction_id, total_amount from orders where channel = 'web' and order_id > 1000000"
            ).fetchall()
        )
    assert bought == ordered
    assert f"{sum(Decimal(str(v)) for v in ordered.values()):.2f}" == truth["web"]["purchase_revenue"]


def test_order_totals_to_the_cent(folder: Path, truth: dict[str, Any]) -> None:
    with sqlite3.connect(folder / "orders.sqlite") as db:
        orders = db.execute(
            "select order_id, channel, status, total_amount, items_amount, discount_amount, shipping_amount "
            "from orders where order_id > 1000000"
        ).fetchall()
        lines: dict[int, Decimal] = defaultdict(Decimal)
        for order, amount in db.execute(
            "select order_id, line_amount from order_lines where order_id > 1000000"
        ):
            lines[order] += Decimal(str(amount))
        refunds = [
            Decimal(str(a)) for (a,) in db.execute("select amount from refunds where order_id > 1000000")
        ]
        customers = db.execute("select count(*) from customers where customer_id is not null").fetchone()[0]
    cents = {row[0]: [Decimal(str(value)) for value in row[3:]] for row in orders}
    for order, (total, items, discount, shipping) in cents.items():
        assert total == items - discount + shipping == lines[order] + shipping
    facts = truth["orders"]
    assert f"{sum(c[0] for c in cents.values()):.2f}" == facts["all"]["total"]
    assert f"{sum(refunds):.2f}" == facts["refunds"]["amount"]
    assert len(refunds) == facts["refunds"]["count"]
    assert customers == facts["customer_rows"]
    for channel in ("web", "app", "store"):
        mine = [row for row in orders if row[1] == channel]
        assert len(mine) == facts[channel]["orders"]
        assert Counter(row[2] for row in mine) == facts[channel]["by_status"]


def test_repeat_buyers_counted_by_customer_record(folder: Path, truth: dict[str, Any]) -> None:
    """Accounts and guests are joined to persons by the truth's own list of shop records, orders come from the table."""
    person_of = {
        customer: person
        for person, known in truth["identities"]["persons"].items()
        for customer in known["shop_customer_ids"]
    }
    with sqlite3.connect(folder / "orders.sqlite") as db:
        rows = db.execute(
            "select customer_id from orders where customer_id is not null and order_id > 1000000 "
            "and status in ('paid', 'shipped', 'delivered', 'partially_refunded')"
        ).fetchall()
    counts = Counter(person_of[customer] for (customer,) in rows)
    assert len(counts) == truth["repeat_purchase"]["buyers"]
    assert sum(n >= 2 for n in counts.values()) == truth["repeat_purchase"]["with_two_orders"]


def _scores(folder: Path, form: str) -> list[int]:
    """Scores of the complete responses, in order of submission."""
    records = sorted(_jsonl(folder / "typeform" / "responses.jsonl"), key=lambda r: r["submitted_at"])
    done = [r for r in records if r["form_id"] == form and r["response_type"] == "completed" and r["answers"]]
    return [next(a["number"] for a in r["answers"] if a["type"] == "number") for r in done]


def test_survey_values(folder: Path, truth: dict[str, Any]) -> None:
    forms = truth["surveys"]["forms"]
    nps, delivery, ces = (_scores(folder, form) for form in ("LlNps001", "LlDel002", "LlCes003"))
    expected = forms["LlNps001"]["answers"]
    assert expected["n"] == len(nps)
    assert expected["value"] == 100 * (sum(s >= 9 for s in nps) - sum(s <= 6 for s in nps)) / len(nps)
    assert forms["LlDel002"]["answers"]["value"] == sum(s >= 4 for s in delivery) / len(delivery)
    assert forms["LlCes003"]["answers"]["value"] == sum(ces) / len(ces)


def test_invitations_are_written_for_every_survey(folder: Path, truth: dict[str, Any]) -> None:
    counts: Counter[str] = Counter()
    for path in (folder / "surveys").glob("invitations_*.csv"):
        counts.update(row["form_id"] for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert counts == {form: facts["invitations"] for form, facts in truth["surveys"]["forms"].items()}


def test_checkout_answers_are_the_feedback_events(
    folder: Path, events: duckdb.DuckDBPyConnection, truth: dict[str, Any]
) -> None:
    waiting = sum(truth["web"]["late_events_waiting"].values())
    sent = _one(events, "select count(*) from e where event_name = 'feedback_submitted'")
    answered = truth["surveys"]["forms"]["LlChk004"]["responses"]
    assert sent <= answered <= sent + waiting


def test_tickets_and_comments(folder: Path, truth: dict[str, Any]) -> None:
    tickets = [t for t in _jsonl(folder / "zendesk" / "tickets.jsonl") if t["created_at"]]
    assert Counter(t["status"] for t in tickets) == truth["support"]["by_status"]
    children = [c for a in _jsonl(folder / "zendesk" / "ticket_events.jsonl") for c in a["child_events"]]
    comments = [c for c in children if c["event_type"] == "Comment"]
    assert len(comments) == truth["support"]["comments"]
    assert sum(c["public"] for c in comments) == truth["support"]["public_comments"]
    ratings = Counter(r["score"] for r in _jsonl(folder / "zendesk" / "satisfaction_ratings.jsonl"))
    assert ratings == truth["support"]["ratings"]


def test_contacts_that_were_merged_away_are_only_named_by_the_winner(
    folder: Path, truth: dict[str, Any]
) -> None:
    contacts = {c["id"]: c for c in _jsonl(folder / "hubspot" / "contacts.jsonl")}
    merged = truth["crm"]["contacts_merged_away"]
    assert len(merged) >= 3
    assert not set(merged) & set(contacts)
    named = [
        i
        for c in contacts.values()
        for i in (c["properties"].get("hs_merged_object_ids") or "").split(";")
        if i
    ]
    assert sorted(named) == sorted(merged)
    archived = [i for i, c in contacts.items() if c["archived"]]
    assert archived == truth["crm"]["contacts_archived"]


def test_shared_and_deleted_cookies(events: duckdb.DuckDBPyConnection, truth: dict[str, Any]) -> None:
    persons, planted = truth["identities"]["persons"], truth["identities"]["planted"]
    (deleter,) = planted["cookie_deleter"]
    assert len(persons[deleter]["ga4_pseudo_ids"]) >= 8
    seen = events.execute(
        "select distinct user_pseudo_id from e where user_id = ?", [persons[deleter]["user_id"]]
    ).fetchall()
    assert sorted(i for (i,) in seen) == sorted(persons[deleter]["ga4_pseudo_ids"])
    users = events.execute(
        "select distinct user_id from e where user_pseudo_id = ? and user_id is not null",
        [truth["identities"]["shared_browser"]],
    ).fetchall()
    assert sorted(u for (u,) in users) == sorted(persons[p]["user_id"] for p in planted["shared_device"])


def test_every_identifier_belongs_to_one_person_but_the_planted_ones(truth: dict[str, Any]) -> None:
    owners: dict[tuple[str, str], set[str]] = defaultdict(set)
    for person, known in truth["identities"]["persons"].items():
        for kind, value in known.items():
            for one in value if isinstance(value, list) else [value]:
                if one is not None:
                    owners[kind, str(one)].add(person)
    shared = {key: sorted(who) for key, who in owners.items() if len(who) > 1}
    planted = truth["identities"]["planted"]
    assert {who[0] for key, who in shared.items() if key[0] == "emails"} == {
        planted["family_mail"][0], planted["role_mail"][0]
    }  # fmt: skip
    assert {key[0] for key in shared} == {"emails", "ga4_pseudo_ids", "ga4_pseudo_ids_all"}
    browsers = {key[1] for key in shared if key[0].startswith("ga4")}
    assert browsers == {truth["identities"]["shared_browser"]}


def test_broken_rows_of_the_till_files(folder: Path, truth: dict[str, Any]) -> None:
    expected = truth["broken"]["counts"]["stores"]["visits"]
    raw = [line for path in (folder / "store").glob("*.csv") for line in path.read_bytes().splitlines()[1:]]
    torn = [line for line in raw if line.count(b",") != 12]
    encoding = [line for line in raw if b"\xb3" in line and not _is_utf8(line)]
    assert (len(torn), len(encoding)) == (expected["torn_line"], expected["wrong_encoding"])
    assert len(raw) == truth["stores"]["visits"] + sum(expected.values())


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_store_receipts_are_the_shop_orders(folder: Path, truth: dict[str, Any]) -> None:
    rows: Rows = []
    for path in (folder / "store").glob("*.csv"):
        rows += list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8", "replace"))))
    whole = [r for r in rows if r["till"] != "9"]
    assert len({(r["store_id"], r["till"], r["business_date"], r["receipt_no"]) for r in whole}) == len(whole)
    receipts = {
        (r["order_number"], r["store_id"], r["till"], r["receipt_no"], Decimal(r["basket_total"]))
        for r in whole
        if r["visit_type"] == "purchase"
    }
    with sqlite3.connect(folder / "orders.sqlite") as db:
        orders = {
            (number, store, str(till), receipt, Decimal(str(total)).quantize(Decimal("0.01")))
            for number, store, till, receipt, total in db.execute(
                "select order_number, store_id, till, receipt_no, total_amount from orders where channel = 'store'"
            )
        }
    assert receipts == orders
    assert truth["stores"]["after_midnight"] > 0
    assert len(truth["stores"]["clock_change_rows"]) == 6


@pytest.mark.parametrize("wrong", [{"customers": 10}, {"days": 5}])
def test_a_company_too_small_for_its_cases_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="planted cases need"):
        Plan(**wrong)


def test_a_day_outside_the_period_is_refused(company: Company, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the period is"):
        write(company, tmp_path, date(2020, 1, 1))


def test_serving_ends_with_its_command_and_passes_its_status_on(folder: Path) -> None:
    command = "import os, sys; sys.exit(40 + os.environ['CX_HUBSPOT_URL'].startswith('http://127.0.0.1:'))"
    arguments = ["serve", "--home", str(folder.parent), "--", sys.executable, "-c", command]
    assert subprocess.run([sys.executable, "-m", "ingestion.demo", *arguments], check=False).returncode == 41


def test_serving_a_company_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    arguments = ["serve", "--home", str(tmp_path), "--", "true"]
    done = subprocess.run(
        [sys.executable, "-m", "ingestion.demo", *arguments], check=False, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "run `generate` first" in done.stderr
