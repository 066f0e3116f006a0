"""Command line of the demo company: ``python -m ingestion.demo generate`` and ``serve``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from ingestion.settings import load_settings

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The simulated retailer Lipa & Len.")
Home = Annotated[Path | None, typer.Option(help="Data home; default CX_HOME, else ./data.")]
_DAY = ["%Y-%m-%d"]


@app.command()
def generate(
    home: Home = None,
    customers: Annotated[int, typer.Option(help="Known persons; about 40 web events each.")] = 5_000,
    days: Annotated[int, typer.Option(help="Simulated days.")] = 180,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 7,
    end: Annotated[datetime | None, typer.Option(formats=_DAY, help="Last simulated day.")] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="State at the end of this day.")
    ] = None,
    late: Annotated[
        bool, typer.Option("--late", help="With the late versions of the GA4 files in place.")
    ] = False,
) -> None:
    """Write the company's sources and its truth file under <home>/demo."""
    from ingestion.demo.company.company import write_company
    from ingestion.demo.company.plan import DEFAULT_END, Plan

    try:
        plan = Plan(customers, days, seed, end.date() if end else DEFAULT_END)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    folder = load_settings(home).home / "demo"
    try:
        truth = write_company(plan, folder, until.date() if until else None, late)
    except ValueError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(
        f"{folder}: {truth['web']['rows']} web events, {truth['orders']['all']['orders']} orders, "
        f"{truth['support']['tickets']} tickets, {truth['surveys']['by_metric']['nps']['answers']['n']} NPS answers, "
        f"{truth['broken']['total']} broken records, until {truth['company']['until']}"
    )


@app.command()
def late(home: Home = None) -> None:
    """Put the late versions of the GA4 day files in place, as the export does some days later."""
    from ingestion.demo.company.company import drop_late

    names = drop_late(load_settings(home).home / "demo")
    typer.echo(json.dumps(names))


@app.command()
def serve(
    command: Annotated[
        list[str] | None, typer.Argument(help="After `--`: a command to run meanwhile; serving ends with it.")
    ] = None,
    home: Home = None,
    limits: Annotated[Literal["off", "vendor"], typer.Option(help="Rate limits of the stand-ins.")] = "off",
) -> None:
    """Serve HubSpot, Zendesk and Typeform on the loopback address.

    With a command: on free ports while it runs, which is told the addresses and tokens by environment variables
    (CX_HUBSPOT_URL, CX_HUBSPOT_TOKEN and so on); its exit status is passed on. Without: until interrupted.
    """
    from ingestion.demo import standins

    folder = load_settings(home).home / "demo"
    if not (folder / "truth.json").is_file():
        typer.echo(f"error: there is no demo company in {folder}; run `generate` first", err=True)
        raise typer.Exit(2)
    if not command:
        standins.serve(folder, limits=limits)
        return
    with standins.standins(folder, limits=limits) as running:
        raise typer.Exit(_run(command, {**os.environ, **running.env}))


def _run(command: list[str], environment: dict[str, str]) -> int:
    """Run a command to its end and return its exit status; it hears of Ctrl-C and of our termination itself."""
    try:
        child = subprocess.Popen(command, env=environment)
    except OSError as error:
        typer.echo(f"error: {command[0]} cannot be run: {error.strerror}", err=True)
        return 127
    # Ctrl-C reaches the whole foreground group: the child ends as it sees fit, and only then do the stand-ins.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    status = child.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    app()
