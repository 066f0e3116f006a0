"""Stand-in of the Typeform API: forms, definitions, responses.

Answers as client code shows: responses come newest first, `before`/`after` take a response token and cannot
be mixed with `since`/`until`, unfinished responses carry the date 0001-01-01 and are asked for by type.
"""

from __future__ import annotations

import re
import time
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

NEVER = "0001-01-01T00:00:00Z"
Record = dict[str, Any]


def vendor_limits(*, per_second: int = 2) -> tuple[Bucket, ...]:
    """Typeform's limit: about two requests a second."""
    return (Bucket("second", per_second, 1.0),)


class Typeform(Standin):
    """A Typeform account in memory.

    Args:
        token: personal access token.
        now: vendor's clock.
        limits: rate buckets, for example `vendor_limits()`.
        index_lag: seconds until a new response can be read.
        max_page_size: greatest page of responses.
    """

    name = "typeform"

    def __init__(
        self,
        *,
        token: str = "demo-typeform-token",
        now: Now = time.time,
        limits: tuple[Bucket, ...] = (),
        index_lag: float = 0.0,
        max_page_size: int = 1000,
    ) -> None:
        super().__init__(token=token, now=now, limits=limits)
        self.index_lag, self.max_page_size = index_lag, max_page_size
        self.forms: dict[str, Record] = {}
        self.responses: dict[str, dict[str, Record]] = {}
        self._gone: dict[str, dict[str, Record]] = {}
        self.scopes = {"forms:read", "responses:read"}
        self._next = 0

    # records

    def load(self, folder: Path) -> Typeform:
        """Take in forms and responses from JSONL files."""
        for form in read_records(folder / "forms.jsonl"):
            self.forms[form["id"]] = form
        for index, line in enumerate(read_records(folder / "responses.jsonl")):
            item = dict(line)
            form_id = item.pop("form_id")
            key = str(item.get("token") or f"none-{index}")
            self.responses.setdefault(form_id, {})[key] = item
        return self

    def newest(self) -> float:
        """Greatest change time of all records, epoch seconds."""
        times = [epoch(f.get("last_updated_at")) or 0.0 for f in self.forms.values()]
        times += [_submitted(r) for items in self.responses.values() for r in items.values()]
        return max(times, default=0.0)

    def put_form(self, form: Record) -> None:
        """Create or change a form now."""
        at = iso_seconds(self.now())
        created = self.forms.get(form["id"], {}).get("created_at", at)
        self.forms[form["id"]] = {"type": "form", "created_at": created, **form, "last_updated_at": at}

    def submit(self, form_id: str, answers: list[Record], *, at: float | None = None, **values: Any) -> str:
        """Add a finished response; returns its token."""
        return self._add(form_id, answers, "completed", iso_seconds(self.now() if at is None else at), values)

    def start(self, form_id: str, answers: list[Record], **values: Any) -> str:
        """Add an unfinished response; returns its token."""
        return self._add(form_id, answers, "partial", NEVER, values)

    def delete(self, form_id: str, token: str) -> None:
        """Delete a response; there is no feed that says so."""
        self._gone.setdefault(form_id, {})[token] = self.responses[form_id].pop(token)

    def _add(self, form_id: str, answers: list[Record], kind: str, submitted: str, values: Record) -> str:
        self._next += 1
        token = f"tok{self._next:08d}"
        self.responses.setdefault(form_id, {})[token] = {
            "landing_id": token, "token": token, "response_id": token, "response_type": kind,
            "landed_at": iso_seconds(self.now() - 60), "submitted_at": submitted,
            "metadata": {"platform": "other", "referer": "https://shop.example/", "user_agent": "UA"},
            "hidden": {}, "calculated": {"score": 0}, "variables": [], "tags": [], "answers": answers, **values,
        }  # fmt: skip
        return token

    # requests

    def refusal(self, request: Request) -> Reply | None:
        """401 for a wrong token, 403 for a missing scope."""
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            body = {
                "code": "AUTHENTICATION_FAILED",
                "description": "Authentication credentials not found on the Request Headers",
            }
            return Reply(401, body)
        scope = "responses:read" if request.path.endswith("/responses") else "forms:read"
        if scope not in self.scopes:
            return Reply(403, {"code": "INSUFFICIENT_SCOPE", "description": f"missing scope {scope}"})
        return None

    def too_many(self, bucket: Bucket, wait: float) -> Reply:
        """429 without Retry-After."""
        return Reply(429, {"code": "TOO_MANY_REQUESTS", "description": "Rate limit reached"})

    def route(self, request: Request) -> Reply:
        """Endpoints."""
        if request.path == "/forms":
            return self._forms(request)
        if match := re.fullmatch(r"/forms/([^/]+)(/responses)?", request.path):
            form_id = match[1]
            if form_id not in self.forms:
                return Reply(404, {"code": "FORM_NOT_FOUND", "description": "Non existing form"})
            return self._responses(form_id, request) if match[2] else Reply(200, self.forms[form_id])
        return Reply(404, {"code": "NOT_FOUND", "description": "Endpoint not found"})

    def _forms(self, request: Request) -> Reply:
        size, page = int(request.query.get("page_size", 10)), int(request.query.get("page", 1))
        if not 1 <= size <= 200:
            return _invalid("page_size must be between 1 and 200")
        listed = sorted(self.forms.values(), key=lambda f: (f.get("last_updated_at") or "", f["id"]))
        chosen = listed[(page - 1) * size : page * size]
        items = [
            {
                "id": form["id"],
                "type": form.get("type", "form"),
                "title": form.get("title"),
                "created_at": form.get("created_at"),
                "last_updated_at": form.get("last_updated_at"),
                "settings": {"is_public": (form.get("settings") or {}).get("is_public", True)},
                "self": {"href": f"{self.url}/forms/{form['id']}"},
            }
            for form in chosen
        ]
        return Reply(200, {"total_items": len(listed), "page_count": -(-len(listed) // size), "items": items})

    def _responses(self, form_id: str, request: Request) -> Reply:
        query = request.query
        size = int(query.get("page_size", 25))
        if not 1 <= size <= self.max_page_size:
            return _invalid(f"page_size must be between 1 and {self.max_page_size}")
        tokens = [name for name in ("before", "after") if query.get(name)]
        if tokens and (query.get("since") or query.get("until")):
            return _invalid("before/after cannot be combined with since/until")
        kinds = set(query.get("response_type", "completed").split(","))
        horizon = self.now() - self.index_lag
        items = [
            item
            for item in self.responses.get(form_id, {}).values()
            if item.get("response_type", "completed") in kinds and _submitted(item) <= horizon
        ]
        items.sort(key=_order, reverse=True)
        if query.get("since"):
            items = [i for i in items if _submitted(i) >= _instant(query["since"])]
        if query.get("until"):
            items = [i for i in items if _submitted(i) <= _instant(query["until"])]
        if tokens:
            mark = self.responses.get(form_id, {}).get(query[tokens[0]]) or self._gone.get(form_id, {}).get(
                query[tokens[0]]
            )
            if mark is None:
                return _invalid("unknown token")
            if tokens[0] == "before":
                items = [i for i in items if _order(i) < _order(mark)]
            else:
                items = [i for i in reversed(items) if _order(i) > _order(mark)]
        return Reply(
            200, {"total_items": len(items), "page_count": -(-len(items) // size), "items": items[:size]}
        )


def _invalid(message: str) -> Reply:
    return Reply(400, {"code": "VALIDATION_ERROR", "description": message})


def _submitted(item: Record) -> float:
    return epoch(item.get("submitted_at")) or 0.0


def _order(item: Record) -> tuple[float, str]:
    return _submitted(item), str(item.get("token") or "")


def _instant(text: str) -> float:
    return float(text) if text.isdigit() else (epoch(text) or 0.0)
