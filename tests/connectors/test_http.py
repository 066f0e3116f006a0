"""The HTTP client: patient, bounded, never leaking a secret, never calling nonsense a success."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ingestion.core import http
from ingestion.core.errors import SourceError
from ingestion.core.http import (
    ApiClient,
    AuthError,
    HttpError,
    Limiter,
    PagingError,
    QuotaExhausted,
    RetryPolicy,
    ShapeError,
    redact,
    redact_url,
    retry_after,
)
from ingestion.demo.standins import faults
from ingestion.demo.standins.kit import Bucket, Reply, Request, Server, Standin
from tests.connectors.world import VirtualClock

SECRET = "canary-5ecret-t0ken"


class Echo(Standin):
    """Answers every request with a small object."""

    name = "echo"

    def route(self, request: Request) -> Reply:
        return Reply(
            200, {"items": [1], "path": request.path, "query": dict(request.query), "body": request.body}
        )

    def refusal(self, request: Request) -> Reply | None:
        return None

    def too_many(self, bucket: Bucket, wait: float) -> Reply:
        return Reply(429, {}, {"Retry-After": str(int(wait) + 1)})


@pytest.fixture
def echo(clock: VirtualClock) -> Iterator[Echo]:
    vendor = Echo(token="", now=clock.time)
    with Server(vendor):
        yield vendor


@pytest.fixture
def client(echo: Echo) -> Callable[..., ApiClient]:
    def make(**options: Any) -> ApiClient:
        return ApiClient(
            echo.url, headers={"Authorization": f"Bearer {SECRET}"}, secrets=(SECRET,), **options
        )

    return make


def test_parameters_without_value_are_left_out(client: Callable[..., ApiClient]) -> None:
    answer = client().get("things", {"a": 1, "b": None}, require=("items",))
    assert answer.data["query"] == {"a": "1"}
    assert client().post("things", {"x": [1]}).data["body"] == {"x": [1]}


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        (faults.too_many(7), [7.0]),
        (faults.too_many_until(90), [90.0]),
        (
            faults.too_many(0),
            [1.0],
        ),  # never less than the first back-off: 0 in a loop would hammer the vendor
        (faults.too_many(0.5), [1.0]),
        (faults.too_many(3599), [3599.0]),
    ],
)
def test_the_wait_the_vendor_asks_for_is_kept(
    echo: Echo, client: Callable[..., ApiClient], clock: VirtualClock, fault: Any, waits: list[float]
) -> None:
    echo.fault(fault)
    client().get("x")
    assert clock.slept == waits


def test_a_date_is_read_against_the_vendors_clock(echo: Echo, clock: VirtualClock) -> None:
    headers = {"Retry-After": "Mon, 05 Jan 2026 08:50:30 GMT", "Date": "Mon, 05 Jan 2026 08:50:00 GMT"}
    assert retry_after(headers) == 30.0
    assert retry_after({"Retry-After": "soon"}) is None
    assert retry_after({}) is None
    assert retry_after({"Retry-After": "-5"}) == 0.0


def test_own_waits_double_and_are_bounded(
    echo: Echo, client: Callable[..., ApiClient], clock: VirtualClock
) -> None:
    echo.fault(faults.status(500), times=7)
    client(policy=RetryPolicy(attempts=8, backoff=1, max_backoff=8)).get("x")
    for wait, least in zip(clock.slept, (1, 2, 4, 8, 8, 8, 8), strict=True):
        assert least <= wait <= least * 1.25


@pytest.mark.parametrize(
    "fault",
    (faults.reset(), faults.cut(), faults.torn(), faults.html(200), faults.html(502)),
    ids=("reset", "cut", "torn", "page with 200", "page with 502"),
)
def test_transport_faults_are_tried_again(
    echo: Echo, client: Callable[..., ApiClient], clock: VirtualClock, fault: Any
) -> None:
    echo.fault(fault, times=3)
    assert client().get("x", require=("items",)).data["items"] == [1]


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (faults.status(401), AuthError, "credentials were refused (401)"),
        (faults.status(403), AuthError, "lack a permission (403)"),
        (faults.status(404, {"category": "OBJECT_NOT_FOUND"}), HttpError, "status 404 (OBJECT_NOT_FOUND)"),
        (faults.status(302, {}, Location="http://evil.example/"), HttpError, "status 302"),
        (faults.too_many(3601), QuotaExhausted, "asks to wait 3601 s"),
        (faults.error_in_200(), ShapeError, "holds an error (InternalError)"),
        (faults.error_in_200({"errors": [{"message": "ana@example.com"}]}), ShapeError, "holds an error"),
        (faults.edit(lambda body: {"other": 1}), ShapeError, "has no `items`"),
        (faults.edit(lambda body: [1]), ShapeError, "is no JSON object"),
    ],
)
def test_what_will_not_get_better_fails_at_once(
    echo: Echo, client: Callable[..., ApiClient], clock: VirtualClock, fault: Any, kind: type, words: str
) -> None:
    echo.fault(fault, times=99)
    with pytest.raises(kind) as raised:
        client().get("x", require=("items",))
    assert words in raised.value.cause
    assert raised.value.next_step
    assert "ana@example.com" not in str(raised.value)
    assert len(echo.log) == 1
    assert isinstance(raised.value, SourceError)


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (faults.status(503), HttpError, "status 503, 8 times"),
        (faults.reset(), HttpError, "the connection failed, 8 times"),
        (faults.cut(), HttpError, "8 times"),
        (faults.html(200), ShapeError, "an HTML page instead of JSON, 8 times"),
        (faults.torn(), ShapeError, "torn or no JSON, 8 times"),
    ],
)
def test_patience_ends(
    echo: Echo, client: Callable[..., ApiClient], clock: VirtualClock, fault: Any, kind: type, words: str
) -> None:
    echo.fault(fault, times=99)
    with pytest.raises(kind, match=words):
        client().get("x")


def test_errors_hold_no_secret(echo: Echo, client: Callable[..., ApiClient], clock: VirtualClock) -> None:
    echo.fault(faults.status(400, {"category": SECRET}), times=99)
    with pytest.raises(HttpError) as raised:
        client().get("x", {"api_key": SECRET, "page": 2})
    assert SECRET not in str(raised.value)
    assert "page=2" in raised.value.cause and "api_key=***" in raised.value.cause


def test_redaction_finds_every_form() -> None:
    encoded = base64.b64encode(SECRET.encode()).decode()
    text = f"a {SECRET} b {encoded} c Authorization: Bearer abc.def-ghi d"
    assert redact(text, (SECRET,)) == "a *** b *** c Authorization: Bearer *** d"
    assert redact_url(f"https://u:{SECRET}@x.example/p?access_token=1&after=5", (SECRET,)) == (
        "https://x.example/p?access_token=***&after=5"
    )


def test_a_link_to_another_origin_is_refused_before_anything_is_sent(
    echo: Echo, client: Callable[..., ApiClient], clock: VirtualClock
) -> None:
    other = Echo(token="", now=clock.time)
    with Server(other) as elsewhere:
        for link in (
            f"{elsewhere.url}/next",
            "https://127.0.0.1/next",
            "http://evil.example/next",
            "//evil.example/x",
        ):
            with pytest.raises(PagingError, match="another host"):
                client().get(link)
        assert not other.log and not echo.log
    assert client().get(f"{echo.url}/next").data["path"] == "/next"


def test_plain_http_is_for_loopback_only() -> None:
    with pytest.raises(SourceError, match="is not https"):
        ApiClient("http://api.example.com")
    ApiClient("https://api.example.com")
    ApiClient("http://127.0.0.1:1")


def test_no_proxy_or_netrc_of_the_machine_is_used(
    echo: Echo, client: Callable[..., ApiClient], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login x password y\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    client().get("x")
    assert echo.log[0].request.headers["Authorization"] == f"Bearer {SECRET}"


def test_the_limiter_holds_any_window_and_slows_retries_too(
    echo: Echo, client: Callable[..., ApiClient], clock: VirtualClock
) -> None:
    echo.limits = (Bucket("b", 4, 10.0),)
    limiter = Limiter(3, 10.0)
    limited = client(limiters_of=lambda request: (limiter,), policy=RetryPolicy(backoff=0.01))
    echo.fault(faults.status(500), nth=4, times=3)
    for _ in range(10):
        limited.get("x")
    times = [entry.request.at for entry in echo.log]
    assert len(times) == 13
    assert all(later - earlier >= 10 for earlier, later in zip(times, times[3:], strict=False))
    assert echo.limits[0].refusals == 0


def test_the_budget_counts_retries(echo: Echo, client: Callable[..., ApiClient], clock: VirtualClock) -> None:
    echo.fault(faults.status(500), nth=2, times=1)
    bounded = client(max_requests=3)
    bounded.get("x")
    bounded.get("x")
    with pytest.raises(QuotaExhausted, match="budget of 3 requests"):
        bounded.get("x")
    assert len(echo.log) == bounded.requests_sent == 3


def test_the_vendors_clock_comes_from_the_date_header(
    echo: Echo, client: Callable[..., ApiClient], clock: VirtualClock
) -> None:
    echo.fault(faults.date_skewed(-300))
    asked = client()
    asked.get("x")
    assert asked.vendor_now() == datetime.fromtimestamp(int(clock.at) - 300, UTC)
    clock.pass_(10)
    assert asked.vendor_now() == datetime.fromtimestamp(int(clock.at) - 300, UTC)


def test_multi_status_answers_pass_where_they_are_expected(
    echo: Echo, client: Callable[..., ApiClient], clock: VirtualClock
) -> None:
    echo.fault(faults.status(207, {"items": [], "errors": [{"category": "X"}]}), times=2)
    answer = client().get("x", accept=(200, 207), errors_allowed=True)
    assert answer.status == 207
    with pytest.raises(ShapeError):
        client().get("x", accept=(200, 207))


def test_the_system_clock_is_the_machines() -> None:
    clock = http.SystemClock()
    assert abs(clock.time() - datetime.now(UTC).timestamp()) < 5
    before = clock.monotonic()
    clock.sleep(0.001)
    assert clock.monotonic() > before
