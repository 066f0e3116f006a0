"""Removal effects of channels in a Markov chain over paths.

A state is the last `order` channels of a path; start leads into the first, and a path ends in conversion or null.
The removal effect of a channel is the share of conversions lost when everybody who would reach it goes to null
instead (Anderl, Becker, von Wangenheim, Schumann, IJRM 33(3), 2016).
"""

from __future__ import annotations

import numpy as np

from dbt_project.python.attribution.paths import Effects, Floats, Ints, Paths


class Chain:
    """States and steps of a set of paths; probabilities follow from the counts of the paths."""

    def __init__(self, paths: Paths, order: int) -> None:
        """Lay out the states of a chain with a memory of `order` channels, 1 or more."""
        if order < 1:
            raise ValueError(f"the order of a Markov chain is 1 or more, not {order}")
        states: dict[tuple[str, ...], int] = {}
        steps: list[tuple[int, int, int]] = []  # path, from, to
        last: list[int] = []
        for number, path in enumerate(paths.steps):
            state = 0  # start
            for end in range(1, len(path) + 1):
                following = states.setdefault(path[max(0, end - order) : end], len(states) + 1)
                steps.append((number, state, following))
                state = following
            last.append(state)
        self.size = len(states) + 1
        self._path, origin, target = np.array(steps, dtype=np.int64).reshape(-1, 3).T
        self._moves: Ints = origin * self.size + target
        self._last: Ints = np.array(last, dtype=np.int64)
        ends = np.array(["", *(state[-1] for state in states)])
        self._members: tuple[Ints, ...] = tuple(np.flatnonzero(ends == channel) for channel in paths.channels)

    def probabilities(self, paths: Paths) -> tuple[Floats, Floats, Floats]:
        """Transition matrix between states, and what follows at once from each state.

        Args:
            paths: the paths that the chain was laid out for, or the same with other counts.

        Returns:
            Probabilities (states, states); probability of conversion (states,); expected value (states,) in the
            unit of the paths' value. A state that is never left has zeros.
        """
        counts = paths.counts
        moves = np.bincount(self._moves, counts[self._path], self.size**2).reshape(self.size, self.size)
        left = moves.sum(axis=1) + np.bincount(self._last, counts, self.size)
        left[left == 0] = 1
        converted = np.bincount(self._last, paths.conversions, self.size)
        value = np.bincount(self._last, paths.value, self.size)
        return moves / left[:, None], converted / left, value / left

    def effects(self, paths: Paths) -> Effects:
        """Removal effect of each channel.

        With F = (I - Q)^-1, the expected visits, and K the states that end in a channel, the chance to convert
        without ever meeting K is x_start - F_start,K (F_K,K)^-1 x_K, where x is the chance to convert from each
        state: one inverse serves all channels. Value is treated like the chance, as what a conversion is worth
        on average from its last state.

        Args:
            paths: the paths that the chain was laid out for, or the same with other counts.
        """
        moves, converted, value = self.probabilities(paths)
        visits = np.linalg.inv(np.eye(self.size) - moves)
        outcomes = visits @ np.column_stack([converted, value])
        lost = np.zeros((len(paths.channels), 2))
        for number, members in enumerate(self._members):
            first_hits = np.linalg.solve(visits[np.ix_(members, members)].T, visits[0, members])
            lost[number] = first_hits @ outcomes[members]
        removal = np.divide(lost, outcomes[0], out=np.zeros_like(lost), where=outcomes[0] > 0)
        return Effects(float(outcomes[0, 0]), removal[:, 0], removal[:, 1])
