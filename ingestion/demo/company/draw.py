"""Random draws made of integers only.

Floating-point functions (exp, log, pairwise sums) may differ in the last bit between processors, and one bit is enough
to move an event into another second. Every draw here is integer arithmetic on a seeded PCG64 stream, so that the same
seed gives the same bytes on every machine.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

PPM = 1_000_000
"""Probabilities are given in parts per million."""


class Stream:
    """One independent random stream; a subject draws from its own, so that a change in one moves no other.

    Args:
        seed: Seed of the company.
        name: Subject of the stream, for example ``"web.sessions"``.
    """

    def __init__(self, seed: int, name: str) -> None:
        """Open the stream of one subject."""
        self._rng = np.random.Generator(
            np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(name.encode())]))
        )

    def below(self, high: int | IntArray, size: int) -> IntArray:
        """Uniform integers in [0, high), shape (size,)."""
        return self._rng.integers(0, high, size=size, dtype=np.int64)

    def between(self, low: int, high: int, size: int) -> IntArray:
        """Uniform integers in [low, high], shape (size,)."""
        return self._rng.integers(low, high + 1, size=size, dtype=np.int64)

    def chance(self, ppm: int | IntArray, size: int) -> BoolArray:
        """True with a probability of ``ppm`` parts per million, shape (size,)."""
        return self.below(PPM, size) < ppm

    def pick(self, weights: Sequence[int] | IntArray, size: int) -> IntArray:
        """Indexes drawn in proportion to integer weights, shape (size,)."""
        edges = np.cumsum(np.asarray(weights, dtype=np.int64))
        return np.searchsorted(edges, self.below(int(edges[-1]), size), side="right").astype(np.int64)

    def curve(self, points: Sequence[int], size: int) -> IntArray:
        """Integers from a distribution given by equally spaced quantiles (first = minimum, last = maximum)."""
        table = np.asarray(points, dtype=np.int64)
        spot = self.below((len(table) - 1) << 16, size)
        left, part = spot >> 16, spot & 0xFFFF
        return table[left] + ((table[left + 1] - table[left]) * part >> 16)

    def shuffled(self, size: int) -> IntArray:
        """The numbers 0 … size-1 in random order."""
        return self._rng.permutation(size).astype(np.int64)

    def one(self, low: int, high: int) -> int:
        """One uniform integer in [low, high]."""
        return int(self._rng.integers(low, high + 1))

    def yes(self, ppm: int) -> bool:
        """One draw: true with a probability of ``ppm`` parts per million."""
        return int(self._rng.integers(0, PPM)) < ppm
