"""Kit for local stand-ins of vendor HTTP APIs: server thread, request log, rate buckets, faults, hooks.

A stand-in keeps records in memory and answers as the vendor documents: its paging, limits, authentication
and error bodies. It serves the demo company and is what the connector tests run against.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl, urlsplit

Now = Callable[[], float]
"""A clock: seconds since 1970."""


@dataclass(frozen=True)
class Request:
    """A request as a stand-in sees it; `number` counts from 1, refused ones included."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    number: int
    at: float

    @property
    def line(self) -> str:
        """`METHOD /path?query`, what fault patterns match."""
        query = "&".join(f"{k}={v}" for k, v in self.query.items())
        return f"{self.method} {self.path}{'?' + query if query else ''}"


@dataclass
class Reply:
    """An answer; `transport` says how it reaches the client."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    transport: Literal["whole", "reset", "cut"] = "whole"
    delay: float = 0.0

    def payload(self) -> bytes:
        """Body as bytes: bytes as they are, anything else as JSON."""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body, ensure_ascii=False).encode()


@dataclass(frozen=True)
class Logged:
    """One line of the request log."""

    request: Request
    status: int

    @property
    def refused(self) -> bool:
        """The request ran into a limit."""
        return self.status == 429


class Bucket:
    """At most `limit` requests in any `seconds`; matching requests only.

    A refused request does not count, as with the vendors' rolling windows.
    """

    def __init__(self, name: str, limit: int, seconds: float, match: str = "") -> None:
        self.name, self.limit, self.seconds = name, limit, seconds
        self._match = re.compile(match)
        self._taken: deque[float] = deque()
        self.refusals = 0

    def take(self, line: str, now: float) -> float | None:
        """None when the request may pass, else the seconds until the window frees."""
        if not self._match.search(line):
            return None
        while self._taken and self._taken[0] <= now - self.seconds:
            self._taken.popleft()
        if len(self._taken) >= self.limit:
            self.refusals += 1
            return self._taken[0] + self.seconds - now
        self._taken.append(now)
        return None


Action = Callable[[Request, Reply], Reply]


@dataclass
class Fault:
    """Bends the answers number `nth` … `nth + times - 1` of the requests whose line matches `match`."""

    action: Action
    match: str = ""
    nth: int = 1
    times: int = 1
    seen: int = 0
    fired: int = 0

    def apply(self, request: Request, reply: Reply) -> Reply:
        """The answer, bent when it is this fault's turn."""
        if not re.search(self.match, request.line):
            return reply
        self.seen += 1
        if self.nth <= self.seen < self.nth + self.times:
            self.fired += 1
            return self.action(request, reply)
        return reply


class Standin:
    """Base of the vendors' stand-ins.

    Args:
        token: the credential that is accepted.
        now: the vendor's clock, used for `Date`, change times and index lag.
        limits: rate buckets; none = no limit.
    """

    name: ClassVar[str] = ""

    def __init__(self, *, token: str, now: Now = time.time, limits: tuple[Bucket, ...] = ()) -> None:
        self.token, self.now, self.limits = token, now, limits
        self.faults: list[Fault] = []
        self.log: list[Logged] = []
        self.before: list[Callable[[Request], None]] = []
        self.url = ""
        self.lock = threading.RLock()

    # what a vendor fills in

    def route(self, request: Request) -> Reply:
        """Answer of a request that passed authentication and limits."""
        raise NotImplementedError

    def refusal(self, request: Request) -> Reply | None:
        """Vendor's 401 or 403, None when the credentials are good."""
        raise NotImplementedError

    def too_many(self, bucket: Bucket, wait: float) -> Reply:
        """Vendor's answer when a limit is hit."""
        raise NotImplementedError

    # what tests use

    def fault(self, action: Action, match: str = "", *, nth: int = 1, times: int = 1) -> Fault:
        """Plan a fault; returns it, so that a test can assert it fired."""
        planned = Fault(action, match, nth, times)
        self.faults.append(planned)
        return planned

    def on_request(self, number_or_match: int | str, change: Callable[[], Any], *, nth: int = 1) -> None:
        """Run `change` just before the request with this number, or the nth that matches, is answered."""
        seen = 0

        def hook(request: Request) -> None:
            nonlocal seen
            if isinstance(number_or_match, int):
                due = request.number == number_or_match
            else:
                seen += bool(re.search(number_or_match, request.line))
                due = seen == nth and bool(re.search(number_or_match, request.line))
            if due:
                change()

        self.before.append(hook)

    def calls(self, match: str = "") -> int:
        """Requests received whose line matches."""
        return sum(bool(re.search(match, entry.request.line)) for entry in self.log)

    def forget(self) -> None:
        """Empty the log and drop planned faults and hooks; records stay."""
        self.log.clear()
        self.faults.clear()
        self.before.clear()

    # the machine

    def answer(self, method: str, target: str, headers: Mapping[str, str], raw: bytes) -> Reply:
        """Answer to one request; also the way to use a stand-in without a server."""
        parts = urlsplit(target)
        with self.lock:
            now = self.now()
            request = Request(
                method,
                parts.path,
                dict(parse_qsl(parts.query, keep_blank_values=True)),
                headers,
                json.loads(raw) if raw else None,
                len(self.log) + 1,
                now,
            )
            for hook in list(self.before):
                hook(request)
            reply = self._limited(request, now) or self.refusal(request) or self.route(request)
            reply.headers.setdefault("Date", formatdate(self.now(), usegmt=True))
            for planned in list(self.faults):
                reply = planned.apply(request, reply)
            self.log.append(Logged(request, reply.status))
            return reply

    def _limited(self, request: Request, now: float) -> Reply | None:
        for bucket in self.limits:
            wait = bucket.take(request.line, now)
            if wait is not None:
                return self.too_many(bucket, wait)
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # headers and body leave in two writes; with Nagle's algorithm each answer would wait 40 ms
    disable_nagle_algorithm = True
    server: _Server  # type: ignore[assignment]

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        headers = {name.title(): value for name, value in self.headers.items()}
        reply = self.server.standin.answer(self.command, self.path, headers, raw)
        if reply.delay:
            time.sleep(reply.delay)
        if reply.transport == "reset":
            self._reset()
            return
        payload = reply.payload()
        lines = [f"HTTP/1.1 {reply.status} {self.responses.get(reply.status, ('?',))[0]}"]
        sent = {"Content-Type": "application/json;charset=utf-8", "Content-Length": str(len(payload))}
        lines += [f"{name}: {value}" for name, value in {**sent, **reply.headers}.items()]
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        if reply.transport == "cut":
            self.wfile.write(head + payload[: len(payload) // 2])
            self.wfile.flush()
            self._reset()
            return
        self.wfile.write(head + payload)

    do_GET = do_POST = _handle

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def finish(self) -> None:
        """Close quietly, also when the connection was reset on purpose."""
        try:
            super().finish()
        except (OSError, ValueError):
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the stand-in keeps its own log."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, standin: Standin, port: int) -> None:
        self.standin = standin
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is its own affair."""


class Server:
    """Serves a stand-in on the loopback address; a context manager.

    Args:
        standin: what to serve.
        port: 0 = any free port.
    """

    def __init__(self, standin: Standin, port: int = 0) -> None:
        self._server = _Server(standin, port)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        standin.url = self.url
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def read_records(file: Path) -> Iterator[dict[str, Any]]:
    """Records of a JSONL file; none when the file is absent."""
    if not file.is_file():
        return
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def iso_millis(epoch: float) -> str:
    """Epoch seconds as ISO 8601 UTC with milliseconds, as HubSpot writes it."""
    whole = int(epoch * 1000 + 0.5)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole // 1000))}.{whole % 1000:03d}Z"


def iso_seconds(epoch: float) -> str:
    """Epoch seconds as ISO 8601 UTC in whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


def epoch(value: Any) -> float | None:
    """Epoch seconds of an ISO 8601 text, None when it is none."""
    from datetime import UTC, datetime

    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
