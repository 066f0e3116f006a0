"""`python -m bench.increment`: what a day's news cost when they are added to a built company.

Takes the company that `python -m bench --home HOME` left (or any home with the loaded demo company), builds it from
scratch, adds about one event in a hundred (new days, a restated day, changed and deleted orders, merged customers),
builds the increment, and builds from scratch again. What every build costs whatever it holds is measured over an empty
lake with the same models. Fails when a table of the increment differs from the one built from scratch.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from bench import changes
from bench.__main__ import MEBIBYTE, Bench
from ingestion.connections import Connections, load_connections
from ingestion.pipeline import run_connection
from ingestion.settings import PROJECT_ROOT, Settings, load_settings
from tests.support.comparison import differences

# They say what a build did, not what the data are.
ABOUT_THE_BUILD = frozenset(
    {"int_web__increment", "int_web__scope", "mart_source_freshness", "stg_lake__load_metrics"}
)


def main() -> None:
    """Run the bench and print its figures as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench.increment", description=__doc__)
    parser.add_argument("--home", required=True, help="data home with the loaded demo company; it is changed")
    parser.add_argument("--days", type=int, default=2, help="new days (default 2 of 180)")
    arguments = parser.parse_args()
    home = Path(arguments.home).resolve()
    os.environ["CX_HOME"] = str(home)
    settings = load_settings(home, PROJECT_ROOT / "examples" / "demo.yml").prepare()
    connections = load_connections(settings)

    empty = Path(tempfile.mkdtemp(prefix="cx-empty-"))
    try:
        nothing = Bench(load_settings(empty, settings.connections_file).prepare(), connections)
        nothing.dbt("seed")
        nothing.dbt("run", "--full-refresh")
        fixed = nothing.dbt("run")
    finally:
        shutil.rmtree(empty)
    bench = Bench(settings, connections)
    bench.dbt("seed")
    first = bench.dbt("run", "--full-refresh")
    added = add_news(settings, connections, arguments.days)
    increment = bench.dbt("run")
    kept = {file: home / f"increment.{file.name}" for file in (settings.warehouse, settings.work)}
    for file, copy in kept.items():
        shutil.copyfile(file, copy)
    scratch = bench.dbt("run", "--full-refresh")

    print(f"{added:,} rows came.\n\n| | CPU s | wall s | peak MiB |\n| --- | ---: | ---: | ---: |")
    for name, run in (
        ("no data at all", fixed),
        ("from scratch, before", first),
        ("increment", increment),
        ("from scratch, after", scratch),
    ):
        print(
            f"| {name} | {run.cpu_seconds:.1f} | {run.wall_seconds:.1f} | {run.peak_bytes / MEBIBYTE:,.0f} |"
        )
    share = (increment.cpu_seconds - fixed.cpu_seconds) / (scratch.cpu_seconds - fixed.cpu_seconds)
    print(
        f"\nBeyond what a build without data costs, the increment takes {share:.0%} of a build from scratch."
    )
    found = {
        name: what
        for name, what in (
            differences(settings.warehouse, kept[settings.warehouse], ("conformed", "intermediate"),
                        ignore=frozenset(), skip=ABOUT_THE_BUILD)
            | differences(settings.work, kept[settings.work], ("marts",), ignore=frozenset(), skip=ABOUT_THE_BUILD)
        ).items()
        if "__scope__" not in name
    }  # fmt: skip
    if found:
        sys.exit(f"the increment differs from the build from scratch: {found}")
    print("All tables of the increment are equal to those built from scratch, row for row.")


def add_news(settings: Settings, connections: Connections, days: int) -> int:
    """Change the sources as a day does and load them; returns the rows that came."""
    demo = settings.home / "demo"
    changes.new_days(demo / "ga4", days)
    changes.late_events(demo / "ga4", days + 10)
    changes.changed_orders(demo / "orders.sqlite", 100)
    return sum(run_connection(settings, connections[name]).total.loaded for name in ("web", "orders"))


if __name__ == "__main__":
    main()
