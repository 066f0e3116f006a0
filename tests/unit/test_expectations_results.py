"""Results: plain data that survive JSON, and a page that shows failures first."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest

from expectations.html import render
from expectations.results import CheckResult, CheckRun, load_run, plain

AT = datetime(2024, 6, 1, 12, 30, tzinfo=UTC)


def result(**changes):
    fields = {"suite": "marts.t", "table": "t", "expectation": "expect_x", "title": "x holds", "severity": "error",
              "passed": True, **changes}  # fmt: skip
    return CheckResult(**fields)


@pytest.fixture
def run():
    return CheckRun(
        "marts",
        AT,
        1.5,
        [
            result(),
            result(title="keys are unique", passed=False, severity="critical", detail="2 of 9 rows (22.22%)",
                   sample=["a", {"b": None}], why="A key names one row."),
            result(title="enough rows", passed=False, severity="warn", suite="marts.u", table="u"),
        ],
    )  # fmt: skip


def test_only_critical_and_error_block(run):
    assert [failure.title for failure in run.blocking_failures] == ["keys are unique"]
    assert [warning.title for warning in run.warnings] == ["enough rows"]
    assert not run.passed
    assert run.counts() == {"checks": 3, "passed": 1, "warnings": 1, "blocking": 1}


def test_a_run_survives_json(run, tmp_path):
    run.save(tmp_path / "checks")
    assert load_run(tmp_path / "checks", "marts") == run
    assert load_run(tmp_path / "checks", "landing") is None
    assert [file.name for file in (tmp_path / "checks").iterdir()] == ["marts.json"]


def test_a_result_says_itself_in_one_line():
    landed = result(dataset="files__store", passed=False, detail="1 row")
    assert landed.sentence() == "files__store.t: x holds: 1 row"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.float64("nan"), "nan"),
        (float("inf"), "inf"),
        (Decimal("1.50"), 1.5),
        (AT, "2024-06-01T12:30:00+00:00"),
        (date(2024, 6, 1), "2024-06-01"),
        ({1: (np.int32(2), None)}, {"1": [2, None]}),
        (b"x", "b'x'"),
    ],
)
def test_values_become_what_json_knows(value, expected):
    assert plain(value) == expected
    json.dumps(plain(value), allow_nan=False)


def test_the_page_shows_failures_first_and_every_check(run):
    page = render(run)
    assert "1 failure that blocks publishing." in page
    assert page.index("keys are unique") < page.index("enough rows") < page.index("Every check")
    assert "2 of 9 rows (22.22%)" in page
    assert "<code>{&quot;b&quot;: null}</code>" in page
    assert "A key names one row." in page
    assert "x holds" in page
    assert "<script" not in page
    assert "http" not in page


def test_the_page_of_a_clean_run_says_so():
    page = render(CheckRun("landing", AT, 0.1, [result()]), CheckRun("marts", AT, 0.1, []))
    assert "Nothing blocks publishing." in page
    assert "There is nothing to check yet." in page
    assert "Needs attention" not in page


def test_data_cannot_become_markup():
    page = render(CheckRun("marts", AT, 0.1, [result(passed=False, sample=["<img src=x>"], detail="<b>")]))
    assert "<img" not in page
    assert "<b>" not in page.replace("<b>0", "").replace("<b>1", "")
