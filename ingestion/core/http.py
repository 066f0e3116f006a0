"""One HTTP client for all vendor connectors: limits before being told, patient retries, no secret shown.

The limiter sits in the transport adapter, so a retry waits its turn like any other request. Answers are
checked for shape before a connector sees them: an HTML page, a torn body or an error object inside a 200 is
an error, never an empty success.
"""

from __future__ import annotations

import base64
import email.utils
import json
import random
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from ingestion.core.errors import SourceError

_TRANSPORT_ERRORS = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
RETRY_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_SECRET_PARAM = re.compile(r"(token|key|secret|password|signature|auth|code)", re.IGNORECASE)
_CREDENTIAL = re.compile(r"\b(bearer|basic|token)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)


class SystemClock:
    """Time as the client sees it; tests put a virtual clock in its place."""

    def monotonic(self) -> float:
        """Seconds on a clock that never runs backwards."""
        return time.monotonic()

    def time(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


CLOCK = SystemClock()


class HttpError(SourceError):
    """A request failed for good. `status` is None when no answer came."""

    status: int | None = None


class AuthError(HttpError):
    """The credentials were refused (401) or do not reach far enough (403)."""


class QuotaExhausted(HttpError):
    """The vendor's daily quota, or the budget of the connection, is used up."""


class ShapeError(HttpError):
    """An answer with status 200 is not what the vendor documents."""


class PagingError(HttpError):
    """The vendor's next-page reference leads in a circle or to another host."""


@dataclass(frozen=True)
class RetryPolicy:
    """How long to be patient.

    Args:
        attempts: tries per request, the first one included. 8 tries with doubling waits ride out about two
            minutes of failures.
        backoff: first wait in seconds when the vendor names none; doubles each time, with up to 25 % jitter.
        max_backoff: greatest wait of our own choosing, in seconds.
        max_wait: greatest wait the vendor may ask for (Retry-After), in seconds; a longer one ends the run,
            because the next scheduled run comes sooner.
    """

    attempts: int = 8
    backoff: float = 1.0
    max_backoff: float = 60.0
    max_wait: float = 3600.0


QUICK = RetryPolicy(attempts=2, max_wait=30.0)
"""For checks that a person waits for."""


class Limiter:
    """At most `allowed` sends in any `seconds`; shared by threads and by retries.

    Args:
        allowed: sends per window. Keep it below the vendor's number: the network shifts arrivals.
        seconds: length of the window.
    """

    def __init__(self, allowed: int, seconds: float) -> None:
        self.seconds = seconds
        self._sent: deque[float] = deque(maxlen=allowed)
        self._lock = threading.Lock()

    def wait(self) -> float:
        """Block until the next send is due; returns the seconds waited."""
        with self._lock:
            now = CLOCK.monotonic()
            full = len(self._sent) == self._sent.maxlen
            due = max(now, self._sent[0] + self.seconds) if full else now
            self._sent.append(due)
        if due > now:
            CLOCK.sleep(due - now)
        return due - now


class LimitedAdapter(HTTPAdapter):
    """Transport that asks the limiters of a request before each send."""

    def __init__(self, limiters_of: Callable[[requests.PreparedRequest], Iterable[Limiter]]) -> None:
        self._limiters_of = limiters_of
        super().__init__(pool_maxsize=8)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send after every limiter has let the request pass."""
        for limiter in self._limiters_of(request):
            limiter.wait()
        return super().send(request, *args, **kwargs)


@dataclass(frozen=True)
class Answer:
    """A checked answer: parsed body, status, headers, size of the body in bytes, URL without secrets."""

    data: Any
    status: int
    headers: Mapping[str, str]
    size: int
    url: str


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port of a URL, default ports written out."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the given secrets (plain or base64) and without anything like a credential."""
    for secret in sorted((s for s in secrets if s), key=len, reverse=True):
        for form in (secret, base64.b64encode(secret.encode()).decode()):
            text = text.replace(form, "***")
    return _CREDENTIAL.sub(lambda match: f"{match[1]} ***", text)


def redact_url(url: str, secrets: Iterable[str] = ()) -> str:
    """URL for messages: values of secret-looking query parameters and user information are masked."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = urlencode(
        [
            (k, "***" if _SECRET_PARAM.search(k) else v if len(v) <= 60 else f"{v[:57]}...")
            for k, v in parse_qsl(parts.query, keep_blank_values=True)
        ],
        safe="*:,[]",
    )
    return redact(urlunsplit((parts.scheme, host, parts.path, query, "")), secrets)


def parse_http_date(value: str | None) -> datetime | None:
    """RFC 9110 date as UTC instant, None when absent or not a date."""
    if not value:
        return None
    try:
        parsed = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the vendor asks to wait: `Retry-After` as seconds or date (against the vendor's own `Date`)."""
    value = (headers.get("Retry-After") or "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    until = parse_http_date(value)
    if until is None:
        return None
    now = parse_http_date(headers.get("Date")) or datetime.fromtimestamp(CLOCK.time(), UTC)
    return max(0.0, (until - now).total_seconds())


def dig(data: Any, path: str) -> Any:
    """Value at a dotted path; raises KeyError when a part is missing."""
    for part in path.split("."):
        if not isinstance(data, Mapping) or part not in data:
            raise KeyError(path)
        data = data[part]
    return data


class ApiClient:
    """Requests to one vendor account, one origin.

    Args:
        base_url: origin and path prefix; https, or http on loopback (stand-ins and tests).
        headers: sent with every request (authorization goes here).
        auth: user and password for HTTP basic authentication.
        limiters_of: limiters of a prepared request, in the order they are asked.
        secrets: values that must never appear in a message.
        policy: patience with failing requests.
        timeout: seconds to connect, seconds between two bytes of the answer.
        max_requests: budget of this client, retries included; None = no budget.
        describe_refusal: vendor's reading of a refused request: (status, body) -> (cause, next step) or None.
        is_quota: tells a used-up daily quota, which must stop the run, from an ordinary 429.
        on_request: called once per send, retries included.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        limiters_of: Callable[[requests.PreparedRequest], Iterable[Limiter]] = lambda _: (),
        secrets: Iterable[str] = (),
        policy: RetryPolicy | None = None,
        timeout: tuple[float, float] = (10.0, 120.0),
        max_requests: int | None = None,
        describe_refusal: Callable[[int, Any], tuple[str, str] | None] = lambda status, body: None,
        is_quota: Callable[[int, Any], bool] = lambda status, body: False,
        on_request: Callable[[], None] = lambda: None,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise SourceError(
                f"base_url {redact_url(base_url)} is not https.",
                "Use https; http is allowed on the loopback address only.",
            )
        self.base_url = base_url.rstrip("/") + "/"
        self.secrets = tuple(secrets)
        self.policy = policy or RetryPolicy()
        self.timeout = timeout
        self.requests_sent = 0
        self.bytes_read = 0
        self._max_requests = max_requests
        self._describe, self._is_quota, self._on_request = describe_refusal, is_quota, on_request
        self._vendor_skew: float | None = None
        self._session = requests.Session()
        # stand-ins on loopback are never reached through the machine's proxy
        self._session.trust_env = parts.scheme == "https"
        self._session.headers.update({"Accept": "application/json", "User-Agent": "cx-warehouse"})
        self._session.headers.update(headers or {})
        # an auth object, even an idle one, keeps requests from replacing our header by one of ~/.netrc
        self._session.auth = auth or (lambda request: request)
        for prefix in ("https://", "http://"):
            self._session.mount(prefix, LimitedAdapter(limiters_of))

    def __enter__(self) -> ApiClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self._session.close()

    def vendor_now(self) -> datetime:
        """Now on the vendor's clock, from the last answer's `Date` header, in whole seconds, rounded down."""
        return datetime.fromtimestamp(int(CLOCK.time() + (self._vendor_skew or 0.0)), UTC)

    def get(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> Answer:
        """GET; see `request`."""
        return self.request("GET", path, params=params, **options)

    def post(self, path: str, body: Mapping[str, Any], **options: Any) -> Answer:
        """POST of a JSON body, for read-only searches; see `request`."""
        return self.request("POST", path, body=body, **options)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        require: Iterable[str] = (),
        accept: Iterable[int] = (200,),
        errors_allowed: bool = False,
    ) -> Answer:
        """Send until answered well, within the retry policy.

        Args:
            method: HTTP method.
            path: path below `base_url`, or an absolute URL of the same origin (a next link).
            params: query parameters; None values are left out.
            body: JSON body.
            require: dotted paths that the answer must hold.
            accept: good statuses, for example 207 or 404 where the caller knows what to do with it.
            errors_allowed: an `errors` member does not make a good status bad (multi-status answers).

        Raises:
            AuthError: 401 or 403.
            QuotaExhausted: quota or budget used up, or a longer wait asked for than `max_wait`.
            ShapeError: a good status, but the body is no JSON object, holds errors, or lacks a required key.
            PagingError: `path` leads to another origin.
            HttpError: anything else that did not work out.
        """
        url = urljoin(self.base_url, path)
        if origin(url) != origin(self.base_url):
            raise PagingError(
                f"the vendor's next-page link leads to another host ({urlsplit(url).hostname}).",
                "Nothing was sent there. Report it to the vendor; run again later.",
            )
        query = {k: v for k, v in (params or {}).items() if v is not None}
        shown = f"{method} {redact_url(_with_query(url, query), self.secrets)}"
        wait: float | None
        for attempt in range(1, self.policy.attempts + 1):
            try:
                response = self._send(method, url, query, body)
                payload = response.content
            except _TRANSPORT_ERRORS as error:
                failure, status, wait = self._transport_words(error), None, None
            else:
                status = response.status_code
                self._read_clock(response)
                self.bytes_read += len(payload)
                parsed, torn = _parse(payload)
                if status in set(accept):
                    if torn is None:
                        self._check_shape(parsed, status, require, shown, errors_allowed)
                        return Answer(parsed, status, response.headers, len(payload), shown)
                    failure, wait = torn, None
                elif status in (401, 403):
                    raise self._refused(status, parsed, shown)
                elif status in RETRY_STATUS:
                    if self._is_quota(status, parsed):
                        cause = f"{shown}: the vendor's daily quota is used up."
                        raise self._error(QuotaExhausted, status, cause, "Run again after it is reset.")
                    failure, wait = f"status {status}", retry_after(response.headers)
                else:
                    raise self._plain_refusal(status, parsed, shown)
            if attempt == self.policy.attempts:
                break
            self._pause(attempt, wait, shown)
        kind: type[HttpError] = ShapeError if status is not None and status in set(accept) else HttpError
        step = (
            "Check the address in the settings and the network; if both are right, run again later."
            if status is None
            else "The vendor is in trouble; run again later. What was loaded so far is kept."
        )
        raise self._error(kind, status, f"{shown}: {failure}, {self.policy.attempts} times.", step)

    def _send(self, method: str, url: str, query: Mapping[str, Any], body: Any) -> requests.Response:
        if self._max_requests is not None and self.requests_sent >= self._max_requests:
            raise QuotaExhausted(
                f"the budget of {self._max_requests} requests of this connection is used up.",
                "Raise `max_requests`, or run again to go on from here.",
            )
        self.requests_sent += 1
        self._on_request()
        # a redirect would carry the Authorization header along; list endpoints have none
        return self._session.request(
            method, url, params=query or None, json=body, timeout=self.timeout, allow_redirects=False
        )

    def _pause(self, attempt: int, asked: float | None, shown: str) -> None:
        if asked is not None and asked > self.policy.max_wait:
            raise QuotaExhausted(
                f"{shown}: the vendor asks to wait {asked:.0f} s.",
                f"That is more than {self.policy.max_wait:.0f} s; run again later.",
            )
        own = min(self.policy.max_backoff, self.policy.backoff * 2 ** (attempt - 1))
        # Retry-After 0 in a loop would hammer the vendor: never wait less than the first back-off
        seconds = own * random.uniform(1, 1.25) if asked is None else max(asked, self.policy.backoff)
        CLOCK.sleep(seconds)

    def _read_clock(self, response: requests.Response) -> None:
        date = parse_http_date(response.headers.get("Date"))
        if date is not None:
            self._vendor_skew = date.timestamp() - CLOCK.time()

    def _check_shape(
        self, parsed: Any, status: int, require: Iterable[str], shown: str, errors_allowed: bool
    ) -> None:
        if not isinstance(parsed, Mapping):
            raise self._shape(status, shown, "is no JSON object")
        if not errors_allowed and (parsed.get("errors") or parsed.get("error")):
            code = _short_code(parsed)
            raise self._shape(status, shown, f"holds an error{f' ({code})' if code else ''}")
        for path in require:
            try:
                dig(parsed, path)
            except KeyError:
                raise self._shape(status, shown, f"has no `{path}`") from None

    def _shape(self, status: int, shown: str, what: str) -> ShapeError:
        return self._error(
            ShapeError, status, f"{shown}: the answer (status {status}) {what}.",
            "Nothing of it was loaded. Check base_url and API version; run again later.",
        )  # fmt: skip

    def _refused(self, status: int, parsed: Any, shown: str) -> AuthError:
        told = self._describe(status, parsed)
        cause, step = told or (
            ("the credentials were refused (401).", "Check the token, or issue a new one.")
            if status == 401
            else ("the credentials lack a permission (403).", "Grant the connector's read scopes.")
        )
        return self._error(AuthError, status, f"{shown}: {cause}", step)

    def _plain_refusal(self, status: int, parsed: Any, shown: str) -> HttpError:
        told = self._describe(status, parsed)
        code = _short_code(parsed)
        cause, step = told or (
            f"status {status}{f' ({code})' if code else ''}.",
            "Check base_url and the settings of the connection.",
        )
        return self._error(HttpError, status, f"{shown}: {cause}", step)

    def _error(self, kind: type[HttpError], status: int | None, cause: str, step: str) -> Any:
        error = kind(redact(cause, self.secrets), redact(step, self.secrets))
        error.status = status
        return error

    def _transport_words(self, error: Exception) -> str:
        """Kind of transport failure; the text of the exception is not shown, it may hold the URL."""
        return {
            "ConnectTimeout": "no connection in time",
            "ReadTimeout": "no answer in time",
            "ChunkedEncodingError": "the answer broke off",
            "ContentDecodingError": "the compressed answer is damaged",
        }.get(type(error).__name__, "the connection failed")


def _with_query(url: str, query: Mapping[str, Any]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}" if query else url


def _parse(payload: bytes) -> tuple[Any, str | None]:
    """Parsed JSON and None, or None and what is wrong with the body."""
    try:
        return json.loads(payload), None
    except ValueError:
        head = payload[:64].lstrip().lower()
        if head.startswith((b"<!doctype", b"<html")):
            return None, "the answer is an HTML page instead of JSON"
        return None, "the answer is torn or no JSON"


def _short_code(parsed: Any) -> str:
    """Error code of a body when it is a plain code; free text is left out, it may quote personal data."""
    if not isinstance(parsed, Mapping):
        return ""
    for key in ("category", "errorType", "code", "error"):
        value = parsed.get(key)
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", value):
            return value
    return ""
