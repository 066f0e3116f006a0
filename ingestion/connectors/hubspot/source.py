"""Reads HubSpot: full list first, then search by window, with deletions, merges and links.

The delta is the one that loses nothing: a fixed window `[watermark - overlap, run start)`, walked by id
(`hs_object_id` greater than the last one, sorted by it) instead of by the search cursor. The search cursor
ends at 10,000 results, and sorting by modification time moves records between pages while they are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from ingestion.connectors.hubspot.config import Config
from ingestion.connectors.hubspot.schema import MODIFIED, PROMOTED
from ingestion.core.connector import Batch, RunContext
from ingestion.core.errors import SourceError
from ingestion.core.http import QUICK, ApiClient, Limiter, PagingError, RetryPolicy
from ingestion.core.identifiers import normalise_email, normalise_loyalty_card, normalise_phone
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
from ingestion.core.paginators import Page, cursor_pages, items_of
from ingestion.core.paths import expand

LIST_PAGE = 100
SEARCH_PAGE = 200
ASSOCIATION_BATCH = 1_000
PACKAGE_PAGES = 200
"""Pages of a first load that are committed together: 20,000 records, about a minute at the vendor's limit."""

LINKS = (("contacts", "companies"), ("deals", "contacts"), ("deals", "companies"))
"""Links that are read, from type and to type."""


def read(ctx: RunContext) -> Iterator[Batch]:
    """Everything that is new since `ctx.state`; see the module."""
    config: Config = ctx.config
    with _client(ctx) as client:
        # one cheap request first: it proves the token and gives the vendor's clock
        client.get(_objects_path(config, config.objects[0]), {"limit": 1}, require=("results",))
        run_start = client.vendor_now()
        for kind in config.objects:
            state = ctx.state.setdefault(kind, {})
            changed: set[str] = set()
            full_pass = False
            if "watermark" not in state:
                yield from _first_load(ctx, client, kind, state, run_start, changed)
            elif is_due(state.get("full_pass_at"), config.full_pass_days, run_start):
                full_pass = True
                yield from _full_pass(ctx, client, kind, state, run_start, changed)
            else:
                yield from _delta(ctx, client, kind, state, run_start, changed)
            yield from _links(ctx, client, kind, sorted(changed, key=_number), run_start, compare=full_pass)
            if ctx.more:
                return
        if config.owners:
            yield from _owners(ctx, client)


def check(ctx: RunContext) -> list[str]:
    """One record of each object: proves the token and its scopes."""
    config: Config = ctx.config
    proven = []
    with _client(ctx, QUICK) as client:
        for kind in config.objects:
            client.get(_objects_path(config, kind), {"limit": 1}, require=("results",))
            proven.append(f"{kind}: readable")
        if config.owners:
            client.get(_owners_path(config), {"limit": 1}, require=("results",))
            proven.append("owners: readable")
    return proven


# ---------------------------------------------------------------------------------------------- reading


def _first_load(
    ctx: RunContext,
    client: ApiClient,
    kind: str,
    state: dict[str, Any],
    run_start: datetime,
    changed: set[str],
) -> Iterator[Batch]:
    """The whole list, resumable after each package; the watermark is the start of the first package."""
    progress = state.setdefault("first_load", {"started": iso(run_start), "after": None})
    started = _known_instant(progress["started"])
    memory = OverlapMemory(state, "recent", carry=True)
    sink = _Sink(ctx, kind, memory, keep_from=started - _overlap(ctx), changed=changed)
    pages = _list_pages(ctx.config, client, kind, after=progress["after"])
    for number, page in enumerate(pages, start=1):
        yield from sink.take(page.items, page.ref, page.answer.size)
        progress["after"] = _next_after(page)
        if number >= PACKAGE_PAGES and progress["after"]:
            ctx.more = True
            break
    yield from sink.rest()
    memory.commit()
    if ctx.more:
        return
    del state["first_load"]
    state["watermark"] = state["full_pass_at"] = iso(started)
    ctx.window(kind, None, started)
    yield from _archived(ctx, client, kind, state, None, started)


def _delta(
    ctx: RunContext,
    client: ApiClient,
    kind: str,
    state: dict[str, Any],
    run_start: datetime,
    changed: set[str],
) -> Iterator[Batch]:
    """Search of `[watermark - overlap, run start)`, walked by id."""
    watermark = _known_instant(state["watermark"])
    low, high = watermark - _overlap(ctx), max(run_start, watermark)
    memory = OverlapMemory(state, "recent")
    sink = _Sink(ctx, kind, memory, keep_from=high - _overlap(ctx), changed=changed)
    for items, ref, size in _search_pages(ctx.config, client, kind, low, high):
        yield from sink.take(items, ref, size)
    yield from sink.rest()
    memory.commit()
    state["watermark"] = iso(high)
    ctx.window(kind, low, high)
    yield from _archived(ctx, client, kind, state, low, high)


def _full_pass(
    ctx: RunContext,
    client: ApiClient,
    kind: str,
    state: dict[str, Any],
    run_start: datetime,
    changed: set[str],
) -> Iterator[Batch]:
    """The whole list again: lands what differs from the lake, and names what vanished without a trace."""
    memory = OverlapMemory(state, "recent")
    sink = _Sink(ctx, kind, memory, keep_from=run_start - _overlap(ctx), changed=changed)
    sink.known = dict(landed(ctx, kind, "id, max(updated_at)", "group by id"))
    listed: set[str] = set()
    for page in _list_pages(ctx.config, client, kind):
        listed.update(str(item.get("id")) for item in page.items if isinstance(item, Mapping))
        yield from sink.take(page.items, page.ref, page.answer.size)
    yield from sink.rest()
    memory.commit()
    # links change without moving the record: all of them are looked at again
    changed |= listed
    low = _known_instant(state["watermark"]) - _overlap(ctx)
    state["watermark"] = state["full_pass_at"] = iso(run_start)
    ctx.window(kind, None, run_start)
    archived: set[str] = set()
    yield from _archived(ctx, client, kind, state, low, run_start, archived)
    tombstones = dict(
        landed(
            ctx, f"{kind}__deletes", "source_id, max(coalesce(deleted_at, detected_at))", "group by source_id"
        )
    )
    merged = {row[0] for row in landed(ctx, f"{kind}__merges", "losing_id")} | sink.merged_away
    # a record restored after its tombstone is live again, and may vanish again
    live = {key for key, at in sink.known.items() if key not in tombstones or at > tombstones[key]}
    gone = vanished(
        live - merged - archived,
        listed,
        max_share=ctx.config.max_vanished_share,
        table=kind,
        setting="max_vanished_share",
    )
    if gone:
        yield ctx.deletes(kind, gone, "key_reconciliation")


def _search_pages(
    config: Config, client: ApiClient, kind: str, low: datetime, high: datetime
) -> Iterator[tuple[list[Any], str, int]]:
    path, last = f"{_objects_path(config, kind)}/search", 0
    while True:
        # a fresh body for each page; the vendor's own search cursor is never sent
        body = {
            "filterGroups": [
                {
                    "filters": [
                        {"propertyName": MODIFIED[kind], "operator": "GTE", "value": _millis(low)},
                        {"propertyName": MODIFIED[kind], "operator": "LT", "value": _millis(high)},
                        {"propertyName": "hs_object_id", "operator": "GT", "value": str(last)},
                    ]
                }
            ],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": _property_names(config, kind),
            "limit": SEARCH_PAGE,
        }
        answer = client.post(path, body, require=("results", "total"))
        items = items_of(answer, "results")
        if not items:
            return
        yield items, f"{path}?{MODIFIED[kind]}>={iso(low)}&hs_object_id>{last}", answer.size
        greatest = max((_number(i.get("id")) for i in items if isinstance(i, Mapping)), default=0)
        if greatest <= last:
            raise PagingError(
                f"{path}: the answer does not go on after id {last}.",
                "The vendor repeated a page; run again later.",
                table=kind,
            )
        last = greatest
        if int(answer.data["total"]) <= len(items):
            return


def _list_pages(
    config: Config, client: ApiClient, kind: str, *, archived: bool = False, after: str | None = None
) -> Iterator[Page]:
    params: dict[str, Any] = {
        "limit": LIST_PAGE,
        "archived": "true" if archived else "false",
        "properties": ",".join(_property_names(config, kind)),
    }
    path = _objects_path(config, kind)
    return cursor_pages(
        client, path, params, items="results", cursor="paging.next.after", param="after", first=after
    )


def _archived(
    ctx: RunContext,
    client: ApiClient,
    kind: str,
    state: dict[str, Any],
    low: datetime | None,
    high: datetime,
    ids: set[str] | None = None,
) -> Iterator[Batch]:
    """Tombstones of records archived since `low`; the list of archived records has no filter of its own.

    `ids` takes in the ids of all archived records.
    """
    memory = OverlapMemory(state, "recent_archived")
    keep_from = high - _overlap(ctx)
    rows = []
    for page in cursor_pages(
        client,
        _objects_path(ctx.config, kind),
        {"limit": LIST_PAGE, "archived": "true", "properties": "hs_object_id"},
        items="results",
        cursor="paging.next.after",
        param="after",
    ):
        for item in page.items:
            record = item if isinstance(item, Mapping) else {}
            if ids is not None:
                ids.add(str(record.get("id")))
            at = instant(record.get("archivedAt") or record.get("updatedAt"))
            if at is not None and low is not None and at < low:
                continue
            if memory.is_new(str(record.get("id")), str(at), keep=at is None or at >= keep_from):
                rows.append(
                    {
                        "source_id": record.get("id"),
                        "deleted_at": at,
                        "detected_at": ctx.started_at,
                        "method": "archived_list",
                    }
                )
    memory.commit()
    if rows:
        yield ctx.rows(f"{kind}__deletes", rows, f"{_objects_path(ctx.config, kind)}?archived=true")


def _links(
    ctx: RunContext, client: ApiClient, kind: str, ids: list[str], read_at: datetime, *, compare: bool
) -> Iterator[Batch]:
    """Links of the given records, and one row per reading so that a lost link is seen.

    With `compare`, records whose links equal those that landed before are left out.
    """
    if not ctx.config.associations or not ids:
        return
    for from_type, to_type in LINKS:
        if from_type != kind or to_type not in ctx.config.objects:
            continue
        known = _landed_links(ctx, from_type, to_type) if compare else {}
        links, reads = RowBuffer(ctx, "associations"), RowBuffer(ctx, "association_reads")
        path = _associations_path(ctx.config, from_type, to_type)
        for start in range(0, len(ids), ASSOCIATION_BATCH):
            found: dict[str, list[tuple[dict[str, Any], Any]]] = {
                record_id: [] for record_id in ids[start : start + ASSOCIATION_BATCH]
            }
            for row, raw in _association_rows(client, path, found):
                found.setdefault(row["from_id"], []).append((row, raw))
            common = {"from_type": from_type, "to_type": to_type, "read_at": read_at}
            for from_id, rows in found.items():
                if known.get(from_id) == {(str(r["to_id"]), str(r["association_type_id"])) for r, _ in rows}:
                    continue
                for row, raw in rows:
                    links.add({**row, **common}, raw, path)
                reading = {**common, "from_id": from_id, "link_count": len(rows)}
                reads.add(reading, reading, path)
            yield from links.full()
            yield from reads.full()
        yield from links.rest()
        yield from reads.rest()


def _landed_links(ctx: RunContext, from_type: str, to_type: str) -> dict[str, set[tuple[str, str]]]:
    """Links of the newest reading of each record, from completed loads: from_id -> {(to_id, type id)}."""
    here = f"where from_type = '{from_type}' and to_type = '{to_type}'"
    newest = dict(landed(ctx, "association_reads", "from_id, max(read_at)", f"{here} group by from_id"))
    found: dict[str, set[tuple[str, str]]] = {from_id: set() for from_id in newest}
    for from_id, to_id, kind, read_at in landed(
        ctx, "associations", "from_id, to_id, association_type_id, read_at", here
    ):
        if newest.get(from_id) == read_at:
            found[from_id].add((to_id, kind))
    return found


def _association_rows(
    client: ApiClient, path: str, ids: Iterable[str]
) -> Iterator[tuple[dict[str, Any], Any]]:
    """Rows of a batch of records; a record with more links than fit is asked again with its own cursor."""
    inputs: list[dict[str, str]] = [{"id": record_id} for record_id in ids]
    while inputs:
        # 207: records without any link come back as errors beside the results
        answer = client.post(
            path, {"inputs": inputs}, require=("results",), accept=(200, 207), errors_allowed=True
        )
        for problem in answer.data.get("errors") or []:
            if "NO_ASSOCIATIONS_FOUND" not in str(problem) and problem.get("category") != "OBJECT_NOT_FOUND":
                raise SourceError(
                    f"{path}: part of the batch failed ({problem.get('category')}).",
                    "Run again; if it stays, check the scopes of the token.",
                    table="associations",
                )
        inputs = []
        for result in items_of(answer, "results"):
            from_id = str(result["from"]["id"])
            for target in result["to"]:
                for kind in target.get("associationTypes") or [{}]:
                    yield (
                        {
                            "from_id": from_id,
                            "to_id": target.get("toObjectId"),
                            "association_type_id": kind.get("typeId"),
                            "label": kind.get("label"),
                            "category": kind.get("category"),
                        },
                        target,
                    )
            after = ((result.get("paging") or {}).get("next") or {}).get("after")
            if after:
                inputs.append({"id": from_id, "after": str(after)})


def _owners(ctx: RunContext, client: ApiClient) -> Iterator[Batch]:
    """All owners, also those who left; only changed ones land."""
    memory = OverlapMemory(ctx.state.setdefault("owners", {}), "seen")
    buffer = RowBuffer(ctx, "owners")
    path = _owners_path(ctx.config)
    for archived in ("false", "true"):
        for page in cursor_pages(
            client,
            path,
            {"limit": LIST_PAGE, "archived": archived},
            items="results",
            cursor="paging.next.after",
            param="after",
        ):
            for index, item in enumerate(page.items):
                owner = item if isinstance(item, Mapping) else {}
                if memory.is_new(str(owner.get("id")), fingerprint(item), keep=True):
                    buffer.add(_owner_row(owner), item, f"{page.ref}#{index}")
    memory.commit()
    yield from buffer.rest()


# ---------------------------------------------------------------------------------------------- records


class _Sink:
    """Turns pages of CRM objects into batches; skips versions seen before, notes changed ids and merges."""

    def __init__(
        self, ctx: RunContext, kind: str, memory: OverlapMemory, *, keep_from: datetime, changed: set[str]
    ) -> None:
        self._ctx, self._kind, self._memory = ctx, kind, memory
        self._keep_from, self._changed = keep_from, changed
        self._buffer = RowBuffer(ctx, kind)
        self._merges: list[tuple[str, str, Any]] = []
        self._region = phone_region(ctx)
        self.known: dict[str, datetime | None] = {}
        self.merged_away: set[str] = set()

    def take(self, items: list[Any], ref: str, size: int) -> Iterator[Batch]:
        self._buffer.add_bytes(size)
        for index, item in enumerate(items):
            record = item if isinstance(item, Mapping) else {}
            record_id, updated = str(record.get("id")), _updated(record, self._kind)
            at = instant(updated)
            if at is not None and self.known.get(record_id) == at:
                self._memory.is_new(record_id, str(updated), keep=at >= self._keep_from)
                self._note_merges(record_id, record, land=False)
                continue
            if not self._memory.is_new(
                record_id, str(updated), keep=at is not None and at >= self._keep_from
            ):
                continue
            self._buffer.add(self._row(record, updated), item, f"{ref}#{index}")
            if record.get("id"):
                self._changed.add(record_id)
                self._note_merges(record_id, record, land=True)
        yield from self._buffer.full()

    def rest(self) -> Iterator[Batch]:
        yield from self._buffer.rest()
        if self._merges:
            yield self._ctx.merges(self._kind, self._merges, "merged_ids_property")
            self._merges = []

    def _row(self, record: Mapping[str, Any], updated: Any) -> dict[str, Any]:
        config: Config = self._ctx.config
        values = record.get("properties")
        values = values if isinstance(values, Mapping) else {}
        row: dict[str, Any] = {name: values.get(name) for name in PROMOTED[self._kind]}
        row["id"] = record.get("id")
        row["created_at"] = record.get("createdAt") or values.get("createdate")
        row["updated_at"] = updated
        row["archived"] = record.get("archived")
        if self._kind == "contacts":
            row["email_normalised"] = normalise_email(_text(values.get("email")))
            row["mobilephone_e164"] = normalise_phone(_text(values.get("mobilephone")), self._region)
            row["user_id"] = values.get(config.user_id_property) if config.user_id_property else None
            card = values.get(config.loyalty_card_property) if config.loyalty_card_property else None
            row["loyalty_card"] = normalise_loyalty_card(_text(card))
        if "phone" in values:
            row["phone_e164"] = normalise_phone(_text(values.get("phone")), self._region)
        extra = config.extra_properties.get(self._kind, ())  # type: ignore[call-overload]
        row["properties_other"] = {
            name: values[name] for name in extra if values.get(name) is not None
        } or None
        return row

    def _note_merges(self, record_id: str, record: Mapping[str, Any], *, land: bool) -> None:
        for losing, at in merged_ids(record.get("properties") or {}):
            if losing != record_id:
                self.merged_away.add(losing)
                if land:
                    self._merges.append((losing, record_id, at))


def merged_ids(properties: Mapping[str, Any]) -> list[tuple[str, datetime | None]]:
    """Ids merged into a record, with the time of the merge where the vendor gives it.

    Reads both `hs_merged_object_ids` (`77;88`) and `hs_calculated_merged_vids` (`77:1767603000000;…`):
    ids were seen in the first and missing from the second.
    """
    found: dict[str, datetime | None] = {}
    for part in str(properties.get("hs_merged_object_ids") or "").split(";"):
        if part.strip():
            found[part.strip()] = None
    for part in str(properties.get("hs_calculated_merged_vids") or "").split(";"):
        losing, _, millis = part.strip().partition(":")
        if losing:
            found[losing] = instant(int(millis) / 1000) if millis.isdigit() else found.get(losing)
    return list(found.items())


def _owner_row(owner: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": owner.get("id"),
        "user_id": owner.get("userId"),
        "email": owner.get("email"),
        "email_normalised": normalise_email(_text(owner.get("email"))),
        "first_name": owner.get("firstName"),
        "last_name": owner.get("lastName"),
        "type": owner.get("type"),
        "archived": owner.get("archived"),
        "created_at": owner.get("createdAt"),
        "updated_at": owner.get("updatedAt"),
        "teams": owner.get("teams"),
    }


def _updated(record: Mapping[str, Any], kind: str) -> Any:
    values = record.get("properties")
    return (values.get(MODIFIED[kind]) if isinstance(values, Mapping) else None) or record.get("updatedAt")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int:
    """Id as a number for keyset paging; 0 when it is none."""
    text = str(value)
    return int(text) if text.isdigit() else 0


# ---------------------------------------------------------------------------------------------- requests


def _property_names(config: Config, kind: str) -> list[str]:
    names = [*PROMOTED[kind], MODIFIED[kind], "hs_object_id"]
    if kind == "contacts":
        names += [name for name in (config.user_id_property, config.loyalty_card_property) if name]
    names += config.extra_properties.get(kind, ())  # type: ignore[call-overload]
    return list(dict.fromkeys(names))


def _objects_path(config: Config, kind: str) -> str:
    version = config.api_version
    return f"crm/v3/objects/{kind}" if version == "v3" else f"crm/objects/{version}/{kind}"


def _owners_path(config: Config) -> str:
    return "crm/v3/owners" if config.api_version == "v3" else f"crm/owners/{config.api_version}"


def _associations_path(config: Config, from_type: str, to_type: str) -> str:
    version = config.api_version
    head = "crm/v4/associations" if version == "v3" else f"crm/associations/{version}"
    return f"{head}/{from_type}/{to_type}/batch/read"


def _overlap(ctx: RunContext) -> timedelta:
    return timedelta(seconds=ctx.config.overlap_seconds)


def _millis(at: datetime) -> str:
    return str(int(at.timestamp() * 1000))


def _known_instant(text: str) -> datetime:
    at = instant(text)
    assert at is not None, f"state holds no instant: {text!r}"
    return at


def _next_after(page: Page) -> str | None:
    following = ((page.answer.data.get("paging") or {}).get("next") or {}).get("after")
    return str(following) if following else None


def _client(ctx: RunContext, policy: RetryPolicy | None = None) -> ApiClient:
    config: Config = ctx.config
    token = ctx.secret("token")
    search, other = Limiter(config.search_per_second, 1.0), Limiter(config.requests_per_10_seconds, 10.0)
    return ApiClient(
        expand(config.base_url, {}),
        headers={"Authorization": f"Bearer {token}"},
        secrets=(token,),
        limiters_of=lambda request: (search,) if (request.path_url or "").endswith("/search") else (other,),
        max_requests=config.max_requests,
        describe_refusal=_refusal,
        is_quota=lambda status, body: isinstance(body, Mapping) and body.get("policyName") == "DAILY",
        on_request=ctx.count_requests,
        policy=policy,
    )


def _refusal(status: int, body: Any) -> tuple[str, str] | None:
    """HubSpot's refusals in words: which scope is missing, or that the token is not valid."""
    if status == 401:
        return (
            "HubSpot refuses the token (401).",
            "Copy the access token of the private app again (Settings, Integrations, Private apps).",
        )
    if status == 403:
        scopes = _missing_scopes(body)
        named = f": {', '.join(scopes)}" if scopes else ""
        return f"the token lacks a scope (403){named}.", "Add the scope to the private app and run again."
    return None


def _missing_scopes(body: Any) -> list[str]:
    found: list[str] = []
    for error in (body.get("errors") if isinstance(body, Mapping) else None) or []:
        context = error.get("context") if isinstance(error, Mapping) else None
        for name in ("requiredGranularScopes", "requiredScopes"):
            found += [str(scope) for scope in (context or {}).get(name, [])]
    return sorted(set(found))
