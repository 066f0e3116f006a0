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
from typing import TYPE_CHECKING, Any

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
    # dbt ends with its command: 600 nodes leave 460 MiB of garbage, and looking for it takes a seventh of its CPU.
    gc.disable()
    from dbt.cli.main import cli

    drop_unread_events()
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


def drop_unread_events() -> None:
    """Let dbt drop events that no log asked for before it writes them.

    It writes each of the 11,000 debug events of a build as a line before it asks for the level of the log: a seventh of
    its CPU.
    """
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager
    from dbt_common.events.event_manager_client import ctx_set_event_manager

    class ReadEvents(EventManager):
        def fire_event(
            self,
            e: BaseEvent,
            level: EventLevel | None = None,
            node: Any = None,
            force_warn_or_error_handling: bool = False,
        ) -> None:
            if (level or e.level_tag()) != EventLevel.DEBUG or any(
                logger.level == EventLevel.DEBUG for logger in self.loggers
            ):
                super().fire_event(e, level, node, force_warn_or_error_handling)

    ctx_set_event_manager(ReadEvents())  # type: ignore[arg-type]
