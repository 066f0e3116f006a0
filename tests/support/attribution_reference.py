"""Paths and rule-based credits by plain loops: what the attribution models are compared with."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from tests.support.attribution_models import Conversion, Touch

DIRECT = "Direct"
Steps = list[tuple[str, list[Touch]]]


def steps_of(touches: Sequence[Touch], *, collapse: bool, drop_direct: bool) -> Steps:
    """Channels of a path with their touches."""
    ordered = sorted(touches, key=lambda t: (t[2], t[0]))
    if drop_direct and any(t[3] != DIRECT for t in ordered):
        ordered = [t for t in ordered if t[3] != DIRECT]
    found: Steps = []
    for item in ordered:
        if collapse and found and found[-1][0] == item[3]:
            found[-1][1].append(item)
        else:
            found.append((item[3], [item]))
    return found


def paths_of(
    touches: Sequence[Touch],
    conversions: Sequence[Conversion],
    *,
    days: int,
    collapse: bool,
    drop_direct: bool,
) -> tuple[dict[str, Steps], list[Steps]]:
    """Paths by conversion, and paths without one."""
    by_person: dict[str | None, list[Touch]] = defaultdict(list)
    for item in touches:
        by_person[item[1]].append(item)
    window = dt.timedelta(days=days)
    converting: dict[str, Steps] = {}
    used: set[str] = set()
    for key, person, at, _ in conversions:
        before = [t for t in by_person[person] if person and at - window <= t[2] <= at]
        if before:
            used |= {t[0] for t in before}
            converting[key] = steps_of(before, collapse=collapse, drop_direct=drop_direct)
    others: list[Steps] = []
    for items in by_person.values():
        waiting = sorted((t for t in items if t[0] not in used), key=lambda t: (t[2], t[0]))
        while waiting:
            inside = [t for t in waiting if t[2] < waiting[0][2] + window]
            others.append(steps_of(inside, collapse=collapse, drop_direct=drop_direct))
            waiting = waiting[len(inside) :]
    return converting, others


def weights_of(steps: Steps) -> dict[str, list[float]]:
    """Weights of the rules, each summing to 1."""
    n = len(steps)
    last_named = max((i for i, (channel, _) in enumerate(steps) if channel != DIRECT), default=n - 1)
    ages = [(steps[-1][1][-1][2] - items[-1][2]).total_seconds() / 86400 for _, items in steps]
    decay = [0.5 ** (age / 7) for age in ages]
    one_at = [[1.0 if i == at else 0.0 for i in range(n)] for at in (0, n - 1, last_named)]
    position = [1 / n] * n if n <= 2 else [0.4, *[0.2 / (n - 2)] * (n - 2), 0.4]
    return {
        "first": one_at[0], "last": one_at[1], "last_non_direct": one_at[2], "linear": [1 / n] * n,
        "position": position, "time_decay": [w / sum(decay) for w in decay],
    }  # fmt: skip


def cents_of(revenue: Decimal, weights: Sequence[Fraction]) -> list[int]:
    """Cents by the largest remainder, ties to the earlier step."""
    exact = [weight * int(revenue * 100) for weight in weights]
    whole = [int(x // 1) for x in exact]
    left = int(revenue * 100) - sum(whole)
    for i in sorted(range(len(exact)), key=lambda i: (whole[i] - exact[i], i))[:left]:
        whole[i] += 1
    return whole
