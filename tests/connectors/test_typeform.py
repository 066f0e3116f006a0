"""Typeform: each form behind its own watermark, nothing lost, deletions noticed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion import pipeline
from ingestion.connectors.typeform import forms, source
from ingestion.connectors.typeform.answers import answers
from ingestion.connectors.typeform.config import ScoreField
from ingestion.core import http
from ingestion.core.errors import SourceError
from ingestion.demo.standins import faults, typeform
from ingestion.demo.standins.kit import Server, iso_seconds
from ingestion.demo.standins.typeform import Typeform
from tests.connectors.world import DirectRun, VirtualClock, World, world_of

NPS_FORM = {
    "id": "nps1",
    "title": "After delivery",
    "settings": {"language": "en", "is_public": True},
    "hidden": ["email", "user_id"],
    "fields": [
        {"id": "f1", "ref": "nps", "type": "nps", "title": "Recommend?", "properties": {"steps": 11}},
        {
            "id": "g1", "ref": "group", "type": "group", "title": "More",
            "properties": {"fields": [{"id": "f2", "ref": "comment", "type": "long_text", "title": "Why?"}]},
        },
        {
            "id": "f3", "ref": "reason", "type": "multiple_choice", "title": "Reason",
            "properties": {"choices": [{"id": "c1", "ref": "price", "label": "Price"}]},
        },
    ],
}  # fmt: skip
CSAT_FORM = {
    "id": "csat1",
    "title": "How satisfied are you?",
    "fields": [{"id": "s1", "ref": "a", "type": "rating", "title": "Stars", "properties": {"steps": 5}}],
}


def nps(number: int, comment: str = "fine") -> list[dict[str, Any]]:
    return [
        {"type": "number", "number": number, "field": {"id": "f1", "ref": "nps", "type": "nps"}},
        {"type": "text", "text": comment, "field": {"id": "f2", "ref": "comment", "type": "long_text"}},
    ]


@pytest.fixture
def account(clock: VirtualClock, token: str, monkeypatch: pytest.MonkeyPatch) -> Typeform:
    """Two forms, 95 and 20 responses, pages of 30, two unfinished responses."""
    monkeypatch.setattr(source, "RESPONSES_PAGE", 30)
    vendor = Typeform(token=token, now=clock.time, limits=typeform.vendor_limits())
    vendor.put_form(NPS_FORM)
    vendor.put_form(CSAT_FORM)
    for number in range(95):
        vendor.submit(
            "nps1", nps(number % 11), hidden={"email": f"P{number}@Example.com", "user_id": f"u{number}"}
        )
        clock.pass_(number % 2)
    clock.pass_(10_000)
    for _ in range(20):
        vendor.submit(
            "csat1", [{"type": "number", "number": 4, "field": {"id": "s1", "ref": "a", "type": "rating"}}]
        )
        clock.pass_(10)
    vendor.start("nps1", nps(3)[:1])
    vendor.start("nps1", [])
    clock.pass_(8000)
    return vendor


@pytest.fixture
def world(account: Typeform, clock: VirtualClock, home: Path) -> Iterator[World]:
    with world_of(account, "typeform", home, clock, default_phone_region="PL") as made:
        yield made


def assert_lake_equals_account(world: World, *, with_deletions: bool = True) -> None:
    """I1 to I4 for responses, and their answers."""
    vendor: Typeform = world.vendor
    wanted = {
        (form, token): item for form, items in vendor.responses.items() for token, item in items.items()
    }
    live = world.live("responses")
    if with_deletions:
        assert set(live) == set(wanted)
    else:
        assert set(live) >= set(wanted)
    for key, item in wanted.items():
        row = live[key]
        partial = item["submitted_at"] == typeform.NEVER
        assert row["submitted_at"] == (None if partial else datetime.fromisoformat(item["submitted_at"])), key
        assert row["answer_count"] == len(item["answers"])
    landed = set(world.latest("response_answers"))
    for (form, token), item in wanted.items():
        for answer in item["answers"]:
            assert (form, token, answer["field"]["id"]) in landed
    assert set(world.live("forms")) == set(vendor.forms)
    world.assert_declared_types()


def test_first_load_holds_forms_questions_responses_and_answers(world: World) -> None:
    world.run()
    assert_lake_equals_account(world)
    form = world.latest("forms")["nps1"]
    assert (form["metric_type"], form["score_field_ref"], form["scale_max"]) == ("nps", "nps", 10.0)
    assert form["comment_field_ref"] == "comment"
    stars = world.latest("forms")["csat1"]
    assert (stars["metric_type"], stars["scale_min"], stars["scale_max"]) == ("csat", 1.0, 5.0)
    fields = world.latest("form_fields")
    assert fields[("nps1", "f2")]["parent_field_id"] == "g1"
    assert [fields[("nps1", f)]["position"] for f in ("f1", "g1", "f2", "f3")] == [1, 2, 3, 4]
    row = next(r for r in world.latest("responses").values() if r["user_id"] == "u7")
    assert (row["score"], row["score_metric"], row["comment"]) == (7.0, "nps", "fine")
    assert row["email_normalised"] == "p7@example.com"
    assert row["hidden"] == '{"email":"P7@Example.com","user_id":"u7"}'


def test_an_unfinished_response_has_no_date_and_becomes_finished(world: World) -> None:
    world.run()
    partial = [r for r in world.latest("responses").values() if r["response_type"] == "partial"]
    assert len(partial) == 2
    assert all(r["submitted_at"] is None and r["version_at"] == r["landed_at"] for r in partial)
    token = partial[0]["response_id"]
    item = world.vendor.responses["nps1"][token]
    item.update(response_type="completed", submitted_at=iso_seconds(world.clock.at), answers=nps(9))
    world.clock.pass_(60)
    world.run()
    row = world.latest("responses")[("nps1", token)]
    assert (row["response_type"], row["score"]) == ("completed", 9.0)
    assert_lake_equals_account(world)


def test_second_run_without_changes_lands_nothing_in_few_calls(world: World) -> None:
    world.run()
    calls = len(world.vendor.log)
    world.clock.pass_(5)  # a run knows nothing of the requests of the run before
    assert world.run().total.read == 0
    assert len(world.vendor.log) - calls == 1 + 2 * 2  # forms, then finished and unfinished of each


def test_each_form_has_its_own_watermark(world: World) -> None:
    world.run()
    world.vendor.put_form({**CSAT_FORM, "id": "old"})
    # responses far older than what was read of the other forms
    for number in range(40):
        world.vendor.submit("old", [], at=world.clock.at - 90 * 86_400 + number)
    world.clock.pass_(60)
    result = world.run()
    assert result.tables["responses"].loaded == 40
    assert_lake_equals_account(world)


def test_a_response_shown_late_is_found_in_the_overlap(world: World) -> None:
    direct = DirectRun(world)
    direct.run()
    world.vendor.index_lag = 1800
    for _ in range(5):
        world.vendor.submit("nps1", nps(1))
        world.clock.pass_(700)
        direct.run()
    world.clock.pass_(1800)
    direct.run()
    assert_lake_equals_account(world)
    assert len(world.rows("responses")) == 95 + 20 + 2 + 5  # the overlap landed nothing twice


def test_a_deleted_response_gets_a_tombstone_at_the_next_reconciliation(world: World) -> None:
    world.run()
    gone = sorted(world.vendor.responses["nps1"])[10]
    world.vendor.delete("nps1", gone)
    world.clock.pass_(3600)
    world.run()
    assert_lake_equals_account(world, with_deletions=False)
    world.clock.pass_(8 * 86_400)
    world.run()
    assert world.deleted_ids("responses") == {f"nps1|{gone}"}
    assert_lake_equals_account(world)
    assert world.run().total.read == 0


def test_a_form_that_is_gone_gets_a_tombstone(world: World) -> None:
    world.run()
    del world.vendor.forms["csat1"]
    changed = world.with_settings(max_vanished_share=0.6)
    changed.run()
    assert world.deleted_ids("forms") == {"csat1"}


def test_a_changed_form_lands_again_and_the_score_can_be_set(world: World) -> None:
    world.run()
    world.vendor.put_form({**NPS_FORM, "title": "New title"})
    result = world.with_settings(scores={"csat1": {"field": "a", "metric": "star"}}).run()
    assert result.tables["forms"].loaded == 2
    assert world.latest("forms")["nps1"]["title"] == "New title"
    assert world.latest("forms")["csat1"]["metric_type"] == "star"


def test_only_named_forms_are_read_and_an_unknown_one_is_an_error(world: World) -> None:
    world.with_settings(forms=["csat1"]).run()
    assert {row["form_id"] for row in world.rows("responses")} == {"csat1"}
    error = world.with_settings(forms=["nope"]).failing_run()
    assert "sees no form nope" in error.cause


def test_a_form_edited_while_the_list_is_paged_is_not_skipped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "FORMS_PAGE", 1)

    def edit() -> None:
        world.clock.pass_(5)
        oldest = min(world.vendor.forms.values(), key=lambda form: (form["last_updated_at"], form["id"]))
        world.vendor.put_form(oldest)

    world.vendor.on_request(2, edit)
    world.run()
    assert_lake_equals_account(world)


def test_rows_that_do_not_fit_are_set_aside_and_the_others_load(world: World) -> None:
    vendor = world.vendor
    vendor.submit(
        "nps1", [{"type": "number", "number": "nine", "field": {"id": "f1", "ref": "nps", "type": "nps"}}]
    )
    token = vendor.submit("nps1", nps(5))
    item = vendor.responses["nps1"][token]
    item["token"] = item["response_id"] = None
    vendor.submit("nps1", [], submitted_at="soon")
    world.clock.pass_(60)
    world.run()
    found = sorted((row["source_table"], row["reason"]) for row in world.rejected())
    assert found == [
        ("response_answers", "value_number: not a number"),
        ("responses", "response_id: key is missing"),
        ("responses", "score: not a number"),
        ("responses", "submitted_at: not a timestamp; version_at: not a timestamp"),
    ]
    assert len(world.live("responses")) == 95 + 20 + 2


def test_answers_of_every_type_have_a_value() -> None:
    def one(kind: str, value: Any) -> dict[str, Any]:
        answer = {"type": kind, kind: value, "field": {"id": "f", "ref": "r", "type": "t"}}
        return next(answers({"answers": [answer]}))

    assert one("number", 7)["value_number"] == 7
    assert one("boolean", True)["value_boolean"] is True
    assert one("text", "hi")["value_text"] == "hi"
    assert one("date", "2026-01-05T00:00:00Z")["value_date"] == "2026-01-05"
    assert one("choice", {"label": "Price", "ref": "p"}) | {"x": 1} == one(
        "choice", {"label": "Price", "ref": "p"}
    ) | {"x": 1}
    chosen = one("choices", {"labels": ["A", "B"], "refs": ["a", "b"], "other": "C"})
    assert (chosen["value_text"], chosen["option_refs"]) == (["A", "B", "C"], ["a", "b"])
    assert one("payment", {"amount": "5", "last4": "1234", "name": "Ana", "success": True})["value_text"] == {
        "amount": "5", "success": True}  # fmt: skip
    assert list(answers({"answers": None})) == []


def test_dates_and_choices_land_typed(world: World) -> None:
    field = {"id": "f3", "ref": "reason", "type": "multiple_choice"}
    world.vendor.submit("nps1", [
        {"type": "choice", "choice": {"id": "c1", "ref": "price", "label": "Price"}, "field": field},
        {"type": "date", "date": "2026-01-05", "field": {"id": "f9", "ref": "when", "type": "date"}},
    ])  # fmt: skip
    world.clock.pass_(60)
    world.run()
    rows = {row["field_id"]: row for row in world.rows("response_answers")}
    assert (rows["f3"]["value_text"], rows["f3"]["option_refs"]) == ("Price", '["price"]')
    assert rows["f9"]["value_date"] == date(2026, 1, 5)


@pytest.mark.parametrize(
    ("field", "title", "metric", "low", "high"),
    [
        ({"ref": "ces_1", "type": "opinion_scale", "properties": {"steps": 7, "start_at_one": True}}, "x", "ces", 1, 7),
        ({"ref": "q", "type": "opinion_scale", "properties": {"steps": 11}}, "Would you recommend us", "nps", 0, 10),
        ({"ref": "q", "type": "opinion_scale", "properties": {"steps": 5}}, "How easy was it", "ces", 0, 4),
        ({"ref": "q", "type": "rating", "properties": {"steps": 5}}, "Rate it", "star", 1, 5),
        ({"ref": "q", "type": "nps"}, "x", "nps", 0, 10),
    ],
)  # fmt: skip
def test_the_score_question_is_recognised(
    field: dict[str, Any], title: str, metric: str, low: float, high: float
) -> None:
    form = {"id": "f", "title": title, "fields": [{"id": "t", "type": "short_text"}, {"id": "s", **field}]}
    found = forms.score_field(form, None)
    assert (found["metric"], found["min"], found["max"]) == (metric, low, high)
    assert forms.score_field(form, ScoreField(field="absent", metric="nps")) == {}


PASSING = {
    "429 with seconds": faults.too_many(7),
    "429 with a date": faults.too_many_until(9),
    "429 without": faults.too_many(),
    "500": faults.status(500),
    "502 page": faults.html(502),
    "reset": faults.reset(),
    "cut": faults.cut(),
    "torn": faults.torn(),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_passing_fault_is_ridden_out(world: World, name: str) -> None:
    fault = world.vendor.fault(PASSING[name], r"responses\?.*before=", times=2)
    DirectRun(world).run()
    assert fault.fired == 2
    assert_lake_equals_account(world)


FATAL = {
    "error in a 200": (faults.error_in_200(), "holds an error (InternalError)"),
    "no items": (faults.edit(lambda body: {"total_items": 1}), "has no `items`"),
    "token revoked": (faults.status(401), "refuses the token"),
    "scope lost": (faults.status(403), "lacks a scope"),
    "repeated page": (faults.repeat_last(), "same page reference twice"),
    "down for good": (faults.status(503), "status 503, 8 times"),
}


@pytest.mark.parametrize("name", FATAL)
def test_a_fault_that_stays_fails_loud_and_the_next_run_is_whole(world: World, name: str, token: str) -> None:
    action, words = FATAL[name]
    direct = DirectRun(world)
    world.vendor.fault(action, r"/forms/nps1/responses", times=99)
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
        world.clock.pass_(5)
        crash = world.vendor.fault(faults.reset(), nth=request_number, times=8)
        if direct.try_run():
            break
        assert crash.fired
        assert not world.rows("responses")
        world.vendor.forget()
        direct.run()
        assert_lake_equals_account(world)
        assert direct.run() == 0
    assert request_number == 11  # forms, 2 definitions, 1 + 1 pages of csat1, 4 + 1 of nps1


def test_a_long_history_is_committed_in_packages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PACKAGE_PAGES", 1)
    direct = DirectRun(world)
    world.vendor.fault(faults.status(401), r"/forms/nps1/responses.*before=", nth=2)
    assert not direct.try_run()
    assert sum(row["form_id"] == "nps1" for row in world.rows("responses")) == 60
    world.vendor.forget()
    world.vendor.submit("nps1", nps(2))  # while the rest is still to be read
    direct.run()
    world.clock.pass_(60)
    direct.run()
    assert_lake_equals_account(world)
    assert direct.run() == 0


def test_limits_are_never_hit(world: World) -> None:
    world.run()
    assert [bucket.refusals for bucket in world.vendor.limits] == [0]
    assert sum(world.clock.slept) > 4


def test_check_names_the_cause_and_the_next_step(world: World) -> None:
    report = pipeline.check_connection(world.settings, world.connection)
    assert report.ok and len(report.proven) == 2
    world.vendor.scopes = {"forms:read"}
    report = pipeline.check_connection(world.settings, world.connection)
    assert "lacks a scope (403)" in report.problem
    assert "responses:read" in report.next_step
    world.vendor.token = "another"
    assert "refuses the token (401)" in pipeline.check_connection(world.settings, world.connection).problem


def test_no_secret_is_written_anywhere(world: World, token: str) -> None:
    world.run()
    world.vendor.token = "another"
    assert token not in str(world.failing_run())
    world.assert_secret_nowhere(token)


# ------------------------------------------------------------------------------------- random histories


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_history_with_faults_ends_whole(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    clock = VirtualClock()
    monkeypatch.setattr(http, "CLOCK", clock)
    monkeypatch.setattr(source, "RESPONSES_PAGE", data.draw(st.sampled_from((3, 10))))
    vendor = Typeform(token=token, now=clock.time, index_lag=600)
    vendor.put_form(NPS_FORM)
    for number in range(25):
        vendor.submit("nps1", nps(number % 11))
        clock.pass_(number % 3)
    clock.pass_(5000)

    def change(what: str) -> None:
        clock.pass_(1)
        if what == "submit":
            vendor.submit("nps1", nps(10))
        elif what == "start":
            vendor.start("nps1", [])
        elif vendor.responses["nps1"]:
            vendor.delete("nps1", sorted(vendor.responses["nps1"])[0])

    with world_of(
        vendor, "typeform", tmp_path_factory.mktemp("history"), clock, max_vanished_share=1
    ) as world:
        direct = DirectRun(world)
        for _ in range(data.draw(st.integers(2, 4))):
            for _ in range(data.draw(st.integers(0, 3))):
                what = data.draw(st.sampled_from(("submit", "start", "delete")))
                vendor.on_request(
                    len(vendor.log) + data.draw(st.integers(1, 9)), lambda what=what: change(what)
                )
            if data.draw(st.booleans()):
                kind = data.draw(st.sampled_from(sorted(PASSING)))
                vendor.fault(
                    PASSING[kind], nth=data.draw(st.integers(1, 8)), times=data.draw(st.integers(1, 9))
                )
            direct.try_run()
            vendor.faults.clear()
            clock.pass_(data.draw(st.integers(1, 900)))
        vendor.before.clear()
        clock.pass_(8 * 86_400)
        direct.run()
        assert_lake_equals_account(world)


# ------------------------------------------------------------------------------------- negative controls


def test_control_one_watermark_for_all_forms_loses_responses(account: Typeform, token: str) -> None:
    """A cursor shared by the forms asks the second form only for what is newer than the first one's newest."""
    account.limits = ()
    with Server(account) as server:
        headers = {"Authorization": f"Bearer {token}"}
        newest, seen = None, 0
        for form in ("csat1", "nps1"):  # the form with the newer responses comes first
            params = {"page_size": 1000, "since": newest}
            items = requests.get(
                f"{server.url}/forms/{form}/responses", params=params, headers=headers, timeout=5
            ).json()["items"]
            seen += len(items)
            newest = max([item["submitted_at"] for item in items] + [newest or ""])
    assert seen < 95 + 20, "the stand-in is too kind: the shared watermark lost nothing"


def test_control_the_year_one_is_a_date_to_those_who_believe_it(account: Typeform) -> None:
    partial = [i for i in account.responses["nps1"].values() if i["response_type"] == "partial"]
    assert all(datetime.fromisoformat(i["submitted_at"]).astimezone(UTC).year == 1 for i in partial)
