"""Journeys by brute force: an independent way to the numbers, written for reading and not for speed.

Instants are integers (seconds). A journey is a list of steps, a step a list of contacts at one touchpoint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

Transition = tuple[str, str]


@dataclass(frozen=True, order=True)
class Contact:
    """One contact; ordered by instant, then key."""

    at: int
    key: str
    person: str
    touchpoint: str


Step = list[Contact]
Journey = list[Step]


@dataclass(frozen=True)
class Registry:
    """What the registry says: stage order (none for unmapped), intended next touchpoints, goals."""

    stages: Mapping[str, int]
    intended: frozenset[Transition]
    goals: frozenset[str]


def journeys(contacts: Iterable[Contact], gap: int) -> list[Journey]:
    """Journeys of all people: a silence of more than `gap` seconds ends one."""
    found: list[Journey] = []
    for _, own in groupby(sorted(contacts, key=lambda c: (c.person, c)), key=lambda c: c.person):
        run: list[Contact] = []
        for contact in own:
            if run and contact.at - run[-1].at > gap:
                found.append(_steps(run))
                run = []
            run.append(contact)
        found.append(_steps(run))
    return found


def _steps(run: Sequence[Contact]) -> Journey:
    return [list(stay) for _, stay in groupby(run, key=lambda c: c.touchpoint)]


def names(journey: Journey) -> list[str]:
    """Touchpoints in order, repeats collapsed."""
    return [step[0].touchpoint for step in journey]


def path(journey: Journey, limit: int) -> str:
    """The first `limit` touchpoints as text."""
    found = names(journey)
    return " > ".join(found[:limit] + ["..."] * (len(found) > limit))


def outcome(journey: Journey, registry: Registry, gap: int, now: int) -> str:
    """How it ended."""
    met = names(journey)
    if journey[-1][-1].at + gap >= now:
        return "open"
    if registry.goals & set(met):
        return "goal"
    if any(here == met[-1] for here, _ in registry.intended):
        return "dead_end"
    return "unmapped" if met[-1] == "unmapped" else "rest"


def loops(journey: Journey) -> Counter[Transition]:
    """(A, B) of every A, B, A."""
    met = names(journey)
    return Counter((met[i], met[i + 1]) for i in range(len(met) - 2) if met[i] == met[i + 2])


def transitions(journey: Journey, is_open: bool) -> Counter[Transition]:
    """Pairs that follow each other, from the start to the end."""
    met = ["(start)", *names(journey), "(open)" if is_open else "(end)"]
    return Counter(pairwise(met))


def waits(journey: Journey) -> dict[Transition, list[int]]:
    """Seconds between the two contacts of each transition."""
    found: dict[Transition, list[int]] = {}
    for here, there in pairwise(journey):
        found.setdefault((here[0].touchpoint, there[0].touchpoint), []).append(there[0].at - here[-1].at)
    return found


def visits(journey: Journey, registry: Registry) -> dict[str, tuple[int, int, int | None, int | None]]:
    """Touchpoint -> first instant, steps, first instants of a later stage and of an intended next touchpoint."""
    found = {}
    for name in set(names(journey)):
        first = names(journey).index(name)
        after = journey[first + 1 :]
        stage = registry.stages.get(name)
        later = [
            s[0].at for s in after
            if stage is not None and registry.stages.get(s[0].touchpoint, 0) > stage
        ]  # fmt: skip
        meant = [s[0].at for s in after if (name, s[0].touchpoint) in registry.intended]
        found[name] = (
            journey[first][0].at,
            names(journey).count(name),
            min(later, default=None),
            min(meant, default=None),
        )
    return found
