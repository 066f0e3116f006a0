"""Funnels by brute force: an independent way to the numbers, written for reading and not for speed.

An event is (unit, session, instant, key, names). Instants are integers (seconds). A step is a set of names; an event
matches a step when they share a name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise, product


@dataclass(frozen=True, order=True)
class Event:
    """One event; `names` is what steps are compared with."""

    at: int
    key: str
    unit: str
    names: frozenset[str]


Steps = Sequence[frozenset[str]]
Exclusion = tuple[frozenset[str], int, int]
"""Names, step after which and step before which they exclude; steps are numbered from 1."""


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


def chains(events: Sequence[Event], steps: Steps, entry: int, window: int | None) -> list[tuple[Event, ...]]:
    """Every choice of distinct events, in order, for any number of the first steps from an entry."""
    inside = [e for e in events if e.at >= entry and (window is None or e.at < entry + window)]
    choices = [[e for e in inside if e.names & step] for step in steps]
    choices[0] = [e for e in choices[0] if e.at == entry]
    return [
        chain
        for depth in range(1, len(steps) + 1)
        for chain in product(*choices[:depth])
        if all(a.at <= b.at for a, b in pairwise(chain)) and len({e.key for e in chain}) == depth
    ]


def longest(events: Sequence[Event], steps: Steps, entry: int, window: int | None) -> int:
    """Steps that any choice of distinct events can reach from an entry: every choice is tried."""
    return max((len(chain) for chain in chains(events, steps, entry, window)), default=0)


def linked(
    events: Sequence[Event], steps: Steps, entry: int, window: int | None, within: Mapping[int, int]
) -> list[int]:
    """Instants of the longest way whose steps follow within their seconds; of several the one that ends earliest.

    `within`: number of a step -> seconds in which it must follow the step before.
    """
    first = min((e for e in events if e.at == entry and e.names & steps[0]), key=lambda e: e.key)
    fitting = [
        [e.at for e in chain]
        for chain in chains(events, steps, entry, window)
        if chain[0] == first
        and all(b.at - a.at < within.get(i, b.at + 1) for i, (a, b) in enumerate(pairwise(chain), 2))
    ]
    return min(fitting, key=lambda way: (-len(way), way[::-1]))


def is_excluded(
    events: Sequence[Event], way: Sequence[int], window: int | None, exclusions: Sequence[Exclusion]
) -> bool:
    """Whether an event of an exclusion lies between its steps, or after the first of them when the way ends before."""
    for names, after, before in exclusions:
        if len(way) < after:
            continue
        end = way[0] + window if window is not None else max(e.at for e in events) + 1
        until = way[before - 1] if len(way) >= before else end
        if any(e.names & names and way[after - 1] < e.at < min(until, end) for e in events):
            return True
    return False


def without_detour(events: Sequence[Event], steps: Steps, way: Sequence[int]) -> list[int]:
    """The way up to the first two steps between which an event of another step lies."""
    for i, (a, b) in enumerate(pairwise(way), 1):
        here = steps[i - 1] | steps[i]
        others = frozenset().union(*steps)
        if any(a < e.at < b and e.names & others and not e.names & here for e in events):
            return list(way[:i])
    return list(way)


def ordered(
    events: Iterable[Event],
    steps: Steps,
    window: int | None,
    once: bool,
    within: Mapping[int, int] | None = None,
    exclusions: Sequence[Exclusion] = (),
    strict: bool = False,
) -> dict[tuple[str, int], list[int]]:
    """(unit, entry) -> instants of the steps reached. `once`: a unit enters only the first time."""
    by_unit: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_unit[event.unit].append(event)
    result: dict[tuple[str, int], list[int]] = {}
    for unit, own in by_unit.items():
        starts = entries(own, steps[0], window)
        for entry in starts[:1] if once else starts:
            way = linked(own, steps, entry, window, within) if within else walk(own, steps, entry, window)
            if not is_excluded(own, way, window, exclusions):
                result[unit, entry] = without_detour(own, steps, way) if strict else way
    return result


def reached_at_all(events: Iterable[Event], steps: Steps) -> list[set[str]]:
    """Per step the units that have an event of it, whatever else they did."""
    own = list(events)
    return [{e.unit for e in own if e.names & step} for step in steps]


@dataclass
class Cart:
    """What happened to one cart: seconds of its events, and whether it was bought.

    `is_in_order`: a checkout came at or after the first thing added.
    """

    unit: str
    started: int
    touched: int | None = None
    adds: int = 0
    checkouts: int = 0
    value: Decimal = Decimal(0)
    is_in_order: bool = False
    bought: int | None = None


def carts(events: Iterable[tuple[str, int, str, str, Decimal]], window: int) -> list[Cart]:
    """Carts of (unit, second, key, name, value), walked one by one."""
    rank = {"add_to_cart": 1, "begin_checkout": 3, "purchase": 4}
    found: list[Cart] = []
    open_carts: dict[str, tuple[Cart, int]] = {}
    for unit, at, _, name, value in sorted(events, key=lambda e: (e[0], e[1], rank.get(e[3], 2), e[2])):
        cart, last = open_carts.get(unit, (None, 0))
        if cart is None or at - last >= window:
            cart = Cart(unit, at)
            found.append(cart)
        open_carts[unit] = (cart, at)
        if name == "purchase":
            cart.bought = at
            del open_carts[unit]
            continue
        cart.touched = at
        cart.adds += name == "add_to_cart"
        cart.checkouts += name == "begin_checkout"
        cart.is_in_order |= name == "begin_checkout" and cart.adds > 0
        cart.value += value * {"add_to_cart": 1, "remove_from_cart": -1}.get(name, 0)
    return found
