"""The minutes of the named support cases, walked minute by minute, are the ones worked out by hand."""

from __future__ import annotations

import itertools
from datetime import date, datetime
from zoneinfo import ZoneInfo

import holidays
import pytest

from ingestion.demo.company import clock
from ingestion.demo.company.plan import DEFAULT_END, Plan
from ingestion.demo.company.support import case_instant
from ingestion.demo.company.support_cases import CASES, Case

WARSAW = ZoneInfo("Europe/Warsaw")
POLAND = holidays.country_holidays("PL", years=range(2020, 2031))


def _minutes(begin: int, end: int) -> tuple[int, int]:
    """Minutes from begin to end: all, and those inside business hours."""
    business = 0
    for moment in range(begin, end, 60):
        wall = datetime.fromtimestamp(moment, WARSAW)
        business += wall.weekday() < 5 and wall.date() not in POLAND and 9 <= wall.hour < 17
    return (end - begin) // 60, business


def _statuses(case: Case) -> list[tuple[int, str]]:
    found = [(case_instant(case.steps[0][0]), "new")]
    return found + [(case_instant(at), what.split(":")[1]) for at, what in case.steps if ":" in what]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_first_response(case: Case) -> None:
    answers = [case_instant(at) for at, what in case.steps if what.startswith("agent:") or what == "agent"]
    assert _minutes(case_instant(case.steps[0][0]), answers[0]) == case.first_response


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_resolution_and_reopening(case: Case) -> None:
    statuses = _statuses(case)
    solved = [moment for moment, status in statuses if status == "solved"]
    opened = statuses[0][0]
    assert _minutes(opened, solved[0]) == case.first_resolution
    assert _minutes(opened, solved[-1]) == case.full_resolution
    assert len(solved) - 1 == case.reopens


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_waiting_times(case: Case) -> None:
    waited = {"requester": 0, "agent": 0, "hold": 0}
    statuses = _statuses(case)
    for (begin, status), (end, _) in itertools.pairwise(statuses):
        minutes = (end - begin) // 60
        waited["requester"] += minutes * (status in ("new", "open", "hold"))
        waited["agent"] += minutes * (status == "pending")
        waited["hold"] += minutes * (status == "hold")
    assert waited == {"requester": case.requester_wait, "agent": case.agent_wait, "hold": case.on_hold}


def test_all_cases_lie_in_the_default_period() -> None:
    days = [date.fromisoformat(at[:10]) for case in CASES for at, _ in case.steps]
    assert Plan().clock().start <= min(days)
    assert max(days) <= DEFAULT_END


@pytest.mark.parametrize("year", range(2020, 2031))
def test_polish_holidays(year: int) -> None:
    assert set(clock.polish_holidays(year)) == {day for day in POLAND if day.year == year}


def test_business_time_moves_over_holidays_and_clock_changes() -> None:
    friday = clock.instant(date(2025, 10, 24), 16, 30)
    assert clock.after_business(friday, 3600) == clock.instant(date(2025, 10, 27), 9, 30)
    christmas = clock.instant(date(2025, 12, 24), 12)
    assert clock.next_business_second(christmas) == clock.instant(date(2025, 12, 29), 9)
