"""Aggregated paths: what every estimator of this package reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

SEPARATOR = " > "
Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Paths:
    """Distinct paths with how often they ended in a conversion and how often in none.

    Attributes:
        steps: channels of each path in order, at least one; length = paths.
        channels: channels that occur, sorted.
        meets: whether a path meets a channel; shape (paths, channels).
        conversions: times the path ended in a conversion; shape (paths,).
        value: revenue of these conversions, in one currency; shape (paths,).
        nulls: times it ended without; shape (paths,).
    """

    steps: tuple[tuple[str, ...], ...]
    channels: tuple[str, ...]
    meets: NDArray[np.bool_]
    conversions: Floats
    value: Floats
    nulls: Floats

    @classmethod
    def of(cls, rows: Iterable[tuple[str, float, float | None, float]]) -> Paths:
        """Paths of rows (path text, conversions, value, nulls); rows of the same path are added up.

        The order of the rows does not matter.
        """
        sums: dict[str, list[tuple[float, ...]]] = {}
        for path, *figures in rows:
            sums.setdefault(path, []).append(tuple(float(figure or 0) for figure in figures))
        # Sorted before adding: a sum of floating-point numbers depends on their order.
        table = np.array([np.sum(sorted(sums[path]), axis=0) for path in sorted(sums)]).reshape(-1, 3)
        steps = tuple(tuple(path.split(SEPARATOR)) for path in sorted(sums))
        channels = tuple(sorted({channel for path in steps for channel in path}))
        meets = np.array([[channel in path for channel in channels] for path in steps], dtype=bool)
        return cls(steps, channels, meets.reshape(len(steps), len(channels)), *table.T)

    @property
    def counts(self) -> Floats:
        """Times each path was taken; shape (paths,)."""
        return self.conversions + self.nulls

    def with_counts(self, conversions: Floats, nulls: Floats) -> Paths:
        """The same paths with other counts; the mean value of a path's conversions stays."""
        mean = np.divide(
            self.value, self.conversions, out=np.zeros_like(self.value), where=self.conversions > 0
        )
        return replace(self, conversions=conversions, value=mean * conversions, nulls=nulls)


@dataclass(frozen=True)
class Effects:
    """What a model finds about each channel, in the order of `Paths.channels`.

    Attributes:
        conversion_rate: conversions per path that the model gives with all channels.
        by_conversion: effect on conversions; shape (channels,).
        by_value: effect on value; shape (channels,); zeros where there is no value.
    """

    conversion_rate: float
    by_conversion: Floats
    by_value: Floats
