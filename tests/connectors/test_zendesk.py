"""Zendesk: the exports are read to their end, whatever they repeat, hold back or break off."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion import pipeline
from ingestion.connectors.zendesk import source
from ingestion.connectors.zendesk.config import Config
from ingestion.core import http
from ingestion.core.errors import SourceError
from ingestion.demo.standins import faults, zendesk
from ingestion.demo.standins.kit import Server, iso_seconds
from ingestion.demo.standins.zendesk import Zendesk
from tests.connectors.world import DirectRun, VirtualClock, World, world_of

STORES = {"users": "users", "tickets": "tickets", "organizations": "organizations", "groups": "groups",
          "satisfaction_ratings": "ratings"}  # fmt: skip
AGENT = "integration@demo.example"
ORDER_FIELD = 27642


@pytest.fixture
def account(clock: VirtualClock, token: str) -> Zendesk:
    """125 users, 130 tickets with history, a merge, a deletion, ratings; pages of 50."""
    vendor = Zendesk(token=token, now=clock.time, limits=zendesk.vendor_limits(), page_size=50)
    fill(vendor, clock)
    return vendor


def fill(vendor: Zendesk, clock: VirtualClock) -> None:
    group = vendor.put_group(name="First line")
    organization = vendor.put_organization(name="Acme", domain_names=["acme.example"])
    people = []
    for number in range(125):
        people.append(
            vendor.put_user(name=f"U{number}", email=f"U{number}@Example.com", phone="601 234 567",
                            organization_id=organization, external_id=f"u-{number}")
        )  # fmt: skip
        clock.pass_(number % 3)
    agent = vendor.put_user(name="A", email="a@demo.example", role="agent", default_group_id=group)
    tickets = []
    for number in range(130):
        ticket = vendor.put_ticket(
            requester_id=people[number % 100], subject=f"T{number}",
            custom_fields=[{"id": ORDER_FIELD, "value": f"O-{number}"}, {"id": 5, "value": None}],
        )  # fmt: skip
        vendor.add_event(
            ticket,
            {"event_type": "Create", "status": "new"},
            {"event_type": "Create", "tags": ["a", "b"]},
            {"event_type": "Comment", "author_id": people[0], "public": True, "body": "Hello\nthere 😀"},
            {"event_type": "Notification", "subject": "n"},
        )
        tickets.append(ticket)
        clock.pass_(number % 4)
    vendor.add_event(tickets[0], {"event_type": "Change", "status": "open", "previous_value": "new"})
    vendor.merge_tickets(tickets[0], tickets[1])
    vendor.put_ticket(tickets[2], status="deleted")
    vendor.put_user(people[5], active=False)
    for number in range(3):
        vendor.put_rating(
            ticket_id=tickets[number + 5], score="good", requester_id=people[number], assignee_id=agent
        )
    clock.pass_(3600)


@pytest.fixture
def world(account: Zendesk, clock: VirtualClock, home: Path) -> Iterator[World]:
    with world_of(
        account, "zendesk", home, clock, email=AGENT, order_field_id=ORDER_FIELD, default_phone_region="PL"
    ) as made:
        yield made


def assert_lake_equals_account(world: World) -> None:
    """I1 to I4, and the history of the tickets."""
    vendor: Zendesk = world.vendor
    for table, store in STORES.items():
        held = {str(key): record for key, record in getattr(vendor, store).items()}
        latest = world.latest(table)
        assert set(latest) == set(held), table
        for key, record in held.items():
            stamp = "generated_timestamp" if table == "tickets" else "updated_at"
            landed = latest[key]["generated_at" if table == "tickets" else "updated_at"]
            wanted = record[stamp]
            if isinstance(wanted, int):
                wanted = iso_seconds(wanted)
            assert landed == datetime.fromisoformat(wanted), (table, key)
            for name in ("subject", "status", "name", "email", "score"):
                if name in record and name in latest[key]:
                    assert latest[key][name] == record[name], (table, key, name)
    assert world.deleted_ids("tickets") == {
        str(k) for k, t in vendor.tickets.items() if t["status"] == "deleted"
    }
    assert world.deleted_ids("users") == {str(k) for k, u in vendor.users.items() if not u["active"]}
    merged = {
        (str(event["ticket_id"]), str(child["via_reference_id"]))
        for event in vendor.events
        for child in event["child_events"]
        if child.get("via") == "Merge"
    }
    assert world.merged_ids("tickets") == merged
    children = [(e, c) for e in vendor.events for c in e["child_events"]]
    fields = {str(c["id"]) for _, c in children if c["event_type"] in ("Create", "Change")}
    assert {key[1] for key in world.latest("ticket_events")} == fields
    assert len(world.rows("ticket_events")) == len(fields), "an event landed twice"
    comments = {(str(e["ticket_id"]), str(c["id"])) for e, c in children if c["event_type"] == "Comment"}
    assert set(world.latest("ticket_comments")) == comments
    assert len(world.rows("ticket_comments")) == len(comments)
    world.assert_declared_types()


def test_first_load_holds_every_record_event_and_comment(world: World) -> None:
    world.run()
    assert_lake_equals_account(world)
    ticket = world.latest("tickets")[str(sorted(world.vendor.tickets)[3])]
    assert ticket["order_number"] == "O-3"
    assert ticket["custom_fields"] == '[{"id":27642,"value":"O-3"}]'
    assert ticket["via_channel"] == "email"
    user = next(u for u in world.latest("users").values() if u["name"] == "U7")
    assert (user["email_normalised"], user["phone_e164"]) == ("u7@example.com", "+48601234567")
    events = [
        e for e in world.rows("ticket_events") if e["ticket_id"] == str(sorted(world.vendor.tickets)[0])
    ]
    changed = [(e["field"], e["old_value"], e["new_value"]) for e in events]
    assert changed == [("status", None, "new"), ("tags", None, '["a","b"]'), ("status", "new", "open"),
                       ("status", "open", "closed")] or changed[:3] == [
        ("status", None, "new"), ("tags", None, '["a","b"]'), ("status", "new", "open")]  # fmt: skip
    loser = world.latest("tickets")[str(sorted(world.vendor.tickets)[0])]
    assert loser["is_merged_away"] and loser["status"] == "closed"


def test_second_run_without_changes_lands_nothing_in_few_calls(world: World) -> None:
    world.run()
    calls = len(world.vendor.log)
    assert world.run().total.read == 0
    # clock, users, tickets, organizations, groups, ratings, and the three pages of events in the overlap
    assert len(world.vendor.log) - calls == 9


def test_the_last_page_has_a_cursor_and_ends_all_the_same(world: World) -> None:
    world.run()
    pages = world.vendor.calls(r"/incremental/tickets/cursor")
    assert pages == 3  # 130 tickets in pages of 50


def test_changes_between_runs_arrive_once(world: World) -> None:
    world.run()
    vendor: Zendesk = world.vendor
    tickets, people = sorted(vendor.tickets), sorted(vendor.users)
    vendor.put_ticket(tickets[10], status="solved")
    vendor.add_event(tickets[10], {"event_type": "Change", "status": "solved", "previous_value": "new"})
    vendor.put_ticket(tickets[11], status="deleted")
    vendor.put_user(people[1], name="Zoë")
    vendor.put_rating(sorted(vendor.ratings)[0], score="bad", comment="no")
    vendor.put_organization(sorted(vendor.organizations)[0], name="Acme 2")
    vendor.merge_tickets(tickets[12], tickets[13])
    world.clock.pass_(120)
    result = world.run()
    assert_lake_equals_account(world)
    loaded = {name: count.loaded for name, count in result.tables.items()}
    assert loaded == {
        "tickets": 3, "tickets__deletes": 1, "tickets__merges": 1, "ticket_events": 2, "users": 1,
        "satisfaction_ratings": 1, "organizations": 1,
    }  # fmt: skip
    assert world.run().total.read == 0


def test_a_system_change_that_does_not_move_updated_at_arrives(world: World) -> None:
    world.run()
    ticket = sorted(world.vendor.tickets)[20]
    before = world.vendor.tickets[ticket]["updated_at"]
    world.vendor.put_ticket(ticket, system_only=True, priority="urgent")
    assert world.vendor.tickets[ticket]["updated_at"] == before
    world.clock.pass_(120)
    world.run()
    assert world.latest("tickets")[str(ticket)]["priority"] == "urgent"


def test_what_the_export_holds_back_comes_with_the_next_run(world: World) -> None:
    world.run()
    world.vendor.put_ticket(subject="fresh")
    world.clock.pass_(30)
    assert world.run().total.read == 0
    world.clock.pass_(60)
    assert world.run().tables["tickets"].loaded == 1
    assert_lake_equals_account(world)


def test_an_event_that_shows_up_late_is_found_in_the_overlap(world: World) -> None:
    world.run()
    newest = max(event["timestamp"] for event in world.vendor.events)
    world.vendor.add_event(
        sorted(world.vendor.tickets)[0], {"event_type": "Change", "priority": "high", "previous_value": None},
        at=newest - 200,
    )  # fmt: skip
    world.run()
    assert_lake_equals_account(world)


def test_a_second_with_more_events_than_a_page_does_not_loop(world: World) -> None:
    ticket = sorted(world.vendor.tickets)[0]
    for _ in range(120):
        world.vendor.add_event(ticket, {"event_type": "Change", "priority": "high", "previous_value": "low"})
    world.clock.pass_(100)
    world.vendor.add_event(ticket, {"event_type": "Change", "priority": "low", "previous_value": "high"})
    world.clock.pass_(100)
    world.run()
    assert_lake_equals_account(world)


def test_events_the_vendor_repeats_land_once(world: World) -> None:
    world.vendor.events.append(dict(world.vendor.events[-1]))
    world.run()
    assert_lake_equals_account(world)


def test_a_group_that_is_gone_gets_a_tombstone(world: World) -> None:
    gone, kept = sorted(world.vendor.groups)[0], world.vendor.put_group(name="other")
    world.run()
    del world.vendor.groups[gone]
    world.run()
    assert world.deleted_ids("groups") == {str(gone)}
    assert set(world.live("groups")) == {str(kept)}
    assert world.run().total.read == 0


def test_rows_that_do_not_fit_are_set_aside_and_the_others_load(world: World) -> None:
    vendor: Zendesk = world.vendor
    vendor.put_ticket(created_at="last week")
    vendor.users[-1] = {**vendor.users[sorted(vendor.users)[0]], "id": None}
    vendor.events.append({"id": 1, "timestamp": int(world.clock.at), "child_events": []})
    world.clock.pass_(120)
    world.run()
    reasons = sorted((row["source_table"], row["reason"]) for row in world.rejected())
    assert [table for table, _ in reasons] == ["ticket_events", "tickets", "users"]
    assert reasons[1][1] == "created_at: not a timestamp"
    assert reasons[2][1] == "id: key is missing"
    assert len(world.latest("tickets")) == 130


PASSING = {
    "429 with seconds": faults.too_many(7),
    "429 with a date": faults.too_many_until(9),
    "429 without": faults.too_many(),
    "500": faults.status(500),
    "502 page": faults.html(502),
    "503 maintenance": faults.status(503, {}, Retry_After="30"),
    "reset": faults.reset(),
    "cut": faults.cut(),
    "torn": faults.torn(),
}


@pytest.mark.parametrize("match", (r"tickets/cursor\.json\?.*cursor=", r"ticket_events\.json"))
@pytest.mark.parametrize("name", PASSING)
def test_a_passing_fault_is_ridden_out(world: World, name: str, match: str) -> None:
    fault = world.vendor.fault(PASSING[name], match, times=2)
    DirectRun(world).run()
    assert fault.fired == 2
    assert_lake_equals_account(world)
    asked = {"429 with seconds": 7, "429 with a date": 9, "503 maintenance": 30}.get(name)
    if asked:
        assert world.clock.slept.count(asked) == 2


FATAL = {
    "error in a 200": (faults.error_in_200(), "holds an error (InternalError)"),
    "no end_of_stream": (faults.edit(lambda b: {"tickets": b["tickets"]}), "has no `end_of_stream`"),
    "no cursor though more": (faults.edit(lambda b: {**b, "after_cursor": None}), "gives no cursor"),
    "token revoked": (faults.status(401), "refuses the credentials"),
    "repeated page": (faults.repeat_last(), "same page reference twice"),
    "down for good": (faults.status(503), "status 503, 8 times"),
}


@pytest.mark.parametrize("name", FATAL)
def test_a_fault_that_stays_fails_loud_and_the_next_run_is_whole(world: World, name: str, token: str) -> None:
    action, words = FATAL[name]
    direct = DirectRun(world)
    world.vendor.fault(action, r"/incremental/tickets/cursor", times=99)
    with pytest.raises(SourceError) as raised:
        direct.run()
    assert words in raised.value.cause
    assert raised.value.next_step
    assert token not in str(raised.value)
    world.vendor.forget()
    direct.run()
    assert_lake_equals_account(world)


def test_a_crash_at_any_request_and_a_rerun_equal_one_run(world: World) -> None:
    for request_number in itertools.count(1):
        direct = DirectRun(world, fresh=True)
        crash = world.vendor.fault(faults.reset(), nth=request_number, times=8)
        if direct.try_run():
            break
        assert crash.fired
        assert not world.rows("users")
        world.vendor.forget()
        direct.run()
        assert_lake_equals_account(world)
        assert direct.run() == 0
    assert request_number == 15  # fourteen requests make a first load of this account


def test_a_large_export_is_committed_in_packages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PACKAGE_PAGES", 1)
    direct = DirectRun(world)
    world.vendor.fault(faults.status(401), r"/incremental/tickets/cursor", nth=2)
    assert not direct.try_run()
    assert len(world.rows("users")) == 126
    assert len(world.rows("tickets")) == 50  # the first package is kept
    world.vendor.forget()
    direct.run()
    assert_lake_equals_account(world)
    assert direct.run() == 0


def test_an_idle_cursor_is_given_up_for_a_time(world: World) -> None:
    world.run()
    world.vendor.put_ticket(subject="after a long pause")
    world.clock.pass_(10 * 86_400)
    world.run()
    assert world.vendor.calls(r"tickets/cursor\.json\?.*start_time=") == 2
    assert_lake_equals_account(world)


def test_a_cursor_the_vendor_does_not_take_any_more_is_given_up(world: World) -> None:
    world.run()
    world.vendor.cursor_life = 3600
    world.vendor.put_ticket(subject="x")
    world.clock.pass_(2 * 86_400)
    world.run()
    assert_lake_equals_account(world)


def test_limits_are_never_hit(world: World) -> None:
    world.run()
    world.clock.pass_(5)
    world.run()
    assert [bucket.refusals for bucket in world.vendor.limits] == [0, 0]
    assert sum(world.clock.slept) > 30  # more than 9 incremental requests were needed


def test_check_names_the_cause_and_the_next_step(world: World) -> None:
    assert pipeline.check_connection(world.settings, world.connection).ok
    world.vendor.forbidden = zendesk.re.compile("groups")
    report = pipeline.check_connection(world.settings, world.connection)
    assert "lacks a permission (403)" in report.problem
    assert "admin" in report.next_step
    world.vendor.token = "another"
    report = pipeline.check_connection(world.settings, world.connection)
    assert "refuses the credentials (401)" in report.problem
    assert "API token" in report.next_step


def test_no_secret_is_written_anywhere(world: World, token: str) -> None:
    world.run()
    world.vendor.token = "another"
    assert token not in str(world.failing_run())
    world.assert_secret_nowhere(token)


def test_an_oauth_token_goes_without_an_email(world: World) -> None:
    world.with_settings(email=None).run()
    assert_lake_equals_account(world)


def test_either_subdomain_or_address() -> None:
    assert Config(subdomain="acme").origin == "https://acme.zendesk.com"
    for wrong in ({}, {"subdomain": "acme", "base_url": "https://x"}):
        with pytest.raises(ValueError, match="either subdomain or base_url"):
            Config(**wrong)


# ------------------------------------------------------------------------------------- random histories


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_history_with_faults_ends_whole(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    clock = VirtualClock()
    monkeypatch.setattr(http, "CLOCK", clock)
    vendor = Zendesk(token=token, now=clock.time, page_size=data.draw(st.sampled_from((3, 20))))
    people = [vendor.put_user(name=str(n)) for n in range(15)]
    tickets = [vendor.put_ticket(requester_id=people[0]) for _ in range(25)]
    clock.pass_(1000)

    def change(what: str) -> None:
        clock.pass_(1)
        if what == "ticket":
            vendor.put_ticket(tickets[3], status="open")
            vendor.add_event(tickets[3], {"event_type": "Change", "status": "open", "previous_value": "new"})
        elif what == "new":
            vendor.put_ticket(subject="new")
        elif what == "delete":
            vendor.put_ticket(tickets[4], status="deleted")
        else:
            vendor.put_user(people[2], name="changed")

    settings_ = {"email": AGENT, "incremental_per_minute": 1000}
    with world_of(vendor, "zendesk", tmp_path_factory.mktemp("history"), clock, **settings_) as world:
        direct = DirectRun(world)
        for _ in range(data.draw(st.integers(2, 4))):
            for _ in range(data.draw(st.integers(0, 3))):
                what = data.draw(st.sampled_from(("ticket", "new", "delete", "user")))
                at = len(vendor.log) + data.draw(st.integers(1, 12))
                vendor.on_request(at, lambda what=what: change(what))
            if data.draw(st.booleans()):
                kind = data.draw(st.sampled_from(sorted(PASSING)))
                vendor.fault(
                    PASSING[kind], nth=data.draw(st.integers(1, 8)), times=data.draw(st.integers(1, 9))
                )
            direct.try_run()
            vendor.faults.clear()
            clock.pass_(data.draw(st.integers(1, 90)))
        vendor.before.clear()
        clock.pass_(120)
        direct.run()
        assert_lake_equals_account(world)


# ------------------------------------------------------------------------------------- negative controls


def _get(url: str, token: str) -> dict[str, Any]:
    answer = requests.get(url, auth=(f"{AGENT}/token", token), timeout=5)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_control_stopping_at_a_missing_after_url_never_stops(account: Zendesk, token: str) -> None:
    account.limits = ()
    with Server(account) as server:
        url: str | None = f"{server.url}/api/v2/incremental/tickets/cursor.json?start_time=0"
        pages = 0
        while url and pages < 50:
            url, pages = _get(url, token)["after_url"], pages + 1
    assert pages == 50, "the stand-in is too kind: the last page has no after_url"


def test_control_filtering_by_updated_at_loses_system_changes(
    account: Zendesk, clock: VirtualClock, token: str
) -> None:
    account.limits = ()
    watermark = datetime.fromtimestamp(clock.at - 60, UTC)
    ticket = sorted(account.tickets)[20]
    account.put_ticket(ticket, system_only=True, priority="urgent")
    clock.pass_(120)
    with Server(account) as server:
        start = int(watermark.timestamp())
        page = _get(f"{server.url}/api/v2/incremental/tickets/cursor.json?start_time={start}", token)
    assert [t["id"] for t in page["tickets"]] == [ticket]
    assert [t for t in page["tickets"] if datetime.fromisoformat(t["updated_at"]) >= watermark] == []
