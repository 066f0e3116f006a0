"""Paging: to the documented end, never in circles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ingestion.core.http import ApiClient, PagingError, ShapeError
from ingestion.core.paginators import (
    before_token_pages,
    cursor_pages,
    end_of_stream_pages,
    time_export_pages,
)
from ingestion.demo.standins.kit import Bucket, Reply, Request, Server, Standin
from tests.connectors.world import VirtualClock


class Script(Standin):
    """Gives prepared answers in order, the last one for ever."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(token="", now=clock.time)
        self.answers: list[Any] = []

    def route(self, request: Request) -> Reply:
        return Reply(200, self.answers[min(len(self.log), len(self.answers) - 1)])

    def refusal(self, request: Request) -> Reply | None:
        return None

    def too_many(self, bucket: Bucket, wait: float) -> Reply:
        return Reply(429, {})

    def queries(self) -> list[dict[str, str]]:
        return [dict(entry.request.query) for entry in self.log]


@pytest.fixture
def script(clock: VirtualClock) -> Iterator[Script]:
    vendor = Script(clock)
    with Server(vendor):
        yield vendor


@pytest.fixture
def client(script: Script) -> ApiClient:
    return ApiClient(script.url)


def cursors(client: ApiClient, **options: Any) -> list[Any]:
    pages = cursor_pages(
        client, "x", {"limit": 2}, items="results", cursor="paging.next.after", param="after", **options
    )
    return [item for page in pages for item in page.items]


def page(items: list[Any], after: str | None) -> dict[str, Any]:
    return {"results": items} if after is None else {"results": items, "paging": {"next": {"after": after}}}


def test_cursors_are_followed_until_there_is_none(script: Script, client: ApiClient) -> None:
    # a short page and an empty page in the middle are no end
    script.answers = [page([1, 2], "b"), page([3], "c"), page([], "d"), page([4], None)]
    assert cursors(client) == [1, 2, 3, 4]
    assert script.queries() == [{"limit": "2"}] + [{"limit": "2", "after": a} for a in "bcd"]


@pytest.mark.parametrize("end", ("", None))
def test_an_empty_cursor_is_the_end(script: Script, client: ApiClient, end: str | None) -> None:
    script.answers = [{"results": [1], "paging": {"next": {"after": end}}}]
    assert cursors(client) == [1]


def test_a_walk_can_be_resumed(script: Script, client: ApiClient) -> None:
    script.answers = [page([3], None)]
    assert cursors(client, first="b") == [3]
    assert script.queries() == [{"limit": "2", "after": "b"}]


def test_a_repeated_cursor_is_refused(script: Script, client: ApiClient) -> None:
    script.answers = [page([1], "b"), page([2], "c"), page([1], "b")]
    with pytest.raises(PagingError, match="same page reference twice"):
        cursors(client)
    assert len(script.log) == 3


def test_a_flag_that_says_no_more_ends_the_walk(script: Script, client: ApiClient) -> None:
    script.answers = [
        {"g": [1], "meta": {"has_more": True, "after": "a"}},
        {"g": [2], "meta": {"has_more": False, "after": "a"}},
    ]
    pages = cursor_pages(
        client, "x", {}, items="g", cursor="meta.after", param="page[after]", has_more="meta.has_more"
    )
    assert [item for p in pages for item in p.items] == [1, 2]


@pytest.mark.parametrize("answer", ({}, {"results": {"a": 1}}, {"results": None}))
def test_a_missing_or_wrong_list_is_no_empty_page(script: Script, client: ApiClient, answer: Any) -> None:
    script.answers = [answer]
    with pytest.raises((ShapeError, PagingError)):
        cursors(client)


def stream(client: ApiClient, cursor: str | None = None) -> list[tuple[list[Any], str | None]]:
    pages = end_of_stream_pages(client, "x", items="t", start={"start_time": 5}, cursor=cursor, per_page=2)
    return [(p.items, kept) for p, kept in pages]


def test_the_stream_ends_where_it_says_so_and_the_last_cursor_is_kept(
    script: Script, client: ApiClient
) -> None:
    script.answers = [
        {"t": [1], "after_cursor": "a", "after_url": "u", "end_of_stream": False},
        {"t": [2], "after_cursor": "b", "after_url": "u", "end_of_stream": True},
    ]
    assert stream(client) == [([1], "a"), ([2], "b")]
    assert script.queries() == [{"per_page": "2", "start_time": "5"}, {"per_page": "2", "cursor": "a"}]


def test_a_stream_goes_on_from_its_cursor_and_keeps_it_when_nothing_is_new(
    script: Script, client: ApiClient
) -> None:
    script.answers = [{"t": [], "after_cursor": None, "end_of_stream": True}]
    assert stream(client, cursor="z") == [([], "z")]
    assert script.queries() == [{"per_page": "2", "cursor": "z"}]


@pytest.mark.parametrize(
    "answer",
    (
        {"t": [1], "after_cursor": "z", "end_of_stream": False},
        {"t": [1], "after_cursor": None, "end_of_stream": False},
        {"t": [1], "after_cursor": "b"},
        {"after_cursor": "b", "end_of_stream": True},
    ),
)
def test_a_stream_that_makes_no_sense_is_refused(script: Script, client: ApiClient, answer: Any) -> None:
    script.answers = [answer]
    with pytest.raises((PagingError, ShapeError)):
        stream(client, cursor="z")


def export(client: ApiClient, start: int = 10) -> list[tuple[list[Any], int]]:
    pages = time_export_pages(client, "x", items="e", params={"include": "c"}, start_time=start)
    return [(p.items, following) for p, following in pages]


def test_an_export_moves_on_by_end_time(script: Script, client: ApiClient) -> None:
    script.answers = [
        {"e": [1], "end_time": 20, "count": 1, "end_of_stream": False},
        {"e": [2], "end_time": 30, "count": 1, "end_of_stream": True},
    ]
    assert export(client) == [([1], 20), ([2], 30)]
    assert [q["start_time"] for q in script.queries()] == ["10", "20"]


def test_an_export_that_stands_still_is_moved_by_a_second(script: Script, client: ApiClient) -> None:
    script.answers = [
        {"e": [1], "end_time": 10, "end_of_stream": False},
        {"e": [2], "end_time": 12, "end_of_stream": True},
    ]
    assert export(client) == [([1], 11), ([2], 12)]


def test_an_export_without_the_flag_ends_below_a_thousand(script: Script, client: ApiClient) -> None:
    script.answers = [{"e": [1], "end_time": 20, "count": 1000}, {"e": [2], "end_time": 30, "count": 999}]
    assert [items for items, _ in export(client)] == [[1], [2]]
    script.answers = [{"e": [1]}]
    script.log.clear()
    with pytest.raises(PagingError, match="no end_of_stream and no count"):
        export(client)


def test_an_export_never_goes_back(script: Script, client: ApiClient) -> None:
    script.answers = [{"e": [], "end_time": 3, "end_of_stream": True}]
    assert export(client) == [([], 10)]


def tokens(client: ApiClient, **options: Any) -> list[Any]:
    pages = before_token_pages(
        client, "x", first={"since": "s", "n": 2}, rest={"n": 2}, items="items", token="token",
        param="before", page_size=2, **options,
    )  # fmt: skip
    return [item["token"] for p in pages for item in p.items]


def items(*names: str | None) -> dict[str, Any]:
    return {"items": [{"token": name} for name in names]}


def test_tokens_replace_the_window_after_the_first_page(script: Script, client: ApiClient) -> None:
    script.answers = [items("d", "c"), items("b", "a"), items()]
    assert tokens(client) == ["d", "c", "b", "a"]
    assert script.queries() == [
        {"since": "s", "n": "2"},
        {"n": "2", "before": "c"},
        {"n": "2", "before": "a"},
    ]


def test_the_walk_ends_at_the_start_of_the_window(script: Script, client: ApiClient) -> None:
    script.answers = [items("d", "c"), items("b", "a"), items("z", "y")]
    assert tokens(client, reached=lambda item: item["token"] == "a") == ["d", "c", "b", "a"]


def test_a_repeated_or_missing_token_is_refused(script: Script, client: ApiClient) -> None:
    script.answers = [items("d", "c"), items("b", "c")]
    with pytest.raises(PagingError, match="same page reference twice"):
        tokens(client)
    script.answers = [items("d", None)]
    script.log.clear()
    with pytest.raises(PagingError, match="has no `token`"):
        tokens(client)
