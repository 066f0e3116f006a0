"""`cx-dbt`: dbt that dies with the run that started it.

dbt runs as a child process of a Dagster step. A killed step would leave it behind, still holding the build
database; on Linux the kernel is asked to end it together with its parent.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Run the dbt command line in this process with the arguments given."""
    if sys.argv[1:] == ["--version"]:
        # dagster-dbt asks before each call; dbt itself would look for updates on the network.
        print(f"Core:\n  - installed: {version('dbt-core')}")
        return
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent died before the request took hold
            sys.exit(1)
    # Python models invert many small matrices: with a thread per core each waits for the others (145 states on two
    # busy cores: 85 ms instead of 1.4 ms), and the last digits depend on how the work was split.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # dbt lives as long as its manifest: looking for garbage frees nothing, at a seventh of its CPU (460 MiB in all).
    gc.disable()
    from dbt.cli.main import cli

    prepared = os.environ.get("CX_DBT_MANIFEST")
    cli(
        prog_name="dbt",
        obj={"manifest": read_manifest(Path(prepared)), "callbacks": []} if prepared else None,
    )


def read_manifest(file: Path) -> Manifest:
    """The manifest in a `partial_parse.msgpack` of dbt, ready for a command."""
    from dbt.contracts.graph.manifest import Manifest

    manifest = Manifest.from_msgpack(file.read_bytes())
    manifest.build_flat_graph()
    return manifest
