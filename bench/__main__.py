"""`python -m bench`: what loading and building a company of a million web events costs.

Generates the demo company, loads it through the real connectors, builds it with dbt, and runs a hand-written
script over the same Parquet that gives the same session, touchpoint and funnel tables. Build and script are run
in turn, and medians are compared, so that other load on the machine falls on both. Fails when a table that both
give differs, or when a build takes more than 4 GiB.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import equality, measure
from ingestion.connections import Connections, load_connections
from ingestion.settings import PROJECT_ROOT, Settings, load_settings
from orchestration import dbt_build
from orchestration.publish import prepare_work

EVENTS_PER_CUSTOMER = 40.7
"""Measured: 24,390 customers of 180 days have 993,448 web events."""
PEAK_LIMIT_BYTES = 4 * 2**30
MEBIBYTE = 2**20


@dataclass(frozen=True)
class Bench:
    """Where the bench works."""

    settings: Settings
    connections: Connections

    def dbt(self, command: str, *arguments: str) -> measure.Measured:
        """One dbt command over the lake, into a fresh work file."""
        prepare_work(self.settings.published)
        return measure.run(
            [
                dbt_build.executable(),
                "--no-use-colors",
                *("--quiet", command, *arguments),
                *("--vars", dbt_build.variables(self.settings, self.connections)),
            ],
            env=dbt_build.environment(self.settings),
            cwd=dbt_build.project_dir(self.settings),
        )

    def floor(self) -> measure.Measured:
        """The hand-written script over the same lake."""
        return measure.run(
            [sys.executable, "-m", "bench.floor", str(self.settings.lake), str(self.floor_file)],
            cwd=PROJECT_ROOT,
        )

    @property
    def floor_file(self) -> Path:
        """Output of the hand-written script."""
        return self.settings.home / "floor.duckdb"


def main() -> None:
    """Run the bench and print its figures as Markdown."""
    arguments = _arguments()
    home = Path(arguments.home or tempfile.mkdtemp(prefix="cx-bench-")).resolve()
    # The connections file of the demo company finds its files by this variable.
    os.environ["CX_HOME"] = str(home)
    try:
        _run(home, arguments.events, arguments.rounds)
    finally:
        if not arguments.home:
            shutil.rmtree(home, ignore_errors=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="web events, about (default 1,000,000)")
    parser.add_argument("--rounds", type=int, default=3, help="builds and scripts in turn (default 3)")
    parser.add_argument("--home", help="data home to work in and keep; default a temporary one")
    return parser.parse_args()


def _run(home: Path, events: int, rounds: int) -> None:
    customers = max(1, round(events / EVENTS_PER_CUSTOMER))
    demo = [sys.executable, "-m", "ingestion.demo"]
    generated = measure.run([*demo, "generate", "--home", str(home), "--customers", str(customers)])
    print(f"Company of {customers:,} customers: {generated.output.strip().partition(': ')[2]}", flush=True)

    ingest = [*demo, "serve", "--home", str(home), "--", sys.executable, "-m", "bench.ingest", str(home)]
    loads = [
        json.loads(line)
        for line in measure.run(ingest).output.splitlines()
        if line.startswith('{"connection"')
    ]
    _print_loads(loads)

    settings = load_settings(home, PROJECT_ROOT / "examples" / "demo.yml").prepare()
    bench = Bench(settings, load_connections(settings))
    whole = bench.dbt("build")
    # Models only, as the script has no tests; the seeds stand since the whole build.
    models, paths, scripts = [], [], []
    for _ in range(rounds):
        paths.append(bench.dbt("run", "--select", *(f"+{table}" for table in equality.TABLES)))
        models.append(bench.dbt("run"))
        slowest = _slowest_models(settings)
        scripts.append(bench.floor())
    _print_builds(whole, {"all models": models, "models of these tables": paths}, scripts)
    print("\nSlowest models: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in slowest))

    same = equality.compare(bench.floor_file, settings.warehouse, settings.work)
    for name, (equal, only_script, only_built) in same.items():
        print(
            f"{name}: {equal:,} rows equal, {only_script} only in the script, {only_built} only in the build"
        )
    if any(only_script or only_built for _, only_script, only_built in same.values()):
        sys.exit("the hand-written tables differ from the built ones")
    if whole.peak_bytes > PEAK_LIMIT_BYTES:
        sys.exit(f"the build took {whole.peak_bytes / MEBIBYTE:,.0f} MiB, more than 4 GiB")


def _print_loads(loads: list[dict]) -> None:
    print("\n| connection | connector | rows | requests | CPU s | wall s | rows per CPU s |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for load in loads:
        print(
            f"| {load['connection']} | {load['connector']} | {load['rows']:,} | {load['requests']:,}"
            f" | {load['cpu_seconds']:.1f} | {load['wall_seconds']:.1f}"
            f" | {load['rows'] / load['cpu_seconds']:,.0f} |",
            flush=True,
        )


def _print_builds(
    whole: measure.Measured, builds: dict[str, list[measure.Measured]], scripts: list[measure.Measured]
) -> None:
    print("\n| | wall s | CPU s | peak MiB |")
    print("| --- | ---: | ---: | ---: |")
    rows = {"seeds, models and tests": [whole], **builds, "hand-written script": scripts}
    for name, runs in rows.items():
        wall, cpu, peak = (median(getattr(run, figure) for run in runs) for figure in measure.FIGURES)
        print(f"| {name} | {wall:.1f} | {cpu:.1f} | {peak / MEBIBYTE:,.0f} |")
    for name, runs in builds.items():
        # Each build against the script of its own round.
        ratios = (
            median(getattr(b, figure) / getattr(s, figure) for b, s in zip(runs, scripts, strict=True))
            for figure in measure.FIGURES
        )
        print(f"| {name} / script | " + " | ".join(f"{ratio:.1f}" for ratio in ratios) + " |")


def _slowest_models(settings: Settings, count: int = 8) -> list[tuple[str, float]]:
    results = json.loads((settings.dbt_target / "run_results.json").read_text())["results"]
    times = [(result["unique_id"].split(".")[-1], result["execution_time"]) for result in results]
    return sorted(times, key=lambda item: -item[1])[:count]


if __name__ == "__main__":
    main()
