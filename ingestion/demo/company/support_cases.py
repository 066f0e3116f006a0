"""Named support cases whose times a person can work out with a calendar and a pencil.

All wall-clock times are Europe/Warsaw; business hours are Monday to Friday, 09:00 to 17:00, without Polish public
holidays. The expected minutes below are worked out by hand, not by code; the unit test walks them minute by minute.
"""

from __future__ import annotations

from dataclasses import dataclass

Step = tuple[str, str]
"""Local time ``YYYY-MM-DD HH:MM`` (a trailing ``b`` = second pass of the repeated hour) and what happens then:
``create``, ``agent_create``, ``customer``, ``agent``, ``note``, ``bot``, or ``status:<value>``; an ``agent`` step may
carry a status, as in ``agent:pending``."""


@dataclass(frozen=True)
class Case:
    """One named case: steps and the minutes that follow from them (calendar, business)."""

    name: str
    why: str
    steps: tuple[Step, ...]
    first_response: tuple[int, int]
    first_resolution: tuple[int, int]
    full_resolution: tuple[int, int]
    requester_wait: int
    agent_wait: int = 0
    on_hold: int = 0
    reopens: int = 0


CASES = (
    Case(
        "plain_tuesday", "inside one working day",
        (("2025-10-14 10:00", "create"), ("2025-10-14 10:45", "agent:open"), ("2025-10-14 12:00", "agent:solved")),
        (45, 45), (120, 120), (120, 120), 120,
    ),
    Case(
        "autumn_clock_change", "Friday to Monday over the 25-hour Sunday: 64 h 45 min on the wall, 65 h 45 min in fact",
        (("2025-10-24 16:30", "create"), ("2025-10-27 09:15", "agent:open"), ("2025-10-27 10:00", "agent:solved")),
        (3945, 45), (3990, 90), (3990, 90), 3990,
    ),
    Case(
        "repeated_hour_first_pass", "created at 02:30 summer time",
        (("2025-10-26 02:30", "create"), ("2025-10-27 09:00", "agent:open"), ("2025-10-27 09:30", "agent:solved")),
        (1890, 0), (1920, 30), (1920, 30), 1920,
    ),
    Case(
        "repeated_hour_second_pass", "created at 02:30 winter time, one hour later",
        (("2025-10-26 02:30b", "create"), ("2025-10-27 09:20", "agent:open"), ("2025-10-27 11:00", "agent:solved")),
        (1850, 20), (1950, 120), (1950, 120), 1950,
    ),
    Case(
        "independence_day", "Monday to Wednesday over Tuesday 11 November",
        (("2025-11-10 16:00", "create"), ("2025-11-12 10:00", "agent:open"), ("2025-11-12 12:00", "agent:solved")),
        (2520, 120), (2640, 240), (2640, 240), 2640,
    ),
    Case(
        "agent_opened", "opened by an agent: the first answer is the next public comment of an agent",
        (
            ("2025-11-18 09:00", "agent_create"), ("2025-11-18 11:00", "customer"),
            ("2025-11-18 12:00", "agent:open"), ("2025-11-18 13:00", "agent:solved"),
        ),
        (180, 180), (240, 240), (240, 240), 240,
    ),
    Case(
        "christmas", "24, 25 and 26 December are holidays, then a weekend",
        (("2025-12-23 15:00", "create"), ("2025-12-29 09:30", "agent:open"), ("2025-12-30 09:00", "agent:solved")),
        (8310, 150), (9720, 600), (9720, 600), 9720,
    ),
    Case(
        "new_year", "solved after closing time: only time up to 17:00 counts",
        (("2025-12-31 16:50", "create"), ("2026-01-02 09:10", "agent:open"), ("2026-01-02 17:30", "agent:solved")),
        (2420, 20), (2920, 490), (2920, 490), 2920,
    ),
    Case(
        "epiphany", "Monday to Wednesday over Tuesday 6 January",
        (("2026-01-05 12:00", "create"), ("2026-01-07 12:00", "agent:open"), ("2026-01-07 12:30", "agent:solved")),
        (2880, 480), (2910, 510), (2910, 510), 2910,
    ),
    Case(
        "reopened_over_weekend", "solved on Thursday, reopened on Friday, solved for good on Monday",
        (
            ("2026-01-15 10:00", "create"), ("2026-01-15 10:30", "agent:open"), ("2026-01-15 11:00", "agent:solved"),
            ("2026-01-16 09:00", "customer:open"), ("2026-01-19 10:00", "agent:solved"),
        ),
        (30, 30), (60, 60), (5760, 960), 60 + 4380, reopens=1,
    ),
    Case(
        "pending_and_hold", "waits for the customer for a day, then for the warehouse for a day",
        (
            ("2026-02-02 09:00", "create"), ("2026-02-02 10:00", "agent:pending"),
            ("2026-02-03 10:00", "customer:open"), ("2026-02-03 12:00", "status:hold"),
            ("2026-02-04 12:00", "status:open"), ("2026-02-04 13:00", "agent:solved"),
        ),
        (60, 60), (3120, 1200), (3120, 1200), 60 + 120 + 1440 + 60, agent_wait=1440, on_hold=1440,
    ),
    Case(
        "note_before_answer", "an internal note is no answer",
        (
            ("2026-03-04 10:00", "create"), ("2026-03-04 10:20", "note"), ("2026-03-04 10:40", "agent:open"),
            ("2026-03-04 11:00", "agent:solved"),
        ),
        (40, 40), (60, 60), (60, 60), 60,
    ),
    Case(
        "spring_clock_change", "Friday to Monday over the 23-hour Sunday: 65 h 30 min on the wall, 64 h 30 min in fact",
        (("2026-03-27 16:00", "create"), ("2026-03-30 09:30", "agent:open"), ("2026-03-30 10:00", "agent:solved")),
        (3870, 90), (3900, 120), (3900, 120), 3900,
    ),
    Case(
        "over_the_gap", "from 01:45 to 03:15 are 30 minutes on 29 March 2026",
        (("2026-03-29 01:45", "create"), ("2026-03-29 03:15", "agent:open"), ("2026-03-30 09:45", "agent:solved")),
        (30, 0), (1860, 45), (1860, 45), 1860,
    ),
    Case(
        "easter", "Good Friday is a working day, Easter Monday is not",
        (("2026-04-02 16:00", "create"), ("2026-04-07 11:00", "agent:open"), ("2026-04-07 12:00", "agent:solved")),
        (6900, 660), (6960, 720), (6960, 720), 6960,
    ),
)  # fmt: skip
