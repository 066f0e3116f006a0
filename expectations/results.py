"""Outcome of a run of the checks: plain data, saved as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

Severity = Literal["critical", "error", "warn"]
BLOCKING: tuple[Severity, ...] = ("critical", "error")


@dataclass(frozen=True)
class CheckResult:
    """One expectation on one table.

    Attributes:
        suite: name of the suite, `landing.<dataset>.<table>` or `marts.<mart>`.
        table: table checked.
        expectation: type of the expectation.
        title: the expectation as a sentence.
        severity: what its failure means; `critical` and `error` block publishing.
        passed: whether the data met it.
        observed: the figure found, if the expectation has one.
        unexpected_count: rows or values that break it; None where it has no such count.
        element_count: rows or values looked at; None where not counted.
        sample: a few breaking values or rows; empty where they may hold personal data.
        detail: what went wrong or why nothing could be said, in words.
        why: why the expectation and its threshold are what they are.
        dataset: lake folder for landed tables, '' for marts.
    """

    suite: str
    table: str
    expectation: str
    title: str
    severity: Severity
    passed: bool
    observed: Any = None
    unexpected_count: int | None = None
    element_count: int | None = None
    sample: list[Any] = field(default_factory=list)
    detail: str = ""
    why: str = ""
    dataset: str = ""

    @property
    def is_blocking(self) -> bool:
        """True when this result stops publishing."""
        return not self.passed and self.severity in BLOCKING

    def sentence(self) -> str:
        """The result in one line: table, expectation, what was found."""
        where = f"{self.dataset}.{self.table}" if self.dataset else self.table
        found = f": {self.detail}" if self.detail else ""
        return f"{where}: {self.title}{found}"


@dataclass(frozen=True)
class CheckRun:
    """All results of one stage.

    Attributes:
        stage: `landing` (what came in) or `marts` (what goes out).
        started_at: UTC, when the run began.
        seconds: wall time of the run.
        results: one entry per expectation, in the order of suites and their files.
    """

    stage: Literal["landing", "marts"]
    started_at: datetime
    seconds: float
    results: list[CheckResult]

    @property
    def blocking_failures(self) -> list[CheckResult]:
        """Failures that stop publishing."""
        return [result for result in self.results if result.is_blocking]

    @property
    def warnings(self) -> list[CheckResult]:
        """Failures that do not stop publishing."""
        return [result for result in self.results if not result.passed and not result.is_blocking]

    @property
    def passed(self) -> bool:
        """True when nothing blocks publishing."""
        return not self.blocking_failures

    def by_suite(self) -> dict[str, list[CheckResult]]:
        """Results grouped by suite, in order."""
        suites: dict[str, list[CheckResult]] = {}
        for result in self.results:
            suites.setdefault(result.suite, []).append(result)
        return suites

    def counts(self) -> dict[str, int]:
        """Number of results that passed, warn and block, and of all."""
        kinds = Counter(
            "passed" if result.passed else "blocking" if result.is_blocking else "warnings"
            for result in self.results
        )
        return {
            "checks": len(self.results),
            **{kind: kinds[kind] for kind in ("passed", "warnings", "blocking")},
        }

    def to_json(self) -> str:
        """The run as JSON text."""
        record = dataclasses.asdict(self)
        record["started_at"] = self.started_at.isoformat()
        record["counts"] = self.counts()
        return json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> CheckRun:
        """The run that `to_json` wrote."""
        record = json.loads(text)
        return cls(
            stage=record["stage"],
            started_at=datetime.fromisoformat(record["started_at"]),
            seconds=record["seconds"],
            results=[CheckResult(**result) for result in record["results"]],
        )

    def save(self, folder: Path) -> Path:
        """Writes `<folder>/<stage>.json`, whole or not at all, and returns its path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.stage}.json"
        part = path.with_suffix(".json.part")
        part.write_text(self.to_json(), encoding="utf-8")
        part.replace(path)
        return path


def load_run(folder: Path, stage: str) -> CheckRun | None:
    """The saved run of a stage, or None when there is none."""
    path = folder / f"{stage}.json"
    return CheckRun.from_json(path.read_text(encoding="utf-8")) if path.exists() else None


def plain(value: Any) -> Any:
    """A value as JSON knows it: numpy scalars, decimals, dates and containers become plain Python.

    Not-a-number and infinity become text, because JSON has no such numbers.
    """
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return plain(float(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if hasattr(value, "item"):  # numpy scalar
        return plain(value.item())
    return str(value)
