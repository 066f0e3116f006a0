"""Reads Zendesk Support through its incremental exports.

Tickets and users come by cursor export; the cursor is kept, not a time, because the export is ordered by
`generated_timestamp`, which system changes move and `updated_at` does not. Ticket events and organisations
come by time-based export, which repeats items at the edge of a page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestion.connectors.zendesk.config import Config
from ingestion.core.connector import Batch, RunContext
from ingestion.core.http import QUICK, ApiClient, HttpError, Limiter, RetryPolicy
from ingestion.core.identifiers import normalise_email, normalise_phone
from ingestion.core.increments import (
    MEMORY_LIMIT,
    OverlapMemory,
    RowBuffer,
    fingerprint,
    instant,
    iso,
    landed,
    phone_region,
    vanished,
)
from ingestion.core.paginators import Page, cursor_pages, end_of_stream_pages, time_export_pages
from ingestion.core.paths import expand

PACKAGE_PAGES = 20
"""Pages of an export committed together: 20,000 items, a little over two minutes at 9 requests a minute."""

EXPORT_PAGE = 1_000
LIST_PAGE = 100
NOT_EXPORTED_YET = timedelta(seconds=61)
"""The exports refuse a start time less than a minute ago."""

_CHILD_META = frozenset(("id", "via", "via_reference_id", "event_type", "previous_value", "created_at"))
_FIELD_EVENTS = frozenset(("Create", "Change"))
_COMMENT_EVENTS = frozenset(("Comment", "VoiceComment"))


def read(ctx: RunContext) -> Iterator[Batch]:
    """Everything that is new since `ctx.state`; see the module."""
    config: Config = ctx.config
    with _client(ctx) as client:
        # one cheap request first: it proves the credentials and gives the vendor's clock
        _probe(client)
        run_start = client.vendor_now()
        # the exports that may take several packages come first: a package more does not repeat the others
        steps: tuple[tuple[str, Callable[..., Iterator[Batch]]], ...] = (
            ("users", _users),
            ("tickets", _tickets),
            ("ticket_events", _ticket_events),
            ("organizations", _organizations),
            ("groups", _groups),
            ("satisfaction_ratings", _ratings),
        )
        for name, step in steps:
            if name in config.objects:
                yield from step(ctx, client, ctx.state.setdefault(name, {}), run_start)
                if ctx.more:
                    return


def check(ctx: RunContext) -> list[str]:
    """One group: proves subdomain, credentials and read access."""
    with _client(ctx, QUICK) as client:
        _probe(client)
    return ["groups: readable"]


# ---------------------------------------------------------------------------------------------- exports


def _users(ctx: RunContext, client: ApiClient, state: dict[str, Any], run_start: datetime) -> Iterator[Batch]:
    buffer, deleted = RowBuffer(ctx, "users"), []
    region = phone_region(ctx)
    path = "api/v2/incremental/users/cursor.json"
    for page in _cursor_export(ctx, client, "users", path, state, run_start):
        for index, item in enumerate(page.items):
            user = _record(item)
            buffer.add(_user_row(user, region), item, f"{page.ref}#{index}")
            if user.get("active") is False and user.get("id"):
                deleted.append(_tombstone(ctx, user.get("id"), user.get("updated_at"), "api_flag"))
        buffer.add_bytes(page.answer.size)
        yield from buffer.full()
    yield from buffer.rest()
    if deleted:
        yield ctx.rows("users__deletes", deleted, path)


def _tickets(
    ctx: RunContext, client: ApiClient, state: dict[str, Any], run_start: datetime
) -> Iterator[Batch]:
    buffer, deleted = RowBuffer(ctx, "tickets"), []
    path = "api/v2/incremental/tickets/cursor.json"
    for page in _cursor_export(ctx, client, "tickets", path, state, run_start):
        for index, item in enumerate(page.items):
            ticket = _record(item)
            buffer.add(ticket_row(ticket, ctx.config.order_field_id), item, f"{page.ref}#{index}")
            if ticket.get("status") == "deleted" and ticket.get("id"):
                deleted.append(_tombstone(ctx, ticket.get("id"), ticket.get("updated_at"), "api_flag"))
        buffer.add_bytes(page.answer.size)
        yield from buffer.full()
    yield from buffer.rest()
    if deleted:
        yield ctx.rows("tickets__deletes", deleted, path)


def _ticket_events(
    ctx: RunContext, client: ApiClient, state: dict[str, Any], run_start: datetime
) -> Iterator[Batch]:
    events, comments = RowBuffer(ctx, "ticket_events"), RowBuffer(ctx, "ticket_comments")
    merges: list[tuple[str, str, Any]] = []
    pages = _time_export(
        ctx, client, "ticket_events", state, run_start,
        params={"include": "comment_events"},
        stamp=lambda item: _record(item).get("timestamp"),
        version=lambda item: "",
    )  # fmt: skip
    for items, page in pages:
        for index, item in items:
            audit, ref = _record(item), f"{page.ref}#{index}"
            if not audit.get("ticket_id"):
                events.add({}, item, ref)
                continue
            for row in field_rows(audit):
                events.add(row, item, ref)
            for row in comment_rows(audit):
                comments.add(row, item, ref)
            merges += merge_pairs(audit)
        events.add_bytes(page.answer.size)
        yield from events.full()
        yield from comments.full()
    yield from events.rest()
    yield from comments.rest()
    if merges:
        yield ctx.merges("tickets", merges, "merge_event")


def _organizations(
    ctx: RunContext, client: ApiClient, state: dict[str, Any], run_start: datetime
) -> Iterator[Batch]:
    buffer, deleted = RowBuffer(ctx, "organizations"), []
    pages = _time_export(
        ctx, client, "organizations", state, run_start,
        params={},
        stamp=lambda item: _epoch(_record(item).get("updated_at")),
        version=lambda item: str(_record(item).get("updated_at")),
    )  # fmt: skip
    for items, page in pages:
        for index, item in items:
            organization = _record(item)
            buffer.add(organization, item, f"{page.ref}#{index}")
            if organization.get("deleted_at"):
                deleted.append(
                    _tombstone(ctx, organization.get("id"), organization.get("deleted_at"), "api_flag")
                )
        buffer.add_bytes(page.answer.size)
        yield from buffer.full()
    yield from buffer.rest()
    if deleted:
        yield ctx.rows("organizations__deletes", deleted, "organizations")


def _cursor_export(
    ctx: RunContext, client: ApiClient, name: str, path: str, state: dict[str, Any], run_start: datetime
) -> Iterator[Page]:
    """Pages of a cursor export; keeps the cursor after each page and stops for a commit after some.

    A cursor that lay idle too long, or that the vendor does not take any more, is given up: the export
    restarts an hour before the last run.
    """
    config: Config = ctx.config
    last_run = instant(state.get("read_at"))
    restart = config.start if last_run is None else last_run - timedelta(hours=1)
    start = {"start_time": _start_time(restart, run_start)}
    cursor = state.get("cursor")
    if last_run is None or run_start - last_run > timedelta(days=config.cursor_idle_days):
        cursor = None
    ctx.window(name, last_run, run_start)
    for attempt in (cursor, None):
        pages = end_of_stream_pages(
            client, path, items=name, start=start, cursor=attempt, per_page=EXPORT_PAGE
        )
        try:
            first = next(pages, None)
        except HttpError as error:
            if attempt is None or error.status != 400:
                raise
            continue
        break
    number = 0
    while first is not None:
        number += 1
        page, state["cursor"] = first
        state["read_at"] = iso(run_start)
        yield page
        if number >= PACKAGE_PAGES and not page.answer.data["end_of_stream"]:
            ctx.more = True
            return
        first = next(pages, None)


def _time_export(
    ctx: RunContext,
    client: ApiClient,
    name: str,
    state: dict[str, Any],
    run_start: datetime,
    *,
    params: Mapping[str, Any],
    stamp: Callable[[Any], int | float | None],
    version: Callable[[Any], str],
) -> Iterator[tuple[list[tuple[int, Any]], Page]]:
    """Pages of a time-based export without what was seen before: ([(index, item)], page).

    Reads back by the overlap, since an event may show up late, and remembers what lies in it.
    """
    config: Config = ctx.config
    overlap = config.event_overlap_seconds
    if "resume" in state:
        # going on in the same walk: reading back again could re-read a whole package for ever
        start = int(state.pop("resume"))
    elif "next_start" in state:
        start = int(state["next_start"]) - overlap
    else:
        start = int(_utc(config.start).timestamp())
    start = max(0, min(start, int((run_start - NOT_EXPORTED_YET).timestamp())))
    ctx.window(name, datetime.fromtimestamp(start, UTC), run_start)
    recent: dict[str, list[Any]] = dict(state.get("recent") or {})
    path = f"api/v2/incremental/{name}.json"
    walk = time_export_pages(client, path, items=name, params=params, start_time=start)
    for number, (page, following) in enumerate(walk, start=1):
        fresh = []
        for index, item in enumerate(page.items):
            at, key, mark = stamp(item), str(_record(item).get("id")), version(item)
            if recent.get(key, [None, None])[1] != mark:
                fresh.append((index, item))
            recent[key] = [at if isinstance(at, int | float) else following, mark]
        # only what the next request or the next run can meet again needs to be remembered
        recent = {key: kept for key, kept in recent.items() if kept[0] >= following - overlap}
        state["next_start"] = max(following, int(state.get("next_start", 0)))
        yield fresh, page
        if number >= PACKAGE_PAGES and not page.answer.data.get("end_of_stream"):
            state["resume"] = following
            ctx.more = True
            break
    state["recent"] = recent if len(recent) <= MEMORY_LIMIT else {}


# ---------------------------------------------------------------------------------------------- lists


def _groups(
    ctx: RunContext, client: ApiClient, state: dict[str, Any], run_start: datetime
) -> Iterator[Batch]:
    """All groups; only changed ones land, one that is not listed any more gets a tombstone."""
    memory = OverlapMemory(state, "seen")
    buffer, deleted = RowBuffer(ctx, "groups"), []
    for page in _list_pages(client, "groups", {}):
        for index, item in enumerate(page.items):
            group = _record(item)
            if memory.is_new(str(group.get("id")), fingerprint(item), keep=True):
                row = {**group, "is_default": group.get("default")}
                buffer.add(row, item, f"{page.ref}#{index}")
                if group.get("deleted") is True:
                    deleted.append(_tombstone(ctx, group.get("id"), group.get("updated_at"), "api_flag"))
    before = {str(row[0]) for row in landed(ctx, "groups", "distinct id")} if memory.gone() else set()
    listed = before - memory.gone()
    for key in vanished(before, listed, max_share=0.9, table="groups", setting="objects"):
        deleted.append(_tombstone(ctx, key, None, "key_reconciliation"))
    memory.commit()
    yield from buffer.rest()
    if deleted:
        yield ctx.rows("groups__deletes", deleted, "groups")


def _ratings(
    ctx: RunContext, client: ApiClient, state: dict[str, Any], run_start: datetime
) -> Iterator[Batch]:
    """Satisfaction ratings since the overlap; an answer changes a rating in place."""
    config: Config = ctx.config
    overlap = timedelta(days=config.rating_overlap_days)
    watermark = instant(state.get("watermark"))
    low = _utc(config.start) if watermark is None else watermark - overlap
    memory = OverlapMemory(state, "recent")
    buffer = RowBuffer(ctx, "satisfaction_ratings")
    for page in _list_pages(client, "satisfaction_ratings", {"start_time": int(low.timestamp())}):
        for index, item in enumerate(page.items):
            rating = _record(item)
            changed = instant(rating.get("updated_at")) or instant(rating.get("created_at"))
            keep = changed is None or changed >= run_start - overlap
            if memory.is_new(str(rating.get("id")), fingerprint(item), keep=keep):
                buffer.add(rating, item, f"{page.ref}#{index}")
        buffer.add_bytes(page.answer.size)
        yield from buffer.full()
    memory.commit()
    state["watermark"] = iso(run_start)
    ctx.window("satisfaction_ratings", low, run_start)
    yield from buffer.rest()


def _list_pages(client: ApiClient, name: str, params: Mapping[str, Any]) -> Iterator[Page]:
    return cursor_pages(
        client,
        f"api/v2/{name}.json",
        {**params, "page[size]": LIST_PAGE},
        items=name,
        cursor="meta.after_cursor",
        param="page[after]",
        has_more="meta.has_more",
    )


# ---------------------------------------------------------------------------------------------- records


def ticket_row(ticket: Mapping[str, Any], order_field_id: int | None) -> dict[str, Any]:
    """Flat row of a ticket."""
    via = _record(ticket.get("via"))
    rating = _record(ticket.get("satisfaction_rating"))
    tags = ticket.get("tags")
    fields = [f for f in ticket.get("custom_fields") or [] if isinstance(f, Mapping)]
    order = next((f.get("value") for f in fields if f.get("id") == order_field_id), None)
    generated = ticket.get("generated_timestamp")
    row = dict(ticket)
    row.update(
        via_channel=via.get("channel"),
        via_rel=_record(via.get("source")).get("rel"),
        order_number=order if order_field_id is not None else None,
        satisfaction_score=rating.get("score"),
        satisfaction_comment=rating.get("comment"),
        custom_fields=[f for f in fields if f.get("value") not in (None, "", [])] or None,
        tags=tags or None,
        is_deleted=ticket.get("status") == "deleted",
        is_scrubbed=ticket.get("subject") == "SCRUBBED",
        is_merged_away=isinstance(tags, list) and "closed_by_merge" in tags,
        generated_at=ticket.get("updated_at") if generated is None else instant(generated) or generated,
    )
    return row


def field_rows(audit: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One row per field that an audit sets or changes."""
    for child in audit.get("child_events") or []:
        kind = _record(child).get("event_type")
        if kind not in _FIELD_EVENTS:
            continue
        values = {name: value for name, value in child.items() if name not in _CHILD_META}
        custom = values.pop("custom_ticket_fields", None)
        values.update(custom if isinstance(custom, Mapping) else {})
        for name, value in values.items():
            yield {
                "id": child.get("id"),
                "event_id": audit.get("id"),
                "ticket_id": audit.get("ticket_id"),
                "occurred_at": instant(audit.get("timestamp")) or audit.get("created_at"),
                "event_type": kind,
                "field": name,
                "old_value": child.get("previous_value"),
                "new_value": value,
                "updater_id": audit.get("updater_id"),
                "via": child.get("via") or audit.get("via"),
            }


def comment_rows(audit: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One row per comment in an audit."""
    for child in audit.get("child_events") or []:
        if _record(child).get("event_type") in _COMMENT_EVENTS:
            yield {
                "id": child.get("id"),
                "event_id": audit.get("id"),
                "ticket_id": audit.get("ticket_id"),
                "author_id": child.get("author_id") or audit.get("updater_id"),
                "body": child.get("plain_body") or child.get("body"),
                "is_public": child.get("public"),
                "via": child.get("via") or audit.get("via"),
                "attachment_count": len(child.get("attachments") or []),
                "created_at": child.get("created_at") or audit.get("created_at"),
            }


def merge_pairs(audit: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """(losing ticket, winning ticket, time) of a ticket that an audit closes as merged."""
    for child in audit.get("child_events") or []:
        change = _record(child)
        if (
            change.get("via") == "Merge"
            and change.get("status") == "closed"
            and change.get("via_reference_id")
        ):
            return [(str(audit["ticket_id"]), str(change["via_reference_id"]), audit.get("created_at"))]
    return []


def _user_row(user: Mapping[str, Any], region: str | None) -> dict[str, Any]:
    email, phone = user.get("email"), user.get("phone")
    return {
        **user,
        "email_normalised": normalise_email(email if isinstance(email, str) else None),
        "phone_e164": normalise_phone(phone if isinstance(phone, str) else None, region),
        "tags": user.get("tags") or None,
        "user_fields": user.get("user_fields") or None,
    }


def _tombstone(ctx: RunContext, record_id: Any, at: Any, method: str) -> dict[str, Any]:
    return {"source_id": record_id, "deleted_at": at, "detected_at": ctx.started_at, "method": method}


def _record(item: Any) -> Mapping[str, Any]:
    return item if isinstance(item, Mapping) else {}


def _epoch(value: Any) -> int | None:
    at = instant(value)
    return None if at is None else int(at.timestamp())


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _start_time(at: datetime, run_start: datetime) -> int:
    return max(0, int(min(_utc(at), run_start - NOT_EXPORTED_YET).timestamp()))


# ---------------------------------------------------------------------------------------------- requests


def _probe(client: ApiClient) -> None:
    client.get("api/v2/groups.json", {"page[size]": 1}, require=("groups",))


def _client(ctx: RunContext, policy: RetryPolicy | None = None) -> ApiClient:
    config: Config = ctx.config
    token = ctx.secret("token")
    exports, others = Limiter(config.incremental_per_minute, 60.0), Limiter(config.requests_per_minute, 60.0)
    return ApiClient(
        expand(config.origin, {}),
        headers={} if config.email else {"Authorization": f"Bearer {token}"},
        auth=(f"{config.email}/token", token) if config.email else None,
        secrets=(token,),
        limiters_of=lambda request: (
            (exports, others) if "/incremental/" in (request.url or "") else (others,)
        ),
        max_requests=config.max_requests,
        describe_refusal=_refusal,
        on_request=ctx.count_requests,
        policy=policy,
    )


def _refusal(status: int, body: Any) -> tuple[str, str] | None:
    if status == 401:
        return (
            "Zendesk refuses the credentials (401).",
            "Check `email` and the API token (Admin Center, Apps and integrations, APIs), "
            "and that token access is switched on.",
        )
    if status == 403:
        return (
            "the agent of the token lacks a permission (403).",
            "The incremental exports need an admin; use an admin's token or an OAuth token with scope `read`.",
        )
    if status == 404:
        return "Zendesk knows no such address (404).", "Check `subdomain`."
    return None
