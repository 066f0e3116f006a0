"""Loads every connection of the demo company, one after another, and prints what each cost.

    python -m ingestion.demo serve --home HOME -- python -m bench.ingest HOME

The stand-ins run in the parent process, so their work is not counted. One line of JSON per connection.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from ingestion.connections import load_connections
from ingestion.core import dlt_pipeline  # noqa: F401  its import costs 2 s of CPU; it belongs to no connection
from ingestion.pipeline import run_connection
from ingestion.settings import PROJECT_ROOT, load_settings


def main(home: Path) -> None:
    """Load each connection of examples/demo.yml into `home`."""
    settings = load_settings(home, PROJECT_ROOT / "examples" / "demo.yml").prepare()
    connections = load_connections(settings, require_secrets=True)
    for connection in connections.connections:
        cpu, wall = time.process_time(), time.perf_counter()
        result = run_connection(settings, connection)
        print(
            json.dumps(
                {
                    "connection": connection.name,
                    "connector": connection.connector,
                    "rows": result.total.read,
                    "requests": result.requests,
                    "cpu_seconds": time.process_time() - cpu,
                    "wall_seconds": time.perf_counter() - wall,
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
