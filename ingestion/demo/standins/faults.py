"""What can go wrong between a client and a vendor, as actions for `Standin.fault`."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from ingestion.demo.standins.kit import Action, Reply


def status(code: int, body: Any = None, **headers: str) -> Action:
    """Another status with a JSON body; underscores in header names become hyphens."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request, reply: Reply(code, body if body is not None else {}, {**_date(reply), **sent})


def too_many(retry_after: float | str | None = None) -> Action:
    """429 with `Retry-After` as given, or without it."""
    headers = {} if retry_after is None else {"Retry_After": str(retry_after)}
    return status(429, {"message": "too many requests"}, **headers)


def too_many_until(seconds: float) -> Action:
    """429 whose `Retry-After` is an HTTP date, `seconds` after the vendor's own `Date`."""

    def action(request: Any, reply: Reply) -> Reply:
        return Reply(
            429,
            {},
            {"Date": reply.headers["Date"], "Retry-After": formatdate(request.at + seconds, usegmt=True)},
        )

    return action


def html(code: int = 502) -> Action:
    """A gateway's HTML page."""
    page = b"<!DOCTYPE html><html><body><h1>Bad gateway</h1></body></html>"
    return lambda request, reply: Reply(code, page, {"Content-Type": "text/html"})


def reset() -> Action:
    """The connection is reset before the answer."""
    return lambda request, reply: replace(reply, transport="reset")


def cut() -> Action:
    """The connection is reset in the middle of the body."""
    return lambda request, reply: replace(reply, transport="cut")


def torn() -> Action:
    """A whole answer by its length, but the JSON stops in the middle."""

    def action(request: Any, reply: Reply) -> Reply:
        payload = reply.payload()
        return replace(reply, body=payload[: max(1, len(payload) // 2)])

    return action


def error_in_200(body: Any = None) -> Action:
    """Status 200 with an error object."""
    return lambda request, reply: replace(
        reply, status=200, body=body or {"error": "InternalError", "data": None}
    )


def edit(change: Callable[[Any], Any]) -> Action:
    """Change a copy of the JSON body; `change` edits in place or returns another body."""

    def action(request: Any, reply: Reply) -> Reply:
        body = copy.deepcopy(reply.body)
        changed = change(body)
        return replace(reply, body=body if changed is None else changed)

    return action


def date_skewed(seconds: float) -> Action:
    """The vendor's `Date` header is off by `seconds`."""

    def action(request: Any, reply: Reply) -> Reply:
        return replace(
            reply, headers={**reply.headers, "Date": formatdate(request.at + seconds, usegmt=True)}
        )

    return action


def repeat_last() -> Action:
    """The previous answer comes again (a cache between vendor and client); plan it with times >= 2.

    The first answer it sees passes unchanged and is what comes again.
    """
    last: list[Reply] = []

    def action(request: Any, reply: Reply) -> Reply:
        if not last:
            last.append(copy.deepcopy(reply))
            return reply
        return copy.deepcopy(last[0])

    return action


def _date(reply: Reply) -> dict[str, str]:
    return {"Date": reply.headers["Date"]} if "Date" in reply.headers else {}


__all__ = [
    "cut",
    "date_skewed",
    "edit",
    "error_in_200",
    "html",
    "repeat_last",
    "reset",
    "status",
    "too_many",
    "too_many_until",
    "torn",
]
