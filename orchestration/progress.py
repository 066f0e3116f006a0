"""Progress of a run: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Reporter:
    """Plain lines with the seconds since the start, for logs and pipes; also the base of the live display."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._stage = ""

    def __enter__(self) -> Reporter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage of the run, with the number of its steps where that is known."""
        self._stage = name
        self.line(name if total is None else f"{name} ({total})")

    def advance(self, step: str = "") -> None:
        """One step of the stage is done. Plain output keeps quiet, so that logs stay short."""

    def line(self, text: str) -> None:
        """A line worth keeping."""
        print(f"[{time.monotonic() - self._start:6.1f} s] {text}", file=sys.stderr, flush=True)


class Silent(Reporter):
    """Says nothing: runs started by the Dagster UI report through Dagster's own log."""

    def line(self, text: str) -> None:
        """Drop the line."""


class LiveReporter(Reporter):
    """A progress bar per stage on a terminal; kept lines scroll above it."""

    def __init__(self) -> None:
        super().__init__()
        self._console = Console(stderr=True)
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[step]}"),
            TimeElapsedColumn(),
            console=self._console,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Reporter:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._finish()
        self._bars.stop()

    def _finish(self) -> None:
        if self._task is not None:
            task = self._bars.tasks[-1]
            self._bars.update(self._task, total=task.total or 1, completed=task.total or 1, step="")

    def stage(self, name: str, total: int | None = None) -> None:
        """Show a new bar."""
        self._finish()
        self._task = self._bars.add_task(name, total=total, step="")

    def advance(self, step: str = "") -> None:
        """Move the bar of the stage and name what was done."""
        if self._task is not None:
            self._bars.update(self._task, advance=1, step=step[:48])

    def line(self, text: str) -> None:
        """Print above the bars."""
        self._console.print(text, highlight=False, markup=False)


_reporter: Reporter = Silent()


def use_reporter(reporter: Reporter) -> Reporter:
    """Make `reporter` the one that the steps of this process report to."""
    global _reporter
    _reporter = reporter
    return reporter


def reporter() -> Reporter:
    """The reporter of this process."""
    return _reporter


def reporter_for_terminal() -> Reporter:
    """A live display where standard error is a terminal, plain lines elsewhere."""
    return LiveReporter() if sys.stderr.isatty() else Reporter()
