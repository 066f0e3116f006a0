"""Stand-in of the Zendesk Support API: incremental exports, groups, satisfaction ratings.

Answers as Zendesk documents: cursor exports carry `after_cursor` on every page and end with
`end_of_stream`, hold back the last minute and compare with `generated_timestamp`; time-based exports repeat
items at the edge of a page; deleted tickets stay in the stream with status `deleted`.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ingestion.demo.standins.kit import (
    Bucket,
    Now,
    Reply,
    Request,
    Standin,
    epoch,
    iso_seconds,
    read_records,
)

HELD_BACK_SECONDS = 60
"""Items changed so recently are not exported yet."""

Record = dict[str, Any]


def vendor_limits(*, incremental_per_minute: int = 10, per_minute: int = 200) -> tuple[Bucket, ...]:
    """Zendesk's published limits: 10 incremental requests a minute, 200 others on the smallest plan."""
    return (
        Bucket("incremental", incremental_per_minute, 60.0, r"/incremental/"),
        Bucket("account", per_minute, 60.0),
    )


class Zendesk(Standin):
    """A Zendesk account in memory.

    Args:
        token: API token.
        user: e-mail of the agent the token belongs to.
        now: vendor's clock.
        limits: rate buckets, for example `vendor_limits()`.
        page_size: items on a page of an export.
        cursor_life: seconds until a cursor expires; None = never.
    """

    name = "zendesk"

    def __init__(
        self,
        *,
        token: str = "demo-zendesk-token",
        user: str = "integration@demo.example",
        now: Now = time.time,
        limits: tuple[Bucket, ...] = (),
        page_size: int = 1000,
        cursor_life: float | None = None,
    ) -> None:
        super().__init__(token=token, now=now, limits=limits)
        self.user, self.page_size, self.cursor_life = user, page_size, cursor_life
        self.users: dict[int, Record] = {}
        self.organizations: dict[int, Record] = {}
        self.groups: dict[int, Record] = {}
        self.tickets: dict[int, Record] = {}
        self.ratings: dict[int, Record] = {}
        self.events: list[Record] = []
        self.forbidden: re.Pattern[str] | None = None
        self._next_id = 900_000_000_001
        self._sorted: dict[str, tuple[int, list[tuple[int, int, Record]]]] = {}
        self._version = 0

    # records

    def load(self, folder: Path) -> Zendesk:
        """Take in users, organizations, groups, tickets, ticket_events and satisfaction_ratings from JSONL."""
        for store, file in (
            (self.users, "users"),
            (self.organizations, "organizations"),
            (self.groups, "groups"),
            (self.tickets, "tickets"),
            (self.ratings, "satisfaction_ratings"),
        ):
            for index, record in enumerate(read_records(folder / f"{file}.jsonl")):
                key = record.get("id")
                store[key if isinstance(key, int) else -1 - index] = record
        self.events.extend(read_records(folder / "ticket_events.jsonl"))
        self._version += 1
        return self

    def newest(self) -> float:
        """Greatest change time of all records, epoch seconds."""
        stores = (self.users, self.organizations, self.groups, self.ratings)
        times = [_changed(record) for store in stores for record in store.values()]
        times += [_generated(record) for record in self.tickets.values()]
        times += [_stamp(event) for event in self.events]
        return float(max(times, default=0))

    def new_id(self) -> int:
        """A fresh id, of thirteen digits as in large accounts."""
        self._next_id += 1
        return self._next_id

    def put_user(self, user_id: int | None = None, **values: Any) -> int:
        """Create or change a user now."""
        return self._put(
            self.users,
            user_id,
            {"role": "end-user", "active": True, "email": None, "phone": None, "name": "N", "tags": []},
            values,
        )

    def put_organization(self, organization_id: int | None = None, **values: Any) -> int:
        """Create or change an organisation now."""
        return self._put(self.organizations, organization_id, {"name": "O", "tags": []}, values)

    def put_group(self, group_id: int | None = None, **values: Any) -> int:
        """Create or change a group now."""
        return self._put(self.groups, group_id, {"name": "G", "deleted": False}, values)

    def put_rating(self, rating_id: int | None = None, **values: Any) -> int:
        """Create or change a satisfaction rating now."""
        defaults: Record = dict.fromkeys(
            ("ticket_id", "requester_id", "assignee_id", "group_id", "comment", "reason")
        )
        return self._put(self.ratings, rating_id, {**defaults, "score": "offered"}, values)

    def put_ticket(self, ticket_id: int | None = None, *, system_only: bool = False, **values: Any) -> int:
        """Create or change a ticket now.

        Args:
            ticket_id: existing ticket; None = a new one.
            system_only: a system change: `generated_timestamp` moves and `updated_at` does not.
            values: fields of the ticket.
        """
        old = self.tickets.get(ticket_id) if ticket_id is not None else None
        kept = old["updated_at"] if old and system_only else None
        defaults: Record = {
            "requester_id": 1, "submitter_id": 1, "assignee_id": None, "group_id": None, "organization_id": None,
            "subject": "S", "description": "D", "status": "new", "priority": None, "type": "question",
            "via": {"channel": "email", "source": {"from": {}, "to": {}, "rel": None}}, "tags": [],
            "custom_fields": [], "satisfaction_rating": None, "is_public": True,
        }  # fmt: skip
        key = self._put(self.tickets, ticket_id, defaults, values)
        self.tickets[key]["generated_timestamp"] = int(self.now())
        if kept:
            self.tickets[key]["updated_at"] = kept
        return key

    def add_event(
        self, ticket_id: int, *children: Mapping[str, Any], at: float | None = None, **values: Any
    ) -> int:
        """Add an audit of a ticket; children without an id get one."""
        stamp = int(self.now() if at is None else at)
        key = self.new_id()
        self.events.append(
            {
                "id": key, "ticket_id": ticket_id, "timestamp": stamp, "created_at": iso_seconds(stamp),
                "updater_id": 1, "via": "Web form", "event_type": "Audit",
                "child_events": [{"id": self.new_id(), "via": "Web form", **child} for child in children], **values,
            }
        )  # fmt: skip
        self._version += 1
        return key

    def merge_tickets(self, losing: int, winning: int) -> None:
        """Close `losing` as merged into `winning`."""
        tags = [*self.tickets[losing].get("tags", []), "closed_by_merge"]
        old = self.tickets[losing]["status"]
        self.put_ticket(losing, status="closed", tags=tags)
        self.add_event(
            losing,
            {
                "event_type": "Change", "via": "Merge", "via_reference_id": winning,
                "status": "closed", "previous_value": old,
            },
            via="Merge",
        )  # fmt: skip

    def _put(self, store: dict[int, Record], key: int | None, defaults: Record, values: Record) -> int:
        at = iso_seconds(self.now())
        if key is None:
            key = self.new_id()
        old = store.get(key)
        store[key] = {**defaults, "created_at": at, **(old or {}), **values, "id": key, "updated_at": at}
        self._version += 1
        return key

    # requests

    def refusal(self, request: Request) -> Reply | None:
        """401 for wrong credentials, 403 for a forbidden path."""
        basic = base64.b64encode(f"{self.user}/token:{self.token}".encode()).decode()
        if request.headers.get("Authorization") not in (f"Basic {basic}", f"Bearer {self.token}"):
            return Reply(401, {"error": "Couldn't authenticate you"}, {"WWW-Authenticate": "Basic"})
        if self.forbidden is not None and self.forbidden.search(request.path):
            message = (
                "You do not have access to this page. Please contact the account owner of this help desk."
            )
            return Reply(403, {"error": {"title": "Forbidden", "message": message}})
        return None

    def too_many(self, bucket: Bucket, wait: float) -> Reply:
        """429 with Retry-After in seconds."""
        body = {
            "error": "APIRateLimitExceeded",
            "description": "Number of allowed API requests per minute exceeded",
        }
        return Reply(429, body, {"Retry-After": str(int(wait) + 1)})

    def route(self, request: Request) -> Reply:
        """Endpoints, with and without `.json`."""
        path = request.path.removesuffix(".json")
        if path == "/api/v2/incremental/tickets/cursor":
            return self._cursor_export("tickets", self.tickets, _generated, request)
        if path == "/api/v2/incremental/users/cursor":
            return self._cursor_export("users", self.users, _changed, request)
        if path == "/api/v2/incremental/organizations":
            rows = [(_changed(r), r["id"], r) for r in self.organizations.values()]
            return self._time_export("organizations", lambda: rows, request, lambda record: record)
        if path == "/api/v2/incremental/ticket_events":
            comments = "comment_events" in request.query.get("include", "")
            return self._time_export("ticket_events", self._events_by_time, request, _event_view(comments))
        if path == "/api/v2/groups":
            return self._list("groups", self.groups, request)
        if path == "/api/v2/satisfaction_ratings":
            start = int(request.query.get("start_time") or 0)
            chosen = {k: r for k, r in self.ratings.items() if _changed(r) >= start}
            return self._list("satisfaction_ratings", chosen, request)
        return Reply(404, {"error": "RecordNotFound", "description": "Not found"})

    def _events_by_time(self) -> list[tuple[int, int, Record]]:
        return [(_stamp(event), index, event) for index, event in enumerate(self.events)]

    def _in_order(
        self, name: str, rows: Callable[[], list[tuple[int, int, Record]]]
    ) -> list[tuple[int, int, Record]]:
        """Rows in order of time and id; sorted again only after a change."""
        version, kept = self._sorted.get(name, (-1, []))
        if version != self._version:
            kept = sorted(rows(), key=lambda row: row[:2])
            self._sorted[name] = (self._version, kept)
        return kept

    def _cursor_export(
        self, name: str, store: dict[int, Record], stamp: Callable[[Record], int], request: Request
    ) -> Reply:
        size = min(int(request.query.get("per_page") or self.page_size), self.page_size)
        cursor, start = request.query.get("cursor"), request.query.get("start_time")
        if cursor is not None and start is not None:
            return _invalid("cursor and start_time cannot be used together")
        if cursor is not None:
            try:
                position = json.loads(base64.b64decode(cursor))
                after = (int(position[0]), int(position[1]))
            except ValueError:
                return _invalid("cursor is invalid")
            if self.cursor_life is not None and self.now() - position[2] > self.cursor_life:
                return _invalid("cursor has expired")
        elif start is None:
            return _invalid("start_time is missing")
        elif int(start) > self.now() - HELD_BACK_SECONDS:
            return Reply(422, {"error": "StartTimeTooRecent", "description": "Too recent start_time. "
                               "Use a start_time older than 60 seconds"})  # fmt: skip
        else:
            after = (int(start), -(10**18))
        horizon = self.now() - HELD_BACK_SECONDS
        rows = self._in_order(name, lambda: [(stamp(r), k, r) for k, r in store.items()])
        rest = [row for row in rows if row[:2] > after and row[0] <= horizon]
        page = rest[:size]
        last = page[-1][:2] if page else after
        after_cursor = base64.b64encode(json.dumps([*last, int(self.now())]).encode()).decode()
        return Reply(
            200,
            {
                name: [row[2] for row in page],
                "after_cursor": after_cursor,
                "after_url": f"{self.url}{request.path}?cursor={after_cursor}",
                "before_cursor": cursor,
                "before_url": None,
                "end_of_stream": len(rest) <= size,
            },
        )

    def _time_export(
        self,
        name: str,
        rows: Callable[[], list[tuple[int, int, Record]]],
        request: Request,
        view: Callable[[Record], Record],
    ) -> Reply:
        start = int(request.query.get("start_time") or 0)
        horizon = self.now() - HELD_BACK_SECONDS
        if start > horizon:
            return Reply(422, {"error": "StartTimeTooRecent", "description": "Too recent start_time."})
        rest = [row for row in self._in_order(name, rows) if start <= row[0] <= horizon]
        page = rest[: self.page_size]
        if page:
            # items of the last second are never torn apart: all of them come, even above the page size
            page += [row for row in rest[self.page_size :] if row[0] == page[-1][0]]
        end = page[-1][0] if page else start
        return Reply(
            200,
            {
                name: [view(row[2]) for row in page],
                "count": len(page),
                "end_of_stream": len(page) == len(rest),
                "end_time": end,
                "next_page": f"{self.url}{request.path}?start_time={end}",
            },
        )

    def _list(self, name: str, store: Mapping[int, Record], request: Request) -> Reply:
        size = min(int(request.query.get("page[size]", 100)), 100)
        after = request.query.get("page[after]")
        start = int(base64.b64decode(after)) if after else -(10**18)
        rest = [store[key] for key in sorted(store) if key > start]
        page = rest[:size]
        more = len(rest) > size
        cursor = base64.b64encode(str(page[-1]["id"]).encode()).decode() if page else None
        link = f"{self.url}{request.path}?page[size]={size}&page[after]={cursor}" if more else None
        return Reply(
            200,
            {
                name: page,
                "meta": {"has_more": more, "after_cursor": cursor, "before_cursor": None},
                "links": {"next": link, "prev": None},
            },
        )


def _invalid(message: str) -> Reply:
    return Reply(400, {"error": {"title": "Invalid attribute", "message": message}})


def _changed(record: Record) -> int:
    return int(epoch(record.get("updated_at")) or 0)


def _generated(record: Record) -> int:
    value = record.get("generated_timestamp")
    if not isinstance(value, int):
        value = _changed(record)
        record["generated_timestamp"] = value
    return value


def _stamp(event: Record) -> int:
    value = event.get("timestamp")
    return value if isinstance(value, int) else int(epoch(event.get("created_at")) or 0)


def _event_view(comments: bool) -> Callable[[Record], Record]:
    """Audits with their comment events, or without them when they were not asked for."""
    if comments:
        return lambda event: event
    return lambda event: {
        **event,
        "child_events": [c for c in event.get("child_events", []) if c.get("event_type") != "Comment"],
    }
