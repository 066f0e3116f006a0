"""Walks over a vendor's pages, guarded: no page reference twice, no other host, no silent stop.

Each function yields `Page`s and ends only when the vendor says so in the documented way. A reference that
comes back raises `PagingError`; the client itself refuses links to another origin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ingestion.core.http import Answer, ApiClient, PagingError, dig


class Page(NamedTuple):
    """One page: its items, the whole answer, and a reference for messages and rejected rows."""

    items: list[Any]
    answer: Answer
    ref: str


class LoopGuard:
    """Remembers page references of one walk and refuses one that comes again."""

    def __init__(self, what: str) -> None:
        self._what, self._seen = what, set[str]()

    def check(self, reference: str) -> None:
        """Raises PagingError when `reference` was seen before."""
        if reference in self._seen:
            raise PagingError(
                f"{self._what}: the vendor sent the same page reference twice; paging would never end.",
                "Run again later; nothing of this run is lost or doubled.",
            )
        self._seen.add(reference)


def items_of(answer: Answer, key: str) -> list[Any]:
    """List at a dotted path of an answer; raises PagingError when it is no list."""
    items = dig(answer.data, key)
    if not isinstance(items, list):
        raise PagingError(f"{answer.url}: `{key}` is no list.", "Check the API version of the connection.")
    return items


def cursor_pages(
    client: ApiClient,
    path: str,
    params: Mapping[str, Any],
    *,
    items: str,
    cursor: str,
    param: str,
    has_more: str | None = None,
    first: str | None = None,
) -> Iterator[Page]:
    """Pages whose answer holds the cursor of the next one; the walk ends when there is none.

    Args:
        client: where to ask.
        path: endpoint.
        params: query of every page.
        items: dotted path of the list of items.
        cursor: dotted path of the next cursor; absent, null or '' on the last page.
        param: query parameter that takes the cursor.
        has_more: dotted path of a flag that must also be true for another page, if the vendor has one.
        first: cursor to start with, to resume a walk.
    """
    guard, after = LoopGuard(path), first
    if after:
        guard.check(after)
    required = (items, has_more) if has_more else (items,)
    while True:
        answer = client.get(path, {**params, param: after}, require=required)
        yield Page(items_of(answer, items), answer, f"{path}?{param}={after or ''}")
        try:
            following = dig(answer.data, cursor)
        except KeyError:
            following = None
        if following in (None, "") or (has_more and not dig(answer.data, has_more)):
            return
        after = str(following)
        guard.check(after)


def end_of_stream_pages(
    client: ApiClient, path: str, *, items: str, start: Mapping[str, Any], cursor: str | None, per_page: int
) -> Iterator[tuple[Page, str | None]]:
    """Cursor export whose last page still carries a cursor: yields (page, cursor to keep for the next run).

    Args:
        client: where to ask.
        path: endpoint.
        items: name of the list in the answer.
        start: query of the first request when there is no cursor (`start_time`); never sent with a cursor.
        cursor: cursor kept from the previous run.
        per_page: page size sent with every request.

    The end is `end_of_stream` and nothing else: `after_cursor` and `after_url` stand on every page.
    """
    guard = LoopGuard(path)
    if cursor:
        guard.check(cursor)
    while True:
        query = {"per_page": per_page, **({"cursor": cursor} if cursor else start)}
        answer = client.get(path, query, require=(items, "end_of_stream"))
        following = answer.data.get("after_cursor") or None
        done = bool(answer.data["end_of_stream"])
        page = Page(items_of(answer, items), answer, f"{path}?cursor={cursor or ''}")
        if not done:
            if following is None:
                raise PagingError(
                    f"{path}: the vendor says there is more but gives no cursor.", "Run again later."
                )
            guard.check(following)
        cursor = following or cursor
        yield page, cursor
        if done:
            return


def time_export_pages(
    client: ApiClient, path: str, *, items: str, params: Mapping[str, Any], start_time: int
) -> Iterator[tuple[Page, int]]:
    """Time-based export (Unix seconds): yields (page, start time of the next run).

    Items may repeat at a page's edge (documented), so rows need a key. The vendor's `end_time` equals the
    `start_time` sent when a whole page shares one second: one second is added then, because every item of
    that second came in this answer.
    """
    while True:
        answer = client.get(path, {**params, "start_time": start_time}, require=(items,))
        data, ref = answer.data, f"{path}?start_time={start_time}"
        if "end_of_stream" not in data and "count" not in data:
            raise PagingError(f"{path}: no end_of_stream and no count in the answer.", "Check base_url.")
        done = bool(data.get("end_of_stream", data.get("count", 0) < 1000))
        end_time = data.get("end_time")
        following = max(start_time, int(end_time)) if end_time is not None else start_time
        if not done and following == start_time:
            following += 1
        start_time = following
        yield Page(items_of(answer, items), answer, ref), start_time
        if done:
            return


def before_token_pages(
    client: ApiClient,
    path: str,
    *,
    first: Mapping[str, Any],
    rest: Mapping[str, Any],
    items: str,
    token: str,
    param: str,
    page_size: int,
    reached: Callable[[Mapping[str, Any]], bool] = lambda item: False,
) -> Iterator[Page]:
    """Newest-first pages continued by the token of the last item; ends on a short page.

    Args:
        client: where to ask.
        path: endpoint.
        first: query of the first page (may hold a time window).
        rest: query of the following pages (the vendor refuses a window beside a token).
        items: name of the list in the answer.
        token: name of the token in an item.
        param: query parameter that takes the token.
        page_size: size asked for; a shorter page is the last.
        reached: true for an item at or before the start of the window: the walk ends with its page.
    """
    guard, query, ref = LoopGuard(path), dict(first), f"{path}?"
    while True:
        answer = client.get(path, query, require=(items,))
        found = items_of(answer, items)
        yield Page(found, answer, ref)
        if len(found) < page_size or any(reached(item) for item in found if isinstance(item, Mapping)):
            return
        last = found[-1].get(token) if isinstance(found[-1], Mapping) else None
        if not last:
            raise PagingError(f"{path}: the last item of a full page has no `{token}`.", "Run again later.")
        guard.check(str(last))
        query = {**rest, param: last}
        ref = f"{path}?{param}={last}"
