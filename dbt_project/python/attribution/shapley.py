"""Shapley values of channels.

The worth of a set of channels is the conversion rate (or the revenue per path) of the paths that meet no other
channel. A channel's Shapley value is what it adds to the worth, averaged over all orders in which the channels can
come together; the values of all channels add up to the worth of all (Shapley 1953; Shao and Li, KDD 2011). A
channel whose paths convert below the average lowers the rate: its value is negative.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import comb

import numpy as np

from dbt_project.python.attribution.paths import Effects, Floats, Ints, Paths


def effects(paths: Paths, exact_channels: int, permutations: int, seed: int) -> Effects:
    """Shapley value of each channel in the conversion rate, and in the revenue per path.

    Args:
        paths: aggregated paths.
        exact_channels: up to so many channels every set is valued; above, orders are sampled.
        permutations: how many orders are sampled.
        seed: of the sampling: the same seed gives the same values.
    """
    count = len(paths.channels)
    if count <= exact_channels:
        values = [exact(worth_of_sets(paths, figures)) for figures in (paths.conversions, paths.value)]
    else:
        generator = np.random.default_rng(seed)
        orders = np.array([generator.permutation(count) for _ in range(permutations)])
        values = [
            sampled(partial(worth_along, paths, figures), orders)
            for figures in (paths.conversions, paths.value)
        ]
    return Effects(float(paths.conversions.sum() / max(paths.counts.sum(), 1)), values[0], values[1])


def worth_of_sets(paths: Paths, figures: Floats) -> Floats:
    """Figure per path of the paths whose channels all lie in a set, for every set.

    Args:
        paths: paths with n channels.
        figures: conversions or value of each path; shape (paths,).

    Returns:
        Shape (2^n,); bit i of the index stands for channel i. A set without paths is worth nothing.
    """
    count = len(paths.channels)
    members = paths.meets @ (1 << np.arange(count, dtype=np.int64))
    sums: list[Floats] = [
        np.bincount(members, given, 1 << count).astype(np.float64) for given in (figures, paths.counts)
    ]
    for bit in range(count):
        for given in sums:
            halves = given.reshape(-1, 2, 1 << bit)
            halves[:, 1] += halves[:, 0]
    return _ratio(*sums)


def worth_along(paths: Paths, figures: Floats, order: Ints) -> Floats:
    """Worth of the first 1, 2, … n channels of an order; shape (n,)."""
    place = np.empty(order.size, dtype=np.int64)
    place[order] = np.arange(order.size)
    complete = np.where(paths.meets, place, -1).max(axis=1)
    sums: list[Floats] = [
        np.cumsum(np.bincount(complete, given, order.size), dtype=np.float64)
        for given in (figures, paths.counts)
    ]
    return _ratio(*sums)


def _ratio(figures: Floats, counts: Floats) -> Floats:
    return np.divide(figures, counts, out=np.zeros_like(figures), where=counts > 0)


def exact(worth: Floats) -> Floats:
    """Shapley values of a game given by the worth of every set; shape (2^n,) to (n,)."""
    count = worth.size.bit_length() - 1
    sizes = np.zeros(1, dtype=np.int64)
    for _ in range(count):
        sizes = np.concatenate([sizes, sizes + 1])
    share = np.array([1 / (count * comb(count - 1, size)) for size in range(count)])
    values = np.empty(count)
    for bit in range(count):
        halves = worth.reshape(-1, 2, 1 << bit)
        before = sizes.reshape(-1, 2, 1 << bit)[:, 0]
        values[bit] = np.sum(share[before] * (halves[:, 1] - halves[:, 0]))
    return values


def sampled(worth_of_order: Callable[[Ints], Floats], orders: Ints) -> Floats:
    """Shapley values as averages over some orders; they still add up to the worth of all channels.

    Args:
        worth_of_order: worth of the first 1, 2, … n channels of an order; shape (n,) to (n,).
        orders: permutations of the n channels; shape (orders, n).
    """
    values = np.zeros(orders.shape[1])
    for order in orders:
        values[order] += np.diff(worth_of_order(order), prepend=0.0)
    return values / len(orders)
