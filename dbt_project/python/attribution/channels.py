"""Channels under every data-driven model, with how stable their shares and ranks are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dbt_project.python.attribution import shapley
from dbt_project.python.attribution.markov import Chain
from dbt_project.python.attribution.paths import Effects, Floats, Ints, Paths

INTERVAL = (2.5, 97.5)  # percentiles of a 95 % interval
Estimator = Callable[[Paths], Effects]


@dataclass(frozen=True)
class Settings:
    """What the estimates depend on besides the paths.

    Attributes:
        bootstrap_samples: how often the paths are drawn again for the intervals.
        shapley_exact_channels: up to so many channels the Shapley values are exact.
        shapley_permutations: orders sampled above it.
        seed: of every random draw.
    """

    bootstrap_samples: int
    shapley_exact_channels: int
    shapley_permutations: int
    seed: int


def estimators(paths: Paths, settings: Settings) -> dict[str, Estimator]:
    """The data-driven models by name, laid out for these paths."""
    return {
        "markov_1": Chain(paths, 1).effects,
        "markov_2": Chain(paths, 2).effects,
        "shapley": lambda given: shapley.effects(
            given, settings.shapley_exact_channels, settings.shapley_permutations, settings.seed
        ),
    }


def channel_rows(paths: Paths, settings: Settings) -> list[dict[str, Any]]:
    """One row per model and channel: effects, shares, ranks and their 95 % intervals.

    Without a converting path there is nothing to learn from, and no row.
    """
    if not paths.conversions.sum() > 0:
        return []
    rows: list[dict[str, Any]] = []
    # Drawn once: the draws take a third of the time of all models together.
    draws = drawn_again(paths, settings.bootstrap_samples, settings.seed)
    for method, estimate in estimators(paths, settings).items():
        found = estimate(paths)
        share, value_share = shares(found.by_conversion), shares(found.by_value)
        rank = ranks(share)
        drawn = stability(draws, estimate)
        met, converted = paths.counts @ paths.meets, paths.conversions @ paths.meets
        for number, channel in enumerate(paths.channels):
            rows.append({
                "method": method,
                "channel": channel,
                "effect": float(found.by_conversion[number]),
                "value_effect": float(found.by_value[number]),
                "share": float(share[number]),
                "value_share": float(value_share[number]),
                "share_rank": int(rank[number]),
                "share_low": float(drawn.share_low[number]),
                "share_high": float(drawn.share_high[number]),
                "share_rank_low": int(drawn.rank_low[number]),
                "share_rank_high": int(drawn.rank_high[number]),
                "path_count": round(met[number]),
                "converting_path_count": round(converted[number]),
            })  # fmt: skip
    return rows


@dataclass(frozen=True)
class Stability:
    """95 % intervals per channel, in the order of `Paths.channels`.

    Attributes:
        share_low: lower end of the share, 0-1.
        share_high: upper end.
        rank_low: best rank, 1 = largest share.
        rank_high: worst rank.
    """

    share_low: Floats
    share_high: Floats
    rank_low: Ints
    rank_high: Ints


def shares(effect: Floats) -> Floats:
    """Effects as shares of their sum; a negative effect earns nothing. Zeros when no effect is positive."""
    positive = np.maximum(effect, 0)
    total = positive.sum()
    return positive / total if total > 0 else positive


def ranks(share: Floats) -> Ints:
    """Place of each channel, 1 = largest share; equal shares keep the order of the channels."""
    place = np.empty(share.size, dtype=np.int64)
    # Rounded: shares that differ in the last bit are equal.
    place[np.argsort(-np.round(share, 12), kind="stable")] = np.arange(1, share.size + 1)
    return place


def bootstrap(paths: Paths, estimate: Estimator, samples: int, seed: int) -> Stability:
    """Draw as many paths again as there are, with replacement, and see where shares and ranks fall.

    Args:
        paths: aggregated paths.
        estimate: model of a set of paths.
        samples: how often to draw, 1 or more.
        seed: of the generator: the same seed gives the same intervals.
    """
    return stability(drawn_again(paths, samples, seed), estimate)


def drawn_again(paths: Paths, samples: int, seed: int) -> list[Paths]:
    """The same paths, so many times with counts drawn with replacement."""
    generator = np.random.default_rng(seed)
    counts = np.concatenate([paths.conversions, paths.nulls])
    drawn = (
        np.split(generator.multinomial(int(counts.sum()), counts / counts.sum()).astype(float), 2)
        for _ in range(samples)
    )
    return [paths.with_counts(conversions, nulls) for conversions, nulls in drawn]


def stability(draws: Sequence[Paths], estimate: Estimator) -> Stability:
    """Where shares and ranks of the same channels fall in several draws, at least one."""
    drawn_shares = np.array([shares(estimate(drawn).by_conversion) for drawn in draws])
    drawn_ranks = np.array([ranks(drawn) for drawn in drawn_shares], dtype=np.float64)
    share_low, share_high = np.percentile(drawn_shares, INTERVAL, axis=0)
    # A rank that was drawn: between two ranks there is none.
    rank_low = np.percentile(drawn_ranks, INTERVAL[0], axis=0, method="lower").astype(np.int64)
    rank_high = np.percentile(drawn_ranks, INTERVAL[1], axis=0, method="higher").astype(np.int64)
    return Stability(share_low, share_high, rank_low, rank_high)
