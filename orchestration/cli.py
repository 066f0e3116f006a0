"""`cx`: load, build, check and publish; look at sources, versions and published numbers."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from ingestion.connections import load_connections
from ingestion.core.errors import ConfigError, LoadError
from ingestion.settings import load_settings
from orchestration.errors import CxError, as_cx_error

app = typer.Typer(
    help="Customer-experience warehouse: every touchpoint on one timeline, measured.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
sources_app = typer.Typer(help="Connections: what is switched on, and whether it can be reached.")
app.add_typer(sources_app, name="sources")
explain_app = typer.Typer(help="Why a figure or a customer is as it is.", no_args_is_help=True)
app.add_typer(explain_app, name="explain")

out = Console(highlight=False, soft_wrap=True)
TRACE_VARIABLE = "CX_TRACE"


@app.callback()
def options(
    home: Annotated[Path | None, typer.Option(help="Data home [default: $CX_HOME or ./data].")] = None,
    connections: Annotated[
        Path | None,
        typer.Option(help="Connections file [default: $CX_CONNECTIONS or ./connections.yml]."),
    ] = None,
    trace: Annotated[bool, typer.Option(help="Show the stack trace of an error.")] = False,
) -> None:
    """Options of every command."""
    if home is not None:
        os.environ["CX_HOME"] = str(home.resolve())
    if connections is not None:
        os.environ["CX_CONNECTIONS"] = str(connections.resolve())
    if trace:
        os.environ[TRACE_VARIABLE] = "1"


@app.command()
def run() -> None:
    """Load, check, build, audit, report and publish: the same job as the daily schedule."""
    from orchestration.progress import reporter_for_terminal
    from orchestration.run import run_job

    # A run makes millions of objects that live as long as it does; looking for garbage at Python's usual pace is a
    # twelfth of its CPU.
    gc.set_threshold(100_000, 20, 100)
    with reporter_for_terminal() as reporter:
        success, summary = run_job(load_settings(), reporter)
    for warning in summary.warnings:
        out.print(f"warning: {warning}", markup=False)
    for error in summary.errors:
        out.print(f"error: {error}", markup=False)
    out.print(("done: " if success else "failed: ") + summary.sentence(), markup=False)
    if not success:
        raise typer.Exit(1)


@app.command()
def ui(port: Annotated[int, typer.Option(help="Port on loopback.")] = 3000) -> None:
    """Dagster's web UI and scheduler on loopback, until interrupted."""
    from orchestration.instance import environment, open_instance

    settings = load_settings()
    open_instance(settings).dispose()
    os.environ.update(environment(settings))
    dagster = Path(sys.executable).parent / "dagster"
    workspace = settings.project_root / "workspace.yaml"
    os.chdir(settings.dagster_home)  # dagster warns about a dagster.yaml in the current folder
    out.print(f"http://127.0.0.1:{port}", markup=False)
    sys.stdout.flush()
    os.execv(dagster, [str(dagster), "dev", "-w", str(workspace), "-h", "127.0.0.1", "-p", str(port)])


@sources_app.callback(invoke_without_command=True)
def sources(context: typer.Context) -> None:
    """List the connections that are switched on, with their tables."""
    if context.invoked_subcommand is not None:
        return
    from ingestion.registry import table_specs

    settings = load_settings()
    table = Table("connection", "connector", "required", "tables", box=None, header_style="bold")
    for connection in load_connections(settings).connections:
        names = [
            name for name, spec in table_specs(connection).items() if spec.description or "__" not in name
        ]
        table.add_row(
            connection.name, connection.connector, "yes" if connection.required else "no", ", ".join(names)
        )
    if table.row_count:
        out.print(table)
    else:
        out.print(
            f"no connections in {settings.connections_file}; see examples/ and docs/howto/add-a-source.md"
        )


@sources_app.command("check")
def check_sources(
    name: Annotated[str | None, typer.Argument(help="One connection; default: all.")] = None,
) -> None:
    """Prove credentials and reachability without loading anything."""
    from ingestion.pipeline import check_connection

    settings = load_settings().prepare()
    chosen = [c for c in load_connections(settings).connections if name in (None, c.name)]
    if not chosen:
        raise CxError(
            name or str(settings.connections_file), "no such connection", "list them with: cx sources"
        )
    failed = False
    for connection in chosen:
        report = check_connection(settings, connection)
        failed |= not report.ok
        out.print(
            f"{'ok    ' if report.ok else 'FAILED'} {connection.name} ({connection.connector})", markup=False
        )
        for line in report.proven:
            out.print(f"       {line}", markup=False)
        if not report.ok:
            out.print(f"       {report.problem}\n       next: {report.next_step}", markup=False)
    if failed:
        raise typer.Exit(1)


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="A SELECT on the published marts (schema marts).")],
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values with a header.")] = False,
) -> None:
    """Run SQL on the published version, read-only."""
    from orchestration.query import published_rows, write_csv

    names, rows = published_rows(load_settings(), sql)
    if csv:
        write_csv(names, rows, sys.stdout)
        return
    table = Table(*names, box=None, header_style="bold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    out.print(table)
    out.print(f"{len(rows)} rows", style="dim")


@explain_app.command("customer")
def explain_customer(
    subject: Annotated[
        str, typer.Argument(help="Customer id, alias, or record as system:account:object:id.")
    ],
    other: Annotated[str | None, typer.Argument(help="A second one: why are the two one, or not?")] = None,
) -> None:
    """Show the records of a customer and the evidence that joins them; contact values are masked."""
    from orchestration import explain

    for line in explain.explain_customer(load_settings(), subject, other):
        typer.echo(line)


@app.command()
def docs(
    check: Annotated[bool, typer.Option("--check", help="Only say which pages are out of date.")] = False,
) -> None:
    """Write the page of each touchpoint (docs/touchpoints) from the registry and the connections."""
    from orchestration import briefs

    settings = load_settings()
    registry = briefs.Registry.read(settings.project_root / "dbt_project" / "seeds" / "business")
    wanted = briefs.pages(registry, briefs.providers(settings, load_connections(settings)))
    folder = settings.project_root / "docs" / "touchpoints"
    changed = briefs.stale(folder, wanted) if check else briefs.write(folder, wanted)
    for name in changed:
        out.print(f"{'out of date' if check else 'written'}: docs/touchpoints/{name}", markup=False)
    out.print(
        f"{len(wanted)} pages, {len(changed)} {'out of date; write them with: cx docs' if check else 'changed'}"
    )
    if check and changed:
        raise typer.Exit(1)


@app.command()
def versions() -> None:
    """List the published versions, newest first."""
    from orchestration.publish import list_versions

    found = list_versions(load_settings().published)
    if not found:
        out.print("nothing published yet; run: cx run")
        return
    table = Table("", "version", "created", "tables", "rows", box=None, header_style="bold")
    for version in found:
        tables = version.manifest["tables"]
        table.add_row(
            "current" if version.is_current else "",
            version.name,
            version.manifest["created_at"],
            str(len(tables)),
            f"{sum(t['rows'] for t in tables.values()):,}",
        )
    out.print(table)


@app.command()
def rollback(
    version: Annotated[str | None, typer.Argument(help="For example v3; default: the one before.")] = None,
) -> None:
    """Put an earlier published version back."""
    from orchestration import publish

    number = None
    if version is not None:
        digits = version.removeprefix("v")
        if not digits.isdigit():
            raise CxError(version, "a version is written v<number>", "list them with: cx versions")
        number = int(digits)
    chosen = publish.rollback(load_settings().published, number)
    out.print(f"current is {chosen.name} again ({chosen.manifest['created_at']})")


@app.command()
def doctor() -> None:
    """Check the installation, the connections file and the data home; says what to do about each finding."""
    from orchestration.doctor import examine

    findings = examine(load_settings())
    for finding in findings:
        out.print(
            f"{'ok    ' if finding.ok else 'PROBLEM'} {finding.subject}: {finding.detail}", markup=False
        )
        if not finding.ok:
            out.print(f"        next: {finding.next_step}", markup=False)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _fail(error: Exception) -> NoReturn:
    if os.environ.get(TRACE_VARIABLE):
        raise error
    print(f"error: {error}", file=sys.stderr)
    sys.exit(1)


def main() -> None:
    """Entry point: known failures end with one message and status 1; `--trace` shows where they came from."""
    try:
        app()
    except (ConfigError, LoadError, CxError) as error:
        _fail(as_cx_error(error))
