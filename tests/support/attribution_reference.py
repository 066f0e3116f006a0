"""Paths and rule-based credits by plain loops: what the attribution models are compared with."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
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


def text_of(channels: Sequence[str]) -> str:
    """Path text of channels."""
    return " > ".join(channels)


def counts_of(converting: Mapping[str, Steps], others: Sequence[Steps]) -> dict[str, tuple[int, int]]:
    """Conversions and failures of each path text."""
    texts = Counter(text_of([c for c, _ in steps]) for steps in converting.values())
    failures = Counter(text_of([c for c, _ in steps]) for steps in others)
    return {text: (texts[text], failures[text]) for text in texts | failures}


def removal_weights_of(
    channels: Sequence[str], counts: Mapping[str, tuple[int, int]], *, collapse: bool
) -> list[float]:
    """What the conversion rate of the path loses without each step, normalised; all to the last when nothing."""

    def rate(remaining: Sequence[str]) -> float:
        conversions, failures = counts.get(text_of(remaining), (0, 0))
        return conversions / (conversions + failures) if conversions else 0.0

    lost = []
    for i in range(len(channels)):
        remaining = [*channels[:i], *channels[i + 1 :]]
        if collapse:
            remaining = [c for j, c in enumerate(remaining) if j == 0 or remaining[j - 1] != c]
        lost.append(max(rate(channels) - rate(remaining), 0.0) if len(channels) > 1 else 0.0)
    return [x / sum(lost) for x in lost] if sum(lost) else [0.0] * (len(channels) - 1) + [1.0]


def shared_by(channels: Sequence[str], share: Mapping[str, float]) -> list[float]:
    """Weights of a path by the shares of its channels, each channel once; even when all are 0."""
    raw = [share[c] / channels.count(c) for c in channels]
    return [x / sum(raw) for x in raw] if sum(raw) else [1 / len(channels)] * len(channels)


def cents_of(revenue: Decimal, weights: Sequence[Fraction]) -> list[int]:
    """Cents by the largest remainder, ties to the earlier step."""
    exact = [weight * int(revenue * 100) for weight in weights]
    whole = [int(x // 1) for x in exact]
    left = int(revenue * 100) - sum(whole)
    for i in sorted(range(len(exact)), key=lambda i: (whole[i] - exact[i], i))[:left]:
        whole[i] += 1
    return whole
