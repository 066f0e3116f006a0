"""HubSpot: what lands equals what the account holds, whatever happens on the way."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion import pipeline
from ingestion.connectors.hubspot import source
from ingestion.core import http
from ingestion.core.errors import SourceError
from ingestion.demo.standins import faults, hubspot
from ingestion.demo.standins.hubspot import HubSpot
from ingestion.demo.standins.kit import Server
from tests.connectors.world import DirectRun, VirtualClock, World, world_of

KINDS = ("contacts", "companies", "deals")


@pytest.fixture
def account(clock: VirtualClock, token: str) -> HubSpot:
    """A small account: 230 contacts, 3 companies, 4 deals, an owner, links, a merge, an archived contact."""
    vendor = HubSpot(token=token, now=clock.time, limits=hubspot.vendor_limits())
    fill(vendor, clock)
    return vendor


def fill(vendor: HubSpot, clock: VirtualClock, contacts: int = 230) -> None:
    for number in range(contacts):
        vendor.put(
            "contacts", {"email": f"P{number}@Example.com", "phone": "601 234 567", "firstname": f"P{number}"}
        )
        clock.pass_(0.25)
    companies = [vendor.put("companies", {"name": f"C{n}", "numberofemployees": "12"}) for n in range(3)]
    deals = [vendor.put("deals", {"dealname": f"D{n}", "amount": "10.50"}) for n in range(4)]
    people = sorted(vendor.objects["contacts"])
    vendor.link("contacts", people[0], "companies", companies[0], type_id=1, label="Primary")
    vendor.link("contacts", people[0], "companies", companies[1], type_id=279)
    vendor.link("deals", deals[0], "contacts", people[0], type_id=3)
    vendor.merge("contacts", people[1], people[2])
    vendor.archive("contacts", people[3])
    vendor.owners["9"] = {
        "id": "9", "email": "Jan@Demo.example", "firstName": "Jan", "lastName": "K", "archived": False,
        "createdAt": "2025-01-01T00:00:00.000Z", "updatedAt": "2025-01-01T00:00:00.000Z", "userId": 5, "teams": [],
    }  # fmt: skip
    clock.pass_(3600)


@pytest.fixture
def world(account: HubSpot, clock: VirtualClock, home: Path) -> Iterator[World]:
    with world_of(account, "hubspot", home, clock, default_phone_region="PL", overlap_seconds=60) as made:
        yield made


def assert_lake_equals_account(world: World) -> None:
    """I1 to I4."""
    vendor: HubSpot = world.vendor
    for kind in KINDS:
        live, wanted = world.live(kind), vendor.live(kind)
        assert set(live) == set(wanted), kind
        for key, record in wanted.items():
            assert live[key]["updated_at"] == datetime.fromisoformat(record["updatedAt"]), (kind, key)
            for name in ("email", "firstname", "name", "dealname"):
                if name in live[key]:
                    assert live[key][name] == record["properties"].get(name), (kind, key, name)
        archived = {i for i, r in vendor.objects[kind].items() if r["archived"]}
        assert archived <= world.deleted_ids(kind)
        assert {pair for pair in world.merged_ids(kind)} == set(vendor.merged[kind].items())
        assert not world.deleted_ids(kind) & set(wanted)
    world.assert_declared_types()


def links_of_today(world: World) -> set[tuple[str, str, str, str, str]]:
    reads = world.latest("association_reads")
    return {
        (r["from_type"], r["from_id"], r["to_type"], r["to_id"], r["association_type_id"])
        for r in world.rows("associations")
        if reads[(r["from_type"], r["from_id"], r["to_type"])]["read_at"] == r["read_at"]
    }


def test_first_load_holds_every_record_link_merge_and_deletion(world: World) -> None:
    result = world.run()
    assert_lake_equals_account(world)
    assert result.tables["contacts"].loaded == 228
    wanted = {(f, i, t, j, str(k)) for (f, i, t), found in world.vendor.links.items() for j, k in found}
    assert links_of_today(world) == wanted
    contact = next(iter(world.live("contacts").values()))
    assert contact["email_normalised"] == contact["email"].lower()
    assert contact["phone_e164"] == "+48601234567"
    assert world.rows("owners")[0]["email_normalised"] == "jan@demo.example"
    assert world.rows("deals")[0]["amount"] == pytest.approx(10.5)


def test_second_run_without_changes_lands_nothing_in_few_calls(world: World) -> None:
    world.run()
    calls = len(world.vendor.log)
    result = world.run()
    assert result.total.read == 0
    # clock, then search and archived list per object, then owners live and archived
    assert len(world.vendor.log) - calls == 1 + 2 * len(KINDS) + 2


def test_changes_between_runs_arrive_once(world: World) -> None:
    world.run()
    vendor = world.vendor
    people = sorted(vendor.live("contacts"))
    vendor.put("contacts", {"firstname": "Zoë 😀"}, people[5])
    new = vendor.put("contacts", {"email": "new@example.com"})
    vendor.archive("contacts", people[6])
    vendor.merge("contacts", people[7], people[8], listed_with_time=False)
    vendor.unlink("contacts", people[0], "companies", sorted(vendor.objects["companies"])[1])
    vendor.put("contacts", {"city": "Gdynia"}, people[0])
    world.clock.pass_(120)
    result = world.run()
    assert_lake_equals_account(world)
    assert result.tables["contacts"].loaded == 4
    assert new in world.live("contacts")
    assert len([link for link in links_of_today(world) if link[0] == "contacts"]) == 1


def test_restored_record_is_live_again(world: World) -> None:
    world.run()
    person = sorted(world.vendor.live("contacts"))[0]
    world.vendor.archive("contacts", person)
    world.clock.pass_(300)
    world.run()
    assert person not in world.live("contacts")
    world.vendor.restore("contacts", person)
    world.clock.pass_(300)
    world.run()
    assert person in world.live("contacts")


def test_merged_ids_are_read_from_both_properties() -> None:
    found = source.merged_ids(
        {"hs_merged_object_ids": "77;88", "hs_calculated_merged_vids": "77:1767603000000;99:1767603000000"}
    )
    at = datetime(2026, 1, 5, 8, 50, tzinfo=UTC)
    assert found == [("77", at), ("88", None), ("99", at)]


def test_rows_that_do_not_fit_are_set_aside_and_the_others_load(world: World) -> None:
    vendor = world.vendor
    vendor.put("deals", {"amount": "twelve"})
    at = "2026-01-01T00:00:00.000Z"
    keyless = {"properties": {"dealname": "no id"}, "archived": False, "createdAt": at, "updatedAt": at}
    vendor.objects["deals"]["x"] = keyless
    bad = vendor.put("contacts", {"email": "x@example.com"})
    vendor.objects["contacts"][bad]["properties"]["createdate"] = "yesterday"
    world.clock.pass_(60)
    result = world.run()
    reasons = sorted(row["reason"] for row in world.rejected())
    assert reasons == ["amount: not a decimal number", "createdate: not a timestamp", "id: key is missing"]
    assert all(row["source_ref"] and row["raw_json"] for row in world.rejected())
    assert result.tables["contacts"].loaded == 228
    assert result.tables["deals"].read == result.tables["deals"].loaded + 2


def test_extra_properties_land_as_json_and_unknown_ones_are_left_out(world: World) -> None:
    vendor = world.vendor
    vendor.put("contacts", {"email": "j@example.com", "favourite_colour": "żółty"}, "5000000")
    world.with_settings(extra_properties={"contacts": ["favourite_colour", "never_set"]}).run()
    assert world.live("contacts")["5000000"]["properties_other"] == '{"favourite_colour":"żółty"}'


def test_full_pass_notices_what_vanished_and_what_search_never_showed(world: World) -> None:
    world.run()
    vendor = world.vendor
    people = sorted(vendor.live("contacts"))
    vendor.erase("contacts", people[10])
    # a change the search index never shows: no new modification time
    vendor.objects["contacts"]["4999999"] = {**vendor.objects["contacts"][people[11]], "id": "4999999"}
    vendor.unlink("contacts", people[0], "companies", sorted(vendor.objects["companies"])[0])
    world.clock.pass_(8 * 86_400)
    result = world.run()
    assert world.rows("contacts__deletes")[-1]["method"] == "key_reconciliation"
    assert people[10] not in world.live("contacts")
    assert "4999999" in world.live("contacts")
    assert result.tables["contacts"].loaded == 1
    assert (
        result.tables["association_reads"].loaded == 2
    )  # the record that was new, and the one that lost a link
    assert len([link for link in links_of_today(world) if link[0] == "contacts"]) == 1
    assert world.run().total.read == 0


def test_a_list_cut_short_deletes_nothing(world: World) -> None:
    world.run()
    world.clock.pass_(8 * 86_400)
    empty = faults.edit(lambda body: {"results": []})
    world.vendor.fault(empty, r"/contacts\?limit=100&archived=false", times=9)
    error = world.failing_run()
    assert error.table == "contacts"
    assert "not listed any more" in error.cause
    assert "max_vanished_share" in error.next_step
    world.vendor.forget()
    world.run()
    assert_lake_equals_account(world)


def test_a_large_first_load_is_committed_in_packages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PACKAGE_PAGES", 1)
    world.vendor.fault(faults.status(400), r"/contacts\?.*after=", nth=2)
    world.failing_run()
    assert len(world.rows("contacts")) == 200  # two packages of one page each are kept
    world.vendor.forget()
    world.run()
    assert_lake_equals_account(world)
    assert (
        world.vendor.calls(r"/contacts\?limit=100&archived=false") == 1
    )  # only the last page was read again
    assert world.run().total.read == 0


def test_records_changed_during_the_first_load_come_with_the_next_run(world: World) -> None:
    vendor = world.vendor
    people = sorted(vendor.live("contacts"))

    def change() -> None:
        world.clock.pass_(30)
        vendor.put("contacts", {"firstname": "late"}, people[0])
        vendor.archive("contacts", people[1])
        vendor.merge("contacts", people[2], people[150])
        vendor.put("contacts", {"email": "fresh@example.com"})

    vendor.on_request(r"/contacts\?.*after=", change)
    world.run()
    world.clock.pass_(120)
    world.run()
    assert_lake_equals_account(world)


def test_index_lag_below_the_overlap_loses_nothing(world: World) -> None:
    direct = DirectRun(world)
    direct.run()
    world.vendor.index_lag = 45
    for round_ in range(4):
        people = sorted(world.vendor.live("contacts"))
        world.vendor.put("contacts", {"firstname": f"r{round_}"}, people[round_])
        world.vendor.put("contacts", {"email": f"r{round_}@example.com"})
        world.clock.pass_(10)
        direct.run()
    world.vendor.index_lag = 0
    world.clock.pass_(5)
    direct.run()
    assert_lake_equals_account(world)


def test_a_bulk_change_above_the_search_cap_arrives(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubspot, "SEARCH_CAP", 1_000)
    world.run()
    for number in range(1_500):
        world.vendor.put("contacts", {"firstname": "bulk"}, str(3_000_000 + number))
    world.clock.pass_(120)
    assert world.run().tables["contacts"].loaded == 1_500
    assert_lake_equals_account(world)


PASSING = {
    "429 with seconds": faults.too_many(7),
    "429 with a date": faults.too_many_until(9),
    "429 with 0": faults.too_many(0),
    "429 without": faults.too_many(),
    "500": faults.status(500),
    "502 page": faults.html(502),
    "503": faults.status(503, {}, Retry_After="3"),
    "reset": faults.reset(),
    "cut": faults.cut(),
    "torn": faults.torn(),
    "page in a 200": faults.html(200),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_passing_fault_is_ridden_out(world: World, name: str) -> None:
    fault = world.vendor.fault(PASSING[name], r"/contacts\?.*after=", times=2)
    DirectRun(world).run()
    assert fault.fired == 2
    assert_lake_equals_account(world)
    asked = {"429 with seconds": 7, "429 with a date": 9, "503": 3}.get(name)
    if asked:
        assert world.clock.slept.count(asked) == 2


FATAL = {
    "error in a 200": (faults.error_in_200(), "holds an error (InternalError)"),
    "no results in a 200": (faults.edit(lambda body: {"total": 0}), "has no `results`"),
    "results no list": (faults.edit(lambda body: {"results": {}}), "no list"),
    "token revoked": (faults.status(401), "refuses the token"),
    "repeated cursor": (
        faults.edit(lambda body: {**body, "paging": {"next": {"after": "1000102"}}}),
        "same page reference twice",
    ),
    "down for good": (faults.html(502), "status 502, 8 times"),
    "waits too long": (faults.too_many(7200), "wait 7200 s"),
}


@pytest.mark.parametrize("name", FATAL)
def test_a_fault_that_stays_fails_loud_and_the_next_run_is_whole(world: World, name: str, token: str) -> None:
    action, words = FATAL[name]
    direct = DirectRun(world)
    world.vendor.fault(action, r"/contacts\?.*archived=false", times=99)
    with pytest.raises(SourceError) as raised:
        direct.run()
    assert words in raised.value.cause
    assert raised.value.next_step
    assert token not in str(raised.value)
    assert not world.rows("contacts")
    world.vendor.forget()
    direct.run()
    assert_lake_equals_account(world)


def test_the_daily_quota_stops_the_run_at_once(world: World) -> None:
    body = {"status": "error", "errorType": "RATE_LIMIT", "policyName": "DAILY"}
    world.vendor.fault(faults.status(429, body), times=99)
    error = world.failing_run()
    assert "daily quota" in error.cause
    assert len(world.vendor.log) == 1


def test_a_page_served_twice_by_a_cache_is_refused(world: World) -> None:
    world.run()
    for person in sorted(world.vendor.live("contacts"))[:210]:
        world.vendor.put("contacts", {"firstname": "x"}, person)
    world.clock.pass_(120)
    world.vendor.fault(faults.repeat_last(), r"/contacts/search", times=2)
    assert "does not go on" in world.failing_run().cause
    world.vendor.forget()
    world.run()
    assert_lake_equals_account(world)


def test_a_foreign_next_link_is_never_followed(world: World) -> None:
    evil = faults.edit(lambda body: body["paging"]["next"].update(link="http://evil.example/x") or body)
    world.vendor.fault(evil, r"/contacts\?limit=100&archived=false", times=1)
    world.run()
    assert_lake_equals_account(world)


def test_a_crash_at_any_request_and_a_rerun_equal_one_run(world: World) -> None:
    for request_number in itertools.count(1):
        direct = DirectRun(world, fresh=True)
        crash = world.vendor.fault(faults.reset(), nth=request_number, times=8)
        if direct.try_run():
            break
        assert crash.fired
        assert not world.rows("contacts")
        world.vendor.forget()
        direct.run()
        assert_lake_equals_account(world)
        assert direct.run() == 0
    assert request_number == 15  # fourteen requests make a first load of this account


def test_limits_are_never_hit(world: World) -> None:
    for number in range(900):
        world.vendor.put("contacts", {"firstname": "x"}, str(3_000_000 + number))
    world.run()
    for number in range(900):
        world.vendor.put("contacts", {"firstname": "y"}, str(3_000_000 + number))
    world.clock.pass_(120)
    world.run()
    assert [bucket.refusals for bucket in world.vendor.limits] == [0, 0, 0]
    assert sum(world.clock.slept) > 0


@pytest.mark.parametrize("skew", (-300, 300))
def test_the_vendors_clock_counts_not_ours(world: World, skew: int) -> None:
    vendor = world.vendor
    vendor.now = lambda: world.clock.time() + skew
    world.run()
    vendor.put("contacts", {"firstname": "elsewhere"}, sorted(vendor.live("contacts"))[0])
    world.clock.pass_(1)
    assert world.run().tables["contacts"].loaded == 1
    assert_lake_equals_account(world)


def test_check_names_the_missing_scope(world: World) -> None:
    assert pipeline.check_connection(world.settings, world.connection).ok
    world.vendor.scopes = set(hubspot.SCOPES.values()) - {"crm.objects.deals.read"}
    report = pipeline.check_connection(world.settings, world.connection)
    assert not report.ok
    assert "crm.objects.deals.read" in report.problem
    world.vendor.token = "another"
    report = pipeline.check_connection(world.settings, world.connection)
    assert "refuses the token (401)" in report.problem
    assert "Private apps" in report.next_step


def test_no_secret_is_written_anywhere(world: World, token: str) -> None:
    world.run()
    world.vendor.fault(faults.status(401), times=99)
    world.failing_run()
    world.assert_secret_nowhere(token)


def test_a_run_killed_in_the_middle_is_made_good_by_the_next(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "load.py"
    script.write_text(
        "import sys\n"
        "from ingestion import pipeline\n"
        "from ingestion.connections import Connection\n"
        "from ingestion.connectors.hubspot.config import Config\n"
        "from ingestion.settings import load_settings\n"
        "home, url = sys.argv[1:]\n"
        "connection = Connection('account', 'hubspot', Config(base_url=url), {'token': 'CX_TEST_TOKEN'})\n"
        "pipeline.run_connection(load_settings(home, home + '/c.yml').prepare(), connection)\n"
    )
    world.vendor.limits = ()
    process = subprocess.Popen([sys.executable, str(script), str(world.settings.home), world.vendor.url])
    world.vendor.on_request(r"/deals\?limit=100", lambda: os.kill(process.pid, signal.SIGKILL))
    assert process.wait(60) == -signal.SIGKILL
    assert not world.rows("contacts")
    world.vendor.forget()
    world.run()
    assert_lake_equals_account(world)


# ------------------------------------------------------------------------------------- random histories


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_history_with_faults_ends_whole(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    clock = VirtualClock()
    monkeypatch.setattr(http, "CLOCK", clock)
    vendor = HubSpot(token=token, now=clock.time, index_lag=20)
    for number in range(120):
        vendor.put("contacts", {"firstname": str(number)})
    clock.pass_(1000)
    home = tmp_path_factory.mktemp("history")
    with world_of(
        vendor, "hubspot", home, clock, overlap_seconds=60, associations=False, owners=False
    ) as world:
        direct = DirectRun(world)
        for _ in range(data.draw(st.integers(2, 4))):
            for _ in range(data.draw(st.integers(0, 4))):
                change = data.draw(st.sampled_from(("put", "new", "archive", "merge")))
                at = data.draw(st.integers(1, 12))
                vendor.on_request(
                    len(vendor.log) + at, lambda change=change: _random_change(vendor, clock, change)
                )
            if data.draw(st.booleans()):
                kind = data.draw(st.sampled_from(sorted(PASSING)))
                vendor.fault(
                    PASSING[kind], nth=data.draw(st.integers(1, 8)), times=data.draw(st.integers(1, 9))
                )
            direct.try_run()
            vendor.faults.clear()
            clock.pass_(data.draw(st.integers(1, 40)))
        vendor.before.clear()
        clock.pass_(30)
        direct.run()
        assert_lake_equals_account(world)


def _random_change(vendor: HubSpot, clock: VirtualClock, change: str) -> None:
    clock.pass_(1)
    people = sorted(vendor.live("contacts"))
    if change == "put":
        vendor.put("contacts", {"firstname": "changed"}, people[len(people) // 3])
    elif change == "new":
        vendor.put("contacts", {"firstname": "new"})
    elif change == "archive":
        vendor.archive("contacts", people[len(people) // 2])
    else:
        vendor.merge("contacts", people[1], people[-2])


# ------------------------------------------------------------------------------------- negative controls


def _search(url: str, token: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = requests.post(
        f"{url}/crm/objects/2026-03/contacts/search", json=body,
        headers={"Authorization": f"Bearer {token}"}, timeout=5,
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_control_paging_by_modification_time_loses_records(clock: VirtualClock, token: str) -> None:
    """The usual algorithm (sort by lastmodifieddate, follow `after`) misses records edited while it reads."""
    vendor = HubSpot(token=token, now=clock.time)
    ids = [vendor.put("contacts", {"firstname": str(n)}) for n in range(600)]
    clock.pass_(60)

    def edit() -> None:
        clock.pass_(1)
        for record_id in ids[:50]:
            vendor.put("contacts", {"firstname": "edited"}, record_id)

    with Server(vendor) as server:
        vendor.on_request(2, edit)
        seen: set[str] = set()
        body: dict[str, Any] = {"sorts": [{"propertyName": "lastmodifieddate"}], "limit": 200}
        horizon = {"propertyName": "lastmodifieddate", "operator": "LT", "value": str(int(clock.at * 1000))}
        body["filterGroups"] = [{"filters": [horizon]}]
        while True:
            answer = _search(server.url, token, body)
            seen.update(record["id"] for record in answer["results"])
            if "paging" not in answer:
                break
            body["after"] = answer["paging"]["next"]["after"]
    assert not set(ids) <= seen, "the stand-in is too kind: the naive algorithm lost nothing"


def test_control_search_without_overlap_loses_what_the_index_shows_late(world: World) -> None:
    naive = DirectRun(world.with_settings(overlap_seconds=0, full_pass_days=0))
    naive.run()
    world.vendor.index_lag = 45
    for _ in range(4):
        world.vendor.put("contacts", {"email": "late@example.com"})
        world.clock.pass_(10)
        naive.run()
    world.clock.pass_(100)
    naive.run()
    assert set(world.live("contacts")) != set(world.vendor.live("contacts"))
