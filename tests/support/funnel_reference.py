"""Funnels by brute force: an independent way to the numbers, written for reading and not for speed.

An event is (unit, session, instant, key, names). Instants are integers (seconds). A step is a set of names; an event
matches a step when they share a name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product


@dataclass(frozen=True, order=True)
class Event:
    """One event; `names` is what steps are compared with."""

    at: int
    key: str
    unit: str
    names: frozenset[str]


Steps = Sequence[frozenset[str]]


def entries(events: Iterable[Event], first_step: frozenset[str], window: int | None) -> list[int]:
    """Instants at which a unit enters: its first event of step 1, then the first after each window."""
    taken: list[int] = []
    for at in sorted(e.at for e in events if e.names & first_step):
        if not taken or (window is not None and at >= taken[-1] + window):
            taken.append(at)
    return taken


def walk(events: Sequence[Event], steps: Steps, entry: int, window: int | None) -> list[int]:
    """Instants of the steps reached from an entry, taking the earliest event that is left at each step."""
    end = None if window is None else entry + window
    used: set[str] = set()
    reached: list[int] = []
    now = entry
    for step in steps:
        left = [
            e for e in events
            if e.names & step and e.at >= now and (end is None or e.at < end) and e.key not in used
            and (reached or e.at == entry)
        ]  # fmt: skip
        if not left:
            break
        best = min(left, key=lambda e: (e.at, e.key))
        used.add(best.key)
        reached.append(best.at)
        now = best.at
    return reached


def longest(events: Sequence[Event], steps: Steps, entry: int, window: int | None) -> int:
    """Steps that any choice of distinct events can reach from an entry: every choice is tried."""
    inside = [e for e in events if e.at >= entry and (window is None or e.at < entry + window)]
    choices = [[e for e in inside if e.names & step] for step in steps]
    choices[0] = [e for e in choices[0] if e.at == entry]
    for depth in range(len(steps), 0, -1):
        for chain in product(*choices[:depth]):
            keys = [e.key for e in chain]
            in_order = all(a.at <= b.at for a, b in pairwise(chain))
            if in_order and len(set(keys)) == depth:
                return depth
    return 0


def ordered(
    events: Iterable[Event], steps: Steps, window: int | None, once: bool
) -> dict[tuple[str, int], list[int]]:
    """(unit, entry) -> instants of the steps reached. `once`: a unit enters only the first time."""
    by_unit: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_unit[event.unit].append(event)
    result: dict[tuple[str, int], list[int]] = {}
    for unit, own in by_unit.items():
        starts = entries(own, steps[0], window)
        for entry in starts[:1] if once else starts:
            result[unit, entry] = walk(own, steps, entry, window)
    return result


def reached_at_all(events: Iterable[Event], steps: Steps) -> list[set[str]]:
    """Per step the units that have an event of it, whatever else they did."""
    own = list(events)
    return [{e.unit for e in own if e.names & step} for step in steps]
