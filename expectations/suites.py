"""Suites of expectations as data files: one YAML per table, read and checked here.

A file looks like this; `docs/howto/add-a-check.md` explains each part:

    table: tickets
    description: One row per version of a Zendesk ticket.
    pii: [subject, description]        # never shown, only counted
    plain: [status, via_channel]       # text columns whose values may be shown
    checks:
      - type: expect_column_values_to_be_in_set
        kwargs: {column: status, value_set: [new, open, pending, hold, solved, closed, deleted]}
        severity: error                # critical and error block publishing, warn does not
        meta: {title: ..., why: ...}   # `why` is required where there is a threshold

Types are those of Great Expectations that work on DuckDB, and the types of `OWN_TYPES`, which the runner
translates because they need to know about loads, time or the version published before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from expectations.results import BLOCKING, Severity
from ingestion.core import located_yaml
from ingestion.core.errors import ConfigError
from ingestion.core.validation import validate

_COLUMN = frozenset({"column"})
_BETWEEN = frozenset({"min_value", "max_value", "strict_min", "strict_max"})
_MOSTLY = frozenset({"mostly"})
_IGNORE = frozenset({"ignore_row_if"})

# type -> (required arguments, optional arguments)
GX_TYPES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "expect_column_to_exist": (_COLUMN, frozenset()),
    "expect_column_values_to_not_be_null": (_COLUMN, _MOSTLY),
    "expect_column_values_to_be_null": (_COLUMN, _MOSTLY),
    "expect_column_values_to_be_unique": (_COLUMN, _MOSTLY),
    "expect_column_values_to_be_in_set": (_COLUMN | {"value_set"}, _MOSTLY),
    "expect_column_values_to_not_be_in_set": (_COLUMN | {"value_set"}, _MOSTLY),
    "expect_column_values_to_be_between": (_COLUMN, _BETWEEN | _MOSTLY),
    "expect_column_min_to_be_between": (_COLUMN, _BETWEEN),
    "expect_column_max_to_be_between": (_COLUMN, _BETWEEN),
    "expect_column_mean_to_be_between": (_COLUMN, _BETWEEN),
    "expect_column_sum_to_be_between": (_COLUMN, _BETWEEN),
    "expect_column_pair_values_a_to_be_greater_than_b": (
        frozenset({"column_A", "column_B"}),
        frozenset({"or_equal"}) | _MOSTLY | _IGNORE,
    ),
    "expect_compound_columns_to_be_unique": (frozenset({"column_list"}), _MOSTLY | _IGNORE),
    "expect_table_columns_to_match_set": (frozenset({"column_set"}), frozenset({"exact_match"})),
    "expect_table_row_count_to_be_between": (frozenset(), frozenset({"min_value", "max_value"})),
}
OWN_TYPES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    # rows that the SQL returns break the expectation; {batch} is the table, {dataset} the schema of its
    # neighbours, {now} the instant of the run as a UTC timestamp literal
    "unexpected_rows": (frozenset({"query"}), frozenset()),
    # no fewer rows than this share of those in the version published before
    "row_count_not_collapsed": (frozenset({"min_share"}), frozenset()),
    # at least this share of the keys of the version published before have the value that they had there
    "published_values_kept": (frozenset({"key", "column", "min_share"}), frozenset()),
    # the newest load read no less, by hour of its window, than this share of the median of earlier loads
    "load_not_collapsed": (frozenset({"min_share"}), frozenset({"min_loads", "min_window_hours"})),
    # a load of this table ended within the last hours
    "loaded_within": (frozenset({"hours"}), frozenset()),
}
_THRESHOLDS = frozenset({"min_value", "max_value", "mostly", "min_share", "hours"})


class Meta(BaseModel):
    """What a reader of a failure needs: the expectation as a sentence, and the reason for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = ""
    why: str = ""


class Check(BaseModel):
    """One expectation of a suite."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    kwargs: dict[str, Any] = Field(default_factory=dict)
    severity: Severity = "error"
    meta: Meta = Meta()

    @field_validator("type")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in GX_TYPES and value not in OWN_TYPES:
            raise ValueError(f"no such type of check; known: {', '.join(sorted({*GX_TYPES, *OWN_TYPES}))}")
        return value

    def problem(self) -> tuple[str, str] | None:
        """What is wrong with the arguments taken together and what to do about it, or None."""
        required, optional = GX_TYPES.get(self.type) or OWN_TYPES[self.type]
        if missing := sorted(required - self.kwargs.keys()):
            return f"{self.type} lacks an argument.", f"Add {', '.join(missing)} to kwargs."
        if unknown := sorted(self.kwargs.keys() - required - optional):
            return f"{self.type} does not take {', '.join(unknown)}.", "Remove it, or correct its name."
        if self.type == "unexpected_rows" and "{batch}" not in self.kwargs["query"]:
            return "the query does not read the table checked.", "Write {batch} where its name belongs."
        if self.thresholds() and not self.meta.why.strip():
            return f"no reason for {', '.join(self.thresholds())}.", "Say in meta.why where it comes from."
        return None

    def thresholds(self) -> list[str]:
        """Names of the arguments that are numbers somebody chose."""
        return sorted(_THRESHOLDS & self.kwargs.keys())

    @property
    def is_blocking(self) -> bool:
        """True when a failure stops publishing."""
        return self.severity in BLOCKING

    @property
    def columns(self) -> list[str]:
        """Columns named in the arguments."""
        named = [self.kwargs[key] for key in ("column", "column_A", "column_B") if key in self.kwargs]
        return [*named, *self.kwargs.get("column_list", []), *self.kwargs.get("column_set", [])]

    def title(self) -> str:
        """The expectation as a sentence, for people."""
        return self.meta.title or _sentence(self.type, self.kwargs)


class _SuiteFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    table: str
    description: str = ""
    pii: list[str] = Field(default_factory=list)
    plain: list[str] = Field(default_factory=list)
    checks: list[Check] = Field(min_length=1)


@dataclass(frozen=True)
class Suite:
    """Expectations on one table.

    Attributes:
        table: name of the table or view.
        checks: what is expected, in order.
        description: what a row of the table is.
        pii: columns that hold personal data; their values are never shown.
        plain: text columns whose values may be shown; used where `hide_text` is set.
        hide_text: hide the values of every text column that is not `plain`.
    """

    table: str
    checks: tuple[Check, ...]
    description: str = ""
    pii: frozenset[str] = field(default_factory=frozenset)
    plain: frozenset[str] = field(default_factory=frozenset)
    hide_text: bool = False


def load_suite(file: Path) -> Suite:
    """Reads and checks one suite file.

    Raises:
        ConfigError: the file is no valid suite; names file, line, key and what to do.
    """
    content, lines = located_yaml.load(file)
    parsed = validate(_SuiteFile, content, lines, file)

    def wrong(problem: str, next_step: str, *path: str | int) -> ConfigError:
        line = located_yaml.line_of(lines, path)
        return ConfigError(problem, next_step, file=file, line=line, key=".".join(map(str, path)))

    if parsed.table != file.stem:
        raise wrong(f"the file is named {file.name}.", f"Name it {parsed.table}.yml.", "table")
    for index, check in enumerate(parsed.checks):
        if problem := check.problem():
            raise wrong(*problem, "checks", index)
    return Suite(
        table=parsed.table,
        checks=tuple(parsed.checks),
        description=parsed.description,
        pii=frozenset(parsed.pii),
        plain=frozenset(parsed.plain),
    )


def load_folder(folder: Path) -> dict[str, Suite]:
    """All suites of a folder by table name, sorted; empty when there is no such folder."""
    return {file.stem: load_suite(file) for file in sorted(folder.glob("*.yml"))}


def _sentence(kind: str, kwargs: Mapping[str, Any]) -> str:
    column = kwargs.get("column", "")
    listed = ", ".join(map(str, kwargs.get("value_set", ())))
    sentences = {
        "expect_column_to_exist": f"column {column} exists",
        "expect_column_values_to_not_be_null": f"{column} is never null",
        "expect_column_values_to_be_null": f"{column} is always null",
        "expect_column_values_to_be_unique": f"{column} is unique",
        "expect_column_values_to_be_in_set": f"{column} is one of {listed}",
        "expect_column_values_to_not_be_in_set": f"{column} is none of {listed}",
        "expect_column_values_to_be_between": f"{column} is {_range(kwargs)}",
        "expect_column_min_to_be_between": f"the least {column} is {_range(kwargs)}",
        "expect_column_max_to_be_between": f"the greatest {column} is {_range(kwargs)}",
        "expect_column_mean_to_be_between": f"the mean of {column} is {_range(kwargs)}",
        "expect_column_sum_to_be_between": f"the sum of {column} is {_range(kwargs)}",
        "expect_column_pair_values_a_to_be_greater_than_b": (
            f"{kwargs.get('column_A')} is {'at least' if kwargs.get('or_equal') else 'greater than'} "
            f"{kwargs.get('column_B')}"
        ),
        "expect_compound_columns_to_be_unique": (
            f"no two rows share {', '.join(map(str, kwargs.get('column_list', ())))}"
        ),
        "expect_table_columns_to_match_set": "the declared columns are there",
        "expect_table_row_count_to_be_between": f"row count is {_range(kwargs)}",
        "unexpected_rows": "no row breaks the rule",
        "row_count_not_collapsed": (
            f"at least {kwargs.get('min_share', 0):.0%} of the rows published before"
        ),
        "published_values_kept": (
            f"{column} of at least {kwargs.get('min_share', 0):.0%} of the {kwargs.get('key')} published before"
            " is the same"
        ),
        "load_not_collapsed": (
            f"the newest load brings at least {kwargs.get('min_share', 0):.0%} of the usual rows an hour"
        ),
        "loaded_within": f"loaded within the last {kwargs.get('hours')} hours",
    }
    share = f", in at least {kwargs['mostly']:.1%} of rows" if "mostly" in kwargs else ""
    return sentences[kind] + share


def _range(kwargs: Mapping[str, Any]) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is not None and high is not None:
        return f"between {low} and {high}"
    return f"at least {low}" if low is not None else f"at most {high}"
