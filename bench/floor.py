"""Runs `floor.sql` over a lake: `python -m bench.floor LAKE OUTPUT.duckdb`."""

from __future__ import annotations

import string
import sys
from pathlib import Path

import duckdb

SEEDS = Path(__file__).resolve().parents[1] / "dbt_project" / "seeds"


def run(lake: Path, output: Path) -> None:
    """Write the tables sessions, touches and funnel.

    Args:
        lake: lake folder with the dataset ga4_export__web; all its loads must be complete.
        output: database file, replaced.
    """
    output.unlink(missing_ok=True)
    dataset = lake / "ga4_export__web"
    script = string.Template((Path(__file__).parent / "floor.sql").read_text()).substitute(
        events=dataset / "events" / "*.parquet",
        files_seen=dataset / "files_seen" / "*.parquet",
        seeds=SEEDS,
    )
    # The same session settings as the dbt profile, so that engine and memory are compared on equal terms.
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": 2,
        "preserve_insertion_order": False,
        "memory_limit": "3GB",
    }
    with duckdb.connect(str(output), config=settings) as con:
        con.execute("set timezone = 'UTC'")
        con.execute(script)


if __name__ == "__main__":
    run(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
