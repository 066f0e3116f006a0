"""Fixtures of the connector tests: virtual time, no network beyond loopback, a token."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingestion.core import http
from tests.connectors.world import TOKEN_NAME, VirtualClock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    """Virtual time for client and vendor."""
    virtual = VirtualClock()
    monkeypatch.setattr(http, "CLOCK", virtual)
    return virtual


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test of a connector may reach anything but the stand-ins."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> Any:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a connection to {address[0]} was tried")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    yield


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    """The secret of the connection, in the environment; its text appears nowhere else."""
    value = "canary-5ecret-t0ken"
    monkeypatch.setenv(TOKEN_NAME, value)
    return value


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Data home of the scenario."""
    return tmp_path / "home"
