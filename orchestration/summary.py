"""What one run did, gathered by its steps and said in the last line."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestration.errors import CxError


@dataclass
class RunSummary:
    """Counts of one run. None means that the step was not reached."""

    connections: int = 0
    rows_read: int | None = None
    rows_loaded: int | None = None
    rows_rejected: int | None = None
    models_built: int | None = None
    tests_passed: int | None = None
    checks_passed: int | None = None
    checks_warned: int | None = None
    published: str | None = None
    is_new_version: bool = False
    where: str | None = None
    warnings: list[CxError] = field(default_factory=list)
    errors: list[CxError] = field(default_factory=list)

    def add_checks(self, passed: int, warned: int) -> None:
        """Add the outcome of one check step."""
        self.checks_passed = (self.checks_passed or 0) + passed
        self.checks_warned = (self.checks_warned or 0) + warned

    def sentence(self) -> str:
        """One line: what was loaded, rejected, built, checked and published, and where."""
        parts = []
        if self.rows_loaded is not None:
            parts.append(
                f"loaded {self.rows_loaded:,} rows from {self.connections} connections, "
                f"rejected {self.rows_rejected or 0:,}"
            )
        if self.models_built is not None:
            parts.append(f"built {self.models_built} models ({self.tests_passed or 0} tests passed)")
        if self.checks_passed is not None:
            warned = f", {self.checks_warned} warned" if self.checks_warned else ""
            parts.append(f"{self.checks_passed} checks passed{warned}")
        if self.published is None:
            parts.append("nothing published")
        elif self.is_new_version:
            parts.append(f"published {self.published} in {self.where}")
        else:
            parts.append(f"nothing changed since {self.published} in {self.where}")
        return "; ".join(parts)


_current = RunSummary()


def start_summary() -> RunSummary:
    """Begin the summary of a new run in this process."""
    global _current
    _current = RunSummary()
    return _current


def current_summary() -> RunSummary:
    """The summary that the steps of this process write to."""
    return _current
