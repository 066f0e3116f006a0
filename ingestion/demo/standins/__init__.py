"""Local stand-ins of the vendors' HTTP APIs, filled from a folder of JSONL files."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ingestion.demo.standins import hubspot, typeform, zendesk
from ingestion.demo.standins.hubspot import HubSpot
from ingestion.demo.standins.kit import Now, Server
from ingestion.demo.standins.typeform import Typeform
from ingestion.demo.standins.zendesk import Zendesk

DEFAULT_TOKENS: Mapping[str, str] = {
    "hubspot": "demo-hubspot-token",
    "zendesk": "demo-zendesk-token",
    "typeform": "demo-typeform-token",
}
"""Credentials the stand-ins accept; they open nothing but the simulated company."""

DEFAULT_PORTS: Mapping[str, int] = {"hubspot": 8801, "zendesk": 8802, "typeform": 8803}
"""Ports of `python -m ingestion.demo serve`."""

ZENDESK_USER = "integration@demo.example"


@dataclass(frozen=True)
class Standins:
    """Running stand-ins: base URLs, and the accounts behind them."""

    hubspot: str
    zendesk: str
    typeform: str
    accounts: tuple[HubSpot, Zendesk, Typeform]

    @property
    def env(self) -> dict[str, str]:
        """Addresses and tokens as environment variables of the example connections file."""
        crm, support, survey = self.accounts
        return {
            "CX_HUBSPOT_URL": self.hubspot,
            "CX_ZENDESK_URL": self.zendesk,
            "CX_TYPEFORM_URL": self.typeform,
            "CX_HUBSPOT_TOKEN": crm.token,
            "CX_ZENDESK_TOKEN": support.token,
            "CX_TYPEFORM_TOKEN": survey.token,
        }


@contextmanager
def standins(
    folder: Path | str,
    *,
    ports: Mapping[str, int] | None = None,
    tokens: Mapping[str, str] | None = None,
    limits: Literal["off", "vendor"] = "off",
    now: Now | None = None,
) -> Iterator[Standins]:
    """Serve the stand-ins of a folder on the loopback address.

    Args:
        folder: holds `hubspot/`, `zendesk/`, `typeform/` with JSONL files; what is absent is empty.
        ports: port by vendor; default any free port.
        tokens: accepted token by vendor; default `DEFAULT_TOKENS`.
        limits: `vendor` = the published rate limits, `off` = none.
        now: the vendors' clock. Default: the machine's, but never before the newest record plus five
            minutes, so that data dated ahead of the machine can be read.
    """
    folder = Path(folder)
    accepted = {**DEFAULT_TOKENS, **(tokens or {})}
    on = limits == "vendor"
    crm = HubSpot(token=accepted["hubspot"], limits=hubspot.vendor_limits() if on else ()).load(
        folder / "hubspot"
    )
    support = Zendesk(
        token=accepted["zendesk"], user=ZENDESK_USER, limits=zendesk.vendor_limits() if on else ()
    ).load(folder / "zendesk")
    survey = Typeform(token=accepted["typeform"], limits=typeform.vendor_limits() if on else ()).load(
        folder / "typeform"
    )
    accounts = (crm, support, survey)
    if now is None:
        ahead = max(0.0, max(account.newest() for account in accounts) + 300 - time.time())
        now = (lambda: time.time() + ahead) if ahead else time.time
    with ExitStack() as running:
        urls = []
        for account in accounts:
            account.now = now
            urls.append(running.enter_context(Server(account, (ports or {}).get(account.name, 0))).url)
        yield Standins(urls[0], urls[1], urls[2], accounts)


def serve(
    folder: Path | str,
    *,
    ports: Mapping[str, int] | None = None,
    tokens: Mapping[str, str] | None = None,
    limits: Literal["off", "vendor"] = "off",
) -> None:
    """Serve until interrupted; prints the addresses. Default ports: `DEFAULT_PORTS`."""
    with standins(folder, ports={**DEFAULT_PORTS, **(ports or {})}, tokens=tokens, limits=limits) as running:
        for name in ("hubspot", "zendesk", "typeform"):
            print(f"{name:<9} {getattr(running, name)}", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            print("stopped", flush=True)
