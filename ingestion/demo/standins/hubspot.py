"""Stand-in of the HubSpot CRM API: list, search, batch read, associations, owners.

Answers as HubSpot documents: property values are text or null, only the properties asked for are there,
`paging` is absent on the last page, search sees an index that lags behind, gives at most 10,000 results and
one sort key, archived records appear only with `archived=true`, and a merged-away record is simply gone.
"""

from __future__ import annotations

import re
import time
import uuid
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from ingestion.demo.standins.kit import (
    Bucket,
    Now,
    Reply,
    Request,
    Standin,
    epoch,
    iso_millis,
    read_records,
)

MODIFIED = {
    "contacts": "lastmodifieddate",
    "companies": "hs_lastmodifieddate",
    "deals": "hs_lastmodifieddate",
}
SCOPES = {name: f"crm.objects.{name}.read" for name in (*MODIFIED, "owners")}
SEARCH_CAP = 10_000


def vendor_limits(
    *, per_10_seconds: int = 190, search_per_second: int = 5, daily: int = 650_000
) -> tuple[Bucket, ...]:
    """HubSpot's published limits: 190 requests in 10 s (not for search), 5 searches a second, a daily quota."""
    return (
        Bucket("SECONDLY", search_per_second, 1.0, r"/search$"),
        Bucket("TEN_SECONDLY_ROLLING", per_10_seconds, 10.0, r"^(?!POST [^?]*/search$)"),
        Bucket("DAILY", daily, 86_400.0),
    )


class HubSpot(Standin):
    """A HubSpot account in memory.

    Args:
        token: private-app token.
        now: vendor's clock.
        limits: rate buckets, for example `vendor_limits()`.
        index_lag: seconds until search sees a change.
        scopes: granted scopes; None = all.
    """

    name = "hubspot"

    def __init__(
        self,
        *,
        token: str = "demo-hubspot-token",
        now: Now = time.time,
        limits: tuple[Bucket, ...] = (),
        index_lag: float = 0.0,
        scopes: set[str] | None = None,
    ) -> None:
        super().__init__(token=token, now=now, limits=limits)
        self.index_lag, self.scopes = index_lag, scopes
        self.objects: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in MODIFIED}
        self.merged: dict[str, dict[str, str]] = {name: {} for name in MODIFIED}
        self.owners: dict[str, dict[str, Any]] = {}
        self.links: dict[tuple[str, str, str], dict[tuple[str, int], dict[str, Any]]] = {}
        self._history: dict[str, dict[str, list[tuple[float, dict[str, Any] | None]]]] = {
            n: {} for n in MODIFIED
        }
        self._sorted_keys: dict[str, tuple[frozenset[str], list[tuple[int, str]]]] = {}
        self._next_id = 1_000_001

    # records

    def load(self, folder: Path) -> HubSpot:
        """Take in contacts, companies, deals, owners and associations from JSONL files."""
        for name in MODIFIED:
            for record in read_records(folder / f"{name}.jsonl"):
                self._keep(name, record, changed_at=0.0)
        for record in read_records(folder / "owners.jsonl"):
            self.owners[str(record.get("id"))] = record
        for link in read_records(folder / "associations.jsonl"):
            self.link(
                link["from_type"], link["from_id"], link["to_type"], link["to_id"],
                type_id=int(link.get("type_id", 1)), label=link.get("label"),
                category=link.get("category", "HUBSPOT_DEFINED"),
            )  # fmt: skip
        return self

    def newest(self) -> float:
        """Greatest change time of all records, epoch seconds."""
        times = (epoch(r.get("updatedAt")) for records in self.objects.values() for r in records.values())
        return max((t for t in times if t is not None), default=0.0)

    def put(self, kind: str, properties: Mapping[str, str | None], record_id: str | None = None) -> str:
        """Create or change a record now; returns its id."""
        at = self.now()
        if record_id is None:
            record_id, self._next_id = str(self._next_id), self._next_id + 1
        old = self.objects[kind].get(record_id)
        values = dict(old["properties"]) if old else {"hs_object_id": record_id, "createdate": iso_millis(at)}
        values.update(properties)
        values[MODIFIED[kind]] = iso_millis(at)
        record = {
            "id": record_id,
            "createdAt": old["createdAt"] if old else iso_millis(at),
            "updatedAt": iso_millis(at),
            "archived": False,
            "properties": values,
        }
        self._keep(kind, record, at)
        return record_id

    def archive(self, kind: str, record_id: str) -> None:
        """Delete a record; it stays visible with `archived=true`."""
        at = self.now()
        record = {**self.objects[kind][record_id], "archived": True, "archivedAt": iso_millis(at)}
        self._keep(kind, record, at)

    def restore(self, kind: str, record_id: str) -> None:
        """Take a record back from the archive."""
        self.put(kind, {}, record_id)

    def erase(self, kind: str, record_id: str) -> None:
        """Make a record vanish without a trace (GDPR erasure, or archived too long ago)."""
        self.objects[kind].pop(record_id, None)
        self._history[kind].setdefault(record_id, []).append((self.now(), None))

    def merge(self, kind: str, losing: str, winning: str, *, listed_with_time: bool = True) -> None:
        """Merge `losing` into `winning`: the loser is gone, the winner names it.

        Args:
            kind: object type.
            losing: id that vanishes.
            winning: id that stays.
            listed_with_time: the loser also stands in `hs_calculated_merged_vids` (it does not always).
        """
        at = self.now()
        winner = self.objects[kind][winning]["properties"]
        ids = [p for p in (winner.get("hs_merged_object_ids") or "").split(";") if p] + [losing]
        changes: dict[str, str | None] = {"hs_merged_object_ids": ";".join(ids)}
        if kind == "contacts" and listed_with_time:
            vids = [p for p in (winner.get("hs_calculated_merged_vids") or "").split(";") if p]
            changes["hs_calculated_merged_vids"] = ";".join([*vids, f"{losing}:{int(at * 1000)}"])
        self.merged[kind][losing] = winning
        self.objects[kind].pop(losing, None)
        self._history[kind].setdefault(losing, []).append((at, None))
        self.put(kind, changes, winning)

    def link(
        self, from_type: str, from_id: str, to_type: str, to_id: str,
        *, type_id: int = 1, label: str | None = None, category: str = "HUBSPOT_DEFINED",
    ) -> None:  # fmt: skip
        """Link two records."""
        self.links.setdefault((from_type, from_id, to_type), {})[(to_id, type_id)] = {
            "category": category,
            "typeId": type_id,
            "label": label,
        }

    def unlink(self, from_type: str, from_id: str, to_type: str, to_id: str) -> None:
        """Remove every link between two records."""
        kept = self.links.get((from_type, from_id, to_type), {})
        for key in [key for key in kept if key[0] == to_id]:
            del kept[key]

    def live(self, kind: str) -> dict[str, dict[str, Any]]:
        """Records that are neither archived nor merged away, by id."""
        return {i: r for i, r in self.objects[kind].items() if not r["archived"]}

    def _keep(self, kind: str, record: dict[str, Any], changed_at: float) -> None:
        key = str(record.get("id") or f"none-{len(self.objects[kind])}")
        record.setdefault("archived", False)
        self.objects[kind][key] = record
        self._history[kind].setdefault(key, []).append((changed_at, record))

    # requests

    def refusal(self, request: Request) -> Reply | None:
        """401 for a wrong token, 403 for a missing scope."""
        sent = request.headers.get("Authorization", "")
        if sent != f"Bearer {self.token}":
            return _error(
                401,
                "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0 authentication.",
            )
        kind = re.search(r"/(contacts|companies|deals|owners)\b", request.path)
        if self.scopes is not None and kind and SCOPES[kind[1]] not in self.scopes:
            reply = _error(
                403, "MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call."
            )
            reply.body["errors"] = [
                {
                    "message": "One or more of the following scopes are required.",
                    "context": {"requiredGranularScopes": [SCOPES[kind[1]]]},
                }
            ]
            return reply
        return None

    def too_many(self, bucket: Bucket, wait: float) -> Reply:
        """429 in HubSpot's form; it sends no Retry-After on search."""
        body = {
            "status": "error",
            "message": f"You have reached your {bucket.name.lower()} limit.",
            "errorType": "RATE_LIMIT",
            "category": "RATE_LIMITS",
            "policyName": bucket.name,
            "correlationId": str(uuid.uuid4()),
        }
        return Reply(429, body)

    def route(self, request: Request) -> Reply:
        """Endpoints, in date-versioned and classic paths."""
        version = r"(?:v\d|20\d\d-\d\d)"
        path = re.sub(
            rf"^/crm/{version}/(objects|associations|owners|properties)\b", r"/crm/\1", request.path
        )
        path = re.sub(rf"^/crm/(objects|associations|owners|properties)/{version}", r"/crm/\1", path)
        if match := re.fullmatch(r"/crm/objects/(contacts|companies|deals)(/search|/batch/read)?", path):
            kind, action = match[1], match[2]
            if action is None and request.method == "GET":
                return self._list(kind, request)
            if action == "/search" and request.method == "POST":
                return self._search(kind, request.body)
            if action == "/batch/read" and request.method == "POST":
                return self._batch_read(kind, request.body)
        if match := re.fullmatch(r"/crm/associations/(\w+)/(\w+)/batch/read", path):
            return self._associations(match[1], match[2], request.body)
        if path == "/crm/owners" and request.method == "GET":
            return self._owners(request)
        return Reply(
            404, {"status": "error", "message": "resource not found", "correlationId": str(uuid.uuid4())}
        )

    def _list(self, kind: str, request: Request) -> Reply:
        limit = int(request.query.get("limit", 10))
        if not 1 <= limit <= 100:
            return _error(400, "VALIDATION_ERROR", "limit must be between 1 and 100")
        archived = request.query.get("archived", "false") == "true"
        after = int(request.query.get("after") or 0)
        names = [n for n in request.query.get("properties", "").split(",") if n]
        # the cursor is the id after which to go on, so a record that goes away moves no page
        rest = (self.objects[kind][key] for _, key in self._keys_after(kind, after))
        found = list(islice((r for r in rest if r["archived"] == archived), limit + 1))
        page = found[:limit]
        body: dict[str, Any] = {"results": [_shape(record, names, kind) for record in page]}
        if len(found) > limit:
            body["paging"] = self._paging(request, str(_number(page[-1])))
        return Reply(200, body)

    def _keys_after(self, kind: str, after: int) -> Iterator[tuple[int, str]]:
        """Keys of records whose number is above `after`, in order; sorted again only when others are there."""
        records = self.objects[kind]
        known, ordered = self._sorted_keys.get(kind, (frozenset(), []))
        if records.keys() != known:
            ordered = sorted((_number(record), key) for key, record in records.items())
            self._sorted_keys[kind] = (frozenset(records), ordered)
        return islice(ordered, bisect_right(ordered, after, key=itemgetter(0)), None)

    def _search(self, kind: str, body: Mapping[str, Any]) -> Reply:
        limit, after = int(body.get("limit", 10)), int(body.get("after") or 0)
        sorts, groups = body.get("sorts") or [], body.get("filterGroups") or []
        if not 1 <= limit <= 200:
            return _error(400, "VALIDATION_ERROR", "limit must be at most 200")
        if len(sorts) > 1:
            return _error(400, "VALIDATION_ERROR", "only one sort is allowed")
        if after + limit > SEARCH_CAP:
            return _error(400, "VALIDATION_ERROR", "paging past 10000 results is not supported")
        visible = (self._indexed(kind, key) for key in self._history[kind])
        found = [
            record
            for record in visible
            if record is not None
            and not record["archived"]
            and (not groups or any(all(_matches(record, f) for f in g["filters"]) for g in groups))
        ]
        if sorts:
            name = sorts[0]["propertyName"]
            reverse = sorts[0].get("direction", "ASCENDING") == "DESCENDING"
            found.sort(key=lambda r: _value(r["properties"].get(name)) or 0.0, reverse=reverse)
        page = found[after : after + limit]
        answer: dict[str, Any] = {
            "total": len(found),
            "results": [_shape(record, body.get("properties") or [], kind) for record in page],
        }
        if after + limit < len(found):
            answer["paging"] = {"next": {"after": str(after + limit)}}
        return Reply(200, answer)

    def _indexed(self, kind: str, key: str) -> dict[str, Any] | None:
        """The version of a record that the search index holds by now."""
        horizon, seen = self.now() - self.index_lag, None
        for changed_at, version in self._history[kind][key]:
            if changed_at > horizon:
                break
            seen = version
        return seen

    def _batch_read(self, kind: str, body: Mapping[str, Any]) -> Reply:
        if len(body["inputs"]) > 100:
            return _error(400, "VALIDATION_ERROR", "at most 100 inputs")
        results, missing = [], []
        for wanted in body["inputs"]:
            record = self.objects[kind].get(self.merged[kind].get(wanted["id"], wanted["id"]))
            if record is None or record["archived"]:
                missing.append(wanted["id"])
            else:
                results.append(_shape(record, body.get("properties") or [], kind))
        return self._batch_reply(results, "OBJECT_NOT_FOUND", missing)

    def _associations(self, from_type: str, to_type: str, body: Mapping[str, Any]) -> Reply:
        if len(body["inputs"]) > 1000:
            return _error(400, "VALIDATION_ERROR", "at most 1000 inputs")
        results, missing = [], []
        for wanted in body["inputs"]:
            links = self.links.get((from_type, wanted["id"], to_type), {})
            by_target: dict[str, list[dict[str, Any]]] = {}
            for (target, _), kind in links.items():
                by_target.setdefault(target, []).append(kind)
            if not by_target:
                missing.append(wanted["id"])
                continue
            to = [{"toObjectId": int(t), "associationTypes": kinds} for t, kinds in by_target.items()]
            results.append({"from": {"id": wanted["id"]}, "to": to})
        return self._batch_reply(results, "crm.associations.NO_ASSOCIATIONS_FOUND", missing)

    def _batch_reply(self, results: list[Any], problem: str, missing: list[str]) -> Reply:
        at = iso_millis(self.now())
        body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at}
        if not missing:
            return Reply(200, body)
        body["numErrors"] = len(missing)
        body["errors"] = [
            {
                "status": "error",
                "category": "OBJECT_NOT_FOUND",
                "subCategory": problem,
                "message": f"Nothing found for id {record_id}",
                "context": {"fromObjectId": [record_id]},
                "errors": [],
                "links": {},
            }
            for record_id in missing
        ]
        return Reply(207, body)

    def _owners(self, request: Request) -> Reply:
        limit, after = int(request.query.get("limit", 100)), int(request.query.get("after") or 0)
        archived = request.query.get("archived", "false") == "true"
        chosen = sorted((o for o in self.owners.values() if bool(o.get("archived")) == archived), key=_number)
        rest = [o for o in chosen if _number(o) > after]
        body: dict[str, Any] = {"results": rest[:limit]}
        if len(rest) > limit:
            body["paging"] = self._paging(request, str(_number(rest[limit - 1])))
        return Reply(200, body)

    def _paging(self, request: Request, after: str) -> dict[str, Any]:
        query = "&".join(f"{k}={v}" for k, v in {**request.query, "after": after}.items())
        return {"next": {"after": after, "link": f"{self.url}{request.path}?{query}"}}


def _error(code: int, category: str, message: str) -> Reply:
    return Reply(
        code,
        {"status": "error", "message": message, "correlationId": str(uuid.uuid4()), "category": category},
    )


def _number(record: Mapping[str, Any]) -> int:
    """Id as number; a record without one stands last."""
    try:
        return int(record["id"])
    except (KeyError, TypeError, ValueError):
        return 10**18


def _shape(record: Mapping[str, Any], names: list[str], kind: str) -> dict[str, Any]:
    """The record with the properties asked for; a few always come."""
    values = record.get("properties")
    if isinstance(values, Mapping):
        wanted = dict.fromkeys((*names, "hs_object_id", "createdate", MODIFIED[kind]))
        values = {name: values.get(name) for name in wanted}
    return {**record, "properties": values}


def _value(text: Any) -> float | None:
    """A property as number: numbers as they are, dates as epoch milliseconds."""
    if text is None:
        return None
    try:
        return float(text)
    except (TypeError, ValueError):
        seconds = epoch(text)
        return None if seconds is None else seconds * 1000


def _matches(record: Mapping[str, Any], condition: Mapping[str, Any]) -> bool:
    properties = record.get("properties") or {}
    value = properties.get(condition["propertyName"])
    operator = condition["operator"]
    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return (value is not None) == (operator == "HAS_PROPERTY")
    if operator == "EQ":
        return value == condition["value"]
    if operator == "IN":
        return value in condition["values"]
    found, limit = _value(value), float(condition["value"])
    if found is None:
        return False
    if operator == "BETWEEN":
        return limit <= found <= float(condition["highValue"])
    return {
        "GT": found > limit,
        "GTE": found >= limit,
        "LT": found < limit,
        "LTE": found <= limit,
        "NEQ": found != limit,
    }[operator]
