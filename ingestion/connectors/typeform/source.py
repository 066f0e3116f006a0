"""Reads Typeform: forms with their definitions, and the responses of each form behind its own watermark.

Responses come newest first: one request with `since`, then on by the token of the last item (`before`),
because the vendor refuses a date beside a token. Deleted responses leave no trace, so all tokens are read
again from time to time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestion.connectors.typeform import forms as definitions
from ingestion.connectors.typeform.answers import answers, real_date, response_row
from ingestion.connectors.typeform.config import Config
from ingestion.core.connector import Batch, RunContext
from ingestion.core.deletes import KEY_SEPARATOR
from ingestion.core.errors import SourceError
from ingestion.core.http import QUICK, ApiClient, Limiter, RetryPolicy
from ingestion.core.increments import (
    OverlapMemory,
    RowBuffer,
    fingerprint,
    instant,
    is_due,
    iso,
    landed,
    phone_region,
    vanished,
)
from ingestion.core.paginators import Page, before_token_pages, items_of
from ingestion.core.paths import expand

FORMS_PAGE = 200
RESPONSES_PAGE = 1_000
PACKAGE_PAGES = 20
"""Pages of one form's responses committed together: 20,000 responses."""


def read(ctx: RunContext) -> Iterator[Batch]:
    """Everything that is new since `ctx.state`; see the module."""
    with _client(ctx) as client:
        listed = _listed_forms(ctx.config, client)
        run_start = client.vendor_now()
        states: dict[str, Any] = ctx.state.setdefault("forms", {})
        yield from _forms(ctx, client, states, listed)
        for form_id in sorted(listed):
            yield from _responses(ctx, client, form_id, states[form_id], run_start)
            if ctx.more:
                return


def check(ctx: RunContext) -> list[str]:
    """The list of forms, and one response of one form: proves token and both scopes."""
    config: Config = ctx.config
    with _client(ctx, QUICK) as client:
        answer = client.get("forms", {"page": 1, "page_size": 1}, require=("items",))
        proven = [f"forms: readable ({answer.data.get('total_items')})"]
        chosen = config.forms or tuple(str(form.get("id")) for form in answer.data["items"])
        if chosen:
            client.get(f"forms/{chosen[0]}/responses", {"page_size": 1}, require=("items",))
            proven.append(f"responses of {chosen[0]}: readable")
    return proven


# ---------------------------------------------------------------------------------------------- forms


def _listed_forms(config: Config, client: ApiClient) -> dict[str, str]:
    """Id and change time of each form to read.

    The list is paged by number in order of change, so a form edited meanwhile moves pages; the count given
    by the vendor tells, and the list is read again.
    """
    found: dict[str, str] = {}
    for _ in range(3):
        page, pages, total = 1, 1, 0
        while page <= pages:
            answer = client.get(
                "forms",
                {"page": page, "page_size": FORMS_PAGE, "sort_by": "last_updated_at", "order_by": "asc"},
                require=("items", "page_count"),
            )
            pages, total = int(answer.data["page_count"]), int(answer.data.get("total_items", 0))
            for form in items_of(answer, "items"):
                if isinstance(form, Mapping) and form.get("id"):
                    found[str(form["id"])] = str(form.get("last_updated_at"))
            page += 1
        if len(found) >= total:
            break
    if config.forms is None:
        return found
    if missing := sorted(set(config.forms) - set(found)):
        raise SourceError(
            f"the token sees no form {', '.join(missing)}.",
            "Correct `forms`, or share the form with the owner of the token.",
            table="forms",
        )
    return {form_id: found[form_id] for form_id in config.forms}


def _forms(
    ctx: RunContext, client: ApiClient, states: dict[str, Any], listed: Mapping[str, str]
) -> Iterator[Batch]:
    """Definitions of new and changed forms; a tombstone for a form that is gone."""
    config: Config = ctx.config
    forms, fields = RowBuffer(ctx, "forms"), RowBuffer(ctx, "form_fields")
    for form_id, updated in sorted(listed.items()):
        state = states.setdefault(form_id, {})
        setting = config.scores.get(form_id)
        mark = fingerprint([updated, setting.model_dump() if setting else None])
        if state.get("definition") == mark:
            continue
        answer = client.get(f"forms/{form_id}", require=("id",))
        form = answer.data
        forms.add(definitions.form_row(form, setting), form, answer.url)
        for row in definitions.field_rows(form):
            fields.add(row, row, answer.url)
        state["definition"] = mark
        state["score"] = definitions.score_field(form, setting)
        state["comment"] = definitions.comment_ref(form)
    yield from forms.rest()
    yield from fields.rest()
    if config.forms is None:
        gone = vanished(
            set(states), set(listed), max_share=config.max_vanished_share, table="forms",
            setting="max_vanished_share",
        )  # fmt: skip
        for form_id in gone:
            del states[form_id]
        if gone:
            yield ctx.deletes("forms", gone, "key_reconciliation")


# ---------------------------------------------------------------------------------------------- responses


def _responses(
    ctx: RunContext, client: ApiClient, form_id: str, state: dict[str, Any], run_start: datetime
) -> Iterator[Batch]:
    config: Config = ctx.config
    sink = _Sink(ctx, form_id, state)
    yield from _completed(ctx, client, form_id, state, run_start, sink)
    if not ctx.more:
        if config.include_partial:
            yield from _partial(client, form_id, state, sink)
        if is_due(state.get("reconciled_at"), config.reconcile_days, run_start):
            yield from _reconcile(ctx, client, form_id, state, run_start, sink)
    yield from sink.rest()


def _completed(
    ctx: RunContext,
    client: ApiClient,
    form_id: str,
    state: dict[str, Any],
    run_start: datetime,
    sink: _Sink,
) -> Iterator[Batch]:
    """Finished responses since the watermark; a long walk is kept in the state and resumed by its token."""
    config: Config = ctx.config
    overlap = timedelta(seconds=config.overlap_seconds)
    watermark = instant(state.get("watermark"))
    since = _utc(config.start) if watermark is None else watermark - overlap
    walk = state.setdefault("walk", {"end": iso(run_start), "since": iso(since) if since else None})
    end, since = _instant(walk["end"]), instant(walk["since"])
    keep_from = end - overlap
    memory = OverlapMemory(state, "recent", carry="before" in walk)
    pages = _response_pages(
        client, form_id, "completed", since=since, before=walk.get("before"), page_size=RESPONSES_PAGE
    )
    for number, page in enumerate(pages, start=1):
        for index, item in enumerate(page.items):
            submitted = instant(real_date(_record(item).get("submitted_at")))
            key = _key(item)
            if since is not None and submitted is not None and submitted < since:
                continue  # pages after the first are not bounded by the vendor
            if memory.is_new(key, fingerprint(item), keep=submitted is None or submitted >= keep_from):
                sink.add(item, f"{page.ref}#{index}")
        yield from sink.full(page.answer.size)
        if number >= PACKAGE_PAGES and len(page.items) == RESPONSES_PAGE:
            walk["before"] = page.items[-1].get("token")
            memory.commit()
            ctx.more = True
            return
    memory.commit()
    del state["walk"]
    state["watermark"] = iso(end)
    state.setdefault("reconciled_at", iso(end))
    ctx.window("responses", since, end)


def _partial(client: ApiClient, form_id: str, state: dict[str, Any], sink: _Sink) -> Iterator[Batch]:
    """Unfinished responses: no date to filter by, so all of them; unchanged ones are skipped."""
    memory = OverlapMemory(state, "partial")
    for page in _response_pages(client, form_id, "partial", page_size=RESPONSES_PAGE):
        for index, item in enumerate(page.items):
            if memory.is_new(_key(item), fingerprint(item), keep=True):
                sink.add(item, f"{page.ref}#{index}", response_type="partial")
        yield from sink.full(page.answer.size)
    memory.commit()


def _reconcile(
    ctx: RunContext,
    client: ApiClient,
    form_id: str,
    state: dict[str, Any],
    run_start: datetime,
    sink: _Sink,
) -> Iterator[Batch]:
    """All finished responses once more: tombstones for those that are gone, rows for those that were missed."""
    rows = landed(ctx, "responses", "distinct form_id, response_id", "where submitted_at is not null")
    known = {response for form, response in rows if form == form_id}
    gone_before = {row[0] for row in landed(ctx, "responses__deletes", "distinct source_id")}
    listed: set[str] = set()
    for page in _response_pages(client, form_id, "completed", page_size=RESPONSES_PAGE):
        for index, item in enumerate(page.items):
            listed.add(_key(item))
            if _key(item) not in known and _key(item) not in sink.added:
                sink.add(item, f"{page.ref}#{index}")
        yield from sink.full(page.answer.size)
    live = {key for key in known if f"{form_id}{KEY_SEPARATOR}{key}" not in gone_before}
    gone = vanished(
        live, listed, max_share=ctx.config.max_vanished_share, table="responses", setting="max_vanished_share"
    )
    if gone:
        ids = [f"{form_id}{KEY_SEPARATOR}{key}" for key in gone]
        yield ctx.deletes("responses", ids, "key_reconciliation")
    state["reconciled_at"] = iso(run_start)


def _response_pages(
    client: ApiClient,
    form_id: str,
    kind: str,
    *,
    page_size: int,
    since: datetime | None = None,
    before: str | None = None,
) -> Iterator[Page]:
    common = {"page_size": page_size, "response_type": kind}
    # whole seconds, rounded down: the bound is inclusive
    low = None if since is None else since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    first = {**common, "before": before} if before else {**common, "since": low}

    def reached(item: Mapping[str, Any]) -> bool:
        submitted = instant(real_date(item.get("submitted_at")))
        return since is not None and submitted is not None and submitted < since

    return before_token_pages(
        client,
        f"forms/{form_id}/responses",
        first=first,
        rest=common,
        items="items",
        token="token",
        param="before",
        page_size=page_size,
        reached=reached,
    )


class _Sink:
    """Rows of responses and of their answers."""

    def __init__(self, ctx: RunContext, form_id: str, state: Mapping[str, Any]) -> None:
        self._form_id, self._state, self._region = form_id, state, phone_region(ctx)
        self._responses, self._answers = RowBuffer(ctx, "responses"), RowBuffer(ctx, "response_answers")
        self.added: set[str] = set()

    def add(self, item: Any, ref: str, response_type: str | None = None) -> None:
        record = _record(item)
        score, comment = self._state.get("score") or {}, self._state.get("comment")
        row = response_row(self._form_id, record, score, comment, self._region)
        if response_type and not record.get("response_type"):
            row["response_type"] = response_type
        self._responses.add(row, item, ref)
        self.added.add(_key(item))
        if not row["response_id"]:
            return
        for answer in answers(record):
            answer.update(form_id=self._form_id, response_id=row["response_id"], version_at=row["version_at"])
            self._answers.add(answer, answer, ref)

    def full(self, size: int) -> Iterator[Batch]:
        self._responses.add_bytes(size)
        yield from self._responses.full()
        yield from self._answers.full()

    def rest(self) -> Iterator[Batch]:
        yield from self._responses.rest()
        yield from self._answers.rest()


def _key(item: Any) -> str:
    record = _record(item)
    return str(record.get("response_id") or record.get("token"))


def _record(item: Any) -> Mapping[str, Any]:
    return item if isinstance(item, Mapping) else {}


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else instant(at)


def _instant(text: str) -> datetime:
    at = instant(text)
    assert at is not None, f"state holds no instant: {text!r}"
    return at


# ---------------------------------------------------------------------------------------------- requests


def _client(ctx: RunContext, policy: RetryPolicy | None = None) -> ApiClient:
    config: Config = ctx.config
    token = ctx.secret("token")
    limiter = Limiter(1, 1.0 / config.requests_per_second)
    return ApiClient(
        expand(config.base_url, {}),
        headers={"Authorization": f"Bearer {token}"},
        secrets=(token,),
        limiters_of=lambda request: (limiter,),
        max_requests=config.max_requests,
        describe_refusal=_refusal,
        on_request=ctx.count_requests,
        policy=policy,
    )


def _refusal(status: int, body: Any) -> tuple[str, str] | None:
    if status == 401:
        return (
            "Typeform refuses the token (401).",
            "Create a personal token (Account, Your settings, Personal tokens) and set it anew; "
            "EU accounts need base_url https://api.eu.typeform.com.",
        )
    if status == 403:
        return (
            "the token lacks a scope (403).",
            "Create a token with the scopes forms:read and responses:read.",
        )
    return None
