"""Removal effects and Shapley values against hand-worked numbers, brute force and a published package."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Iterator
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbt_project.python.attribution import shapley
from dbt_project.python.attribution.channels import (
    Settings,
    bootstrap,
    channel_rows,
    estimators,
    ranks,
    shares,
)
from dbt_project.python.attribution.markov import Chain
from dbt_project.python.attribution.paths import SEPARATOR, Paths

Row = tuple[str, float, float, float]

# Four people see A and two of them buy; two see A then B, one buys; two see B, nobody buys.
WORKED: list[Row] = [("A", 2, 200.0, 2), ("A > B", 1, 60.0, 1), ("B", 0, 0.0, 2)]
EXACT = Settings(bootstrap_samples=20, shapley_exact_channels=12, shapley_permutations=400, seed=7)


def steps(path: str) -> tuple[str, ...]:
    return tuple(path.split(SEPARATOR))


path_texts = st.lists(st.sampled_from("ABCDE"), min_size=1, max_size=4).map(SEPARATOR.join)
path_row = st.builds(
    lambda path, conversions, worth, nulls: (path, conversions, conversions * worth, nulls),
    path_texts, st.integers(0, 5), st.integers(0, 100).map(float), st.integers(0, 5),
).filter(lambda row: row[1] + row[3] > 0)  # fmt: skip
path_rows = st.lists(path_row, min_size=1, max_size=12).filter(lambda rows: any(row[1] for row in rows))


class TestMarkov:
    """Removal effects."""

    def test_the_worked_example(self) -> None:
        """Start leads to A in 6 of 8 and to B in 2 of 8; A converts in 2 of 6, leads to B in 2 of 6; B converts in
        1 of 4. So 3/4 (1/3 + 1/3 x 1/4) + 1/4 x 1/4 = 3/8 convert. Without A 1/16 is left, without B 1/4.
        """
        found = Chain(Paths.of(WORKED), 1).effects(Paths.of(WORKED))
        assert found.conversion_rate == pytest.approx(3 / 8)
        assert found.by_conversion == pytest.approx([1 - (1 / 16) / (3 / 8), 1 - (1 / 4) / (3 / 8)])

    def test_value_is_what_a_conversion_is_worth_from_its_last_step(self) -> None:
        """At once 200 / 6 from A, 60 / 4 from B: 32.5 in all, 1/4 x 15 without A, 3/4 x 200 / 6 without B."""
        found = Chain(Paths.of(WORKED), 1).effects(Paths.of(WORKED))
        assert found.by_value == pytest.approx([1 - 3.75 / 32.5, 1 - 25 / 32.5])

    def test_a_memory_of_two_keeps_b_after_a_apart_from_b(self) -> None:
        """B alone never converts, B after A in 1 of 2: without A nothing is left."""
        found = Chain(Paths.of(WORKED), 2).effects(Paths.of(WORKED))
        assert found.by_conversion == pytest.approx([1, 1 - (1 / 4) / (3 / 8)])

    @settings(max_examples=60, deadline=None)
    @given(path_rows, st.integers(1, 3))
    def test_the_chain_converts_as_often_as_the_paths(self, rows: list[Row], order: int) -> None:
        paths = Paths.of(rows)
        found = Chain(paths, order).effects(paths)
        assert found.conversion_rate == pytest.approx(paths.conversions.sum() / paths.counts.sum())

    @settings(max_examples=60, deadline=None)
    @given(path_rows, st.integers(1, 3))
    def test_effects_equal_a_walk_of_all_probability_through_the_chain(
        self, rows: list[Row], order: int
    ) -> None:
        """Probability is pushed step by step from the start until nothing is left: no matrix is inverted."""
        paths = Paths.of(rows)
        found = Chain(paths, order).effects(paths)
        base = pushed(paths, order, None)
        for channel, conversions, value in zip(
            paths.channels, found.by_conversion, found.by_value, strict=True
        ):
            without = pushed(paths, order, channel)
            assert conversions == pytest.approx(1 - without[0] / base[0], abs=1e-9)
            if base[1]:
                assert value == pytest.approx(1 - without[1] / base[1], abs=1e-9)

    @settings(max_examples=60, deadline=None)
    @given(path_rows)
    def test_with_a_full_memory_the_effect_is_the_share_of_conversions_that_met_the_channel(
        self, rows: list[Row]
    ) -> None:
        paths = Paths.of(rows)
        found = Chain(paths, 4).effects(paths)
        for channel, effect in zip(paths.channels, found.by_conversion, strict=True):
            met = sum(n for path, n in zip(paths.steps, paths.conversions, strict=True) if channel in path)
            assert effect == pytest.approx(met / paths.conversions.sum())

    def test_effects_are_what_random_walkers_lose(self) -> None:
        """20,000 walkers per removal; three standard errors are about one point."""
        rows: list[Row] = [*WORKED, ("B > A > C", 4, 0, 3), ("C > B > C > A", 3, 0, 5), ("C", 1, 0, 9)]
        paths = Paths.of(rows)
        found = Chain(paths, 1).effects(paths)
        walkers, generator = 20_000, random.Random(3)
        base = walked(paths, None, walkers, generator)
        for channel, effect in zip(paths.channels, found.by_conversion, strict=True):
            assert 1 - walked(paths, channel, walkers, generator) / base == pytest.approx(effect, abs=0.05)

    def test_an_order_below_one_is_refused(self) -> None:
        with pytest.raises(ValueError, match="1 or more, not 0"):
            Chain(Paths.of(WORKED), 0)


def transitions(paths: Paths, order: int) -> dict[tuple[str, ...], dict[tuple[str, ...] | str, float]]:
    """Probabilities between states as a dictionary; the empty state is the start."""
    counts: dict[tuple[str, ...], dict[tuple[str, ...] | str, float]] = defaultdict(
        lambda: defaultdict(float)
    )
    for path, conversions, nulls in zip(paths.steps, paths.conversions, paths.nulls, strict=True):
        state: tuple[str, ...] = ()
        for channel in path:
            following = (*state, channel)[-order:]
            counts[state][following] += conversions + nulls
            state = following
        counts[state]["conversion"] += conversions
        counts[state]["null"] += nulls
    return {
        s: {t: n / sum(to.values()) for t, n in to.items()} for s, to in counts.items() if sum(to.values())
    }


def pushed(paths: Paths, order: int, removed: str | None) -> tuple[float, float]:
    """Chance to convert and expected value when whoever reaches `removed` leaves."""
    chain = transitions(paths, order)
    last_states: dict[tuple[str, ...], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for path, conversions, value in zip(paths.steps, paths.conversions, paths.value, strict=True):
        last_states[path[-order:]][0] += conversions
        last_states[path[-order:]][1] += value
    at, converted, worth = {(): 1.0}, 0.0, 0.0
    while sum(at.values()) > 1e-13:
        following: dict[tuple[str, ...], float] = defaultdict(float)
        for state, mass in at.items():
            for target, chance in chain[state].items():
                if target == "conversion" and chance:
                    converted += mass * chance
                    worth += mass * chance * last_states[state][1] / last_states[state][0]
                elif isinstance(target, tuple) and target[-1] != removed:
                    following[target] += mass * chance
        at = following
    return converted, worth


def walked(paths: Paths, removed: str | None, walkers: int, generator: random.Random) -> int:
    """Walkers that convert when whoever reaches `removed` leaves."""
    chain = {s: (list(to), list(to.values())) for s, to in transitions(paths, 1).items()}
    converted = 0
    for _ in range(walkers):
        state: tuple[str, ...] | str = ()
        while isinstance(state, tuple):
            state = generator.choices(*chain[state])[0]
            if isinstance(state, tuple) and state[-1] == removed:
                break
        converted += state == "conversion"
    return converted


class TestShapley:
    """Shapley values."""

    def test_the_worked_example(self) -> None:
        """v(A) = 2/4, v(B) = 0/2, v(AB) = 3/8: A gets (1/2 + 3/8) / 2, B gets (0 - 1/8) / 2."""
        found = shapley.effects(Paths.of(WORKED), 12, 1, 1)
        assert found.by_conversion == pytest.approx([7 / 16, -1 / 16])
        assert found.by_value == pytest.approx([(50 + 32.5) / 2, (0 - 17.5) / 2])

    @settings(max_examples=60, deadline=None)
    @given(path_rows)
    def test_values_equal_the_mean_over_all_orders(self, rows: list[Row]) -> None:
        paths = Paths.of(rows)
        found = shapley.effects(paths, 12, 1, 1)
        expected = dict.fromkeys(paths.channels, 0.0)
        for order in itertools.permutations(paths.channels):
            for i, channel in enumerate(order):
                expected[channel] += worth(paths, order[: i + 1]) - worth(paths, order[:i])
        count = factorial(len(paths.channels))
        assert found.by_conversion == pytest.approx([expected[c] / count for c in paths.channels])

    @settings(max_examples=60, deadline=None)
    @given(path_rows, st.sampled_from([0, 12]))
    def test_values_add_up_to_the_worth_of_all_channels(self, rows: list[Row], exact_channels: int) -> None:
        """Also when orders are sampled."""
        paths = Paths.of(rows)
        found = shapley.effects(paths, exact_channels, 20, 1)
        assert found.by_conversion.sum() == pytest.approx(paths.conversions.sum() / paths.counts.sum())
        assert found.by_value.sum() == pytest.approx(paths.value.sum() / paths.counts.sum())

    def test_sampled_values_come_near_the_exact_ones_and_are_the_same_again(self) -> None:
        paths = Paths.of(
            (SEPARATOR.join(pair), i + 1, 10.0 * i, 20 - i)
            for i, pair in enumerate(itertools.combinations("ABCDE", 2))
        )
        exact = shapley.effects(paths, 12, 0, 1).by_conversion
        sampled = shapley.effects(paths, 0, 4000, 1).by_conversion
        assert sampled == pytest.approx(exact, abs=0.01)
        assert (sampled == shapley.effects(paths, 0, 4000, 1).by_conversion).all()

    def test_textbook_game(self) -> None:
        """Gloves: one has a left glove, two a right one, a pair is worth 1: 2/3, 1/6, 1/6."""
        worth = np.array([0, 0, 0, 1, 0, 1, 0, 1], dtype=float)
        assert shapley.exact(worth) == pytest.approx([2 / 3, 1 / 6, 1 / 6])


def worth(paths: Paths, members: tuple[str, ...]) -> float:
    """Conversion rate of the paths that meet no channel but these."""
    inside = [i for i, path in enumerate(paths.steps) if set(path) <= set(members)]
    count = sum(paths.counts[i] for i in inside)
    return sum(paths.conversions[i] for i in inside) / count if count else 0.0


class TestChannels:
    """Shares, ranks and their intervals."""

    def test_a_negative_effect_earns_nothing(self) -> None:
        assert shares(np.array([0.3, -0.1, 0.1])) == pytest.approx([0.75, 0, 0.25])
        assert shares(np.array([-0.3, 0.0])).tolist() == [0, 0]

    def test_equal_shares_rank_in_the_order_of_the_channels(self) -> None:
        assert ranks(np.array([0.2, 0.4, 0.4 + 1e-16])).tolist() == [3, 1, 2]

    def test_nothing_is_learnt_without_a_conversion(self) -> None:
        assert channel_rows(Paths.of([]), EXACT) == []
        assert channel_rows(Paths.of([("A", 0, None, 9)]), EXACT) == []

    @settings(max_examples=15, deadline=None)
    @given(path_rows, st.randoms(use_true_random=False))
    def test_the_order_of_the_paths_changes_nothing(self, rows: list[Row], generator: random.Random) -> None:
        shuffled = generator.sample(rows, len(rows))
        fast = Settings(2, 12, 10, 7)
        assert channel_rows(Paths.of(rows), fast) == channel_rows(Paths.of(shuffled), fast)

    def test_few_paths_leave_the_ranks_open_and_many_settle_them(self) -> None:
        """A converts in 12 %, B in 10 %: 100 paths each cannot tell them apart, 100,000 can."""
        few = Paths.of([("A", 12, 0, 88), ("B", 10, 0, 90)])
        many = Paths.of([("A", 12_000, 0, 88_000), ("B", 10_000, 0, 90_000)])
        open_ranks, settled = (
            bootstrap(paths, estimators(paths, EXACT)["markov_1"], 200, 1) for paths in (few, many)
        )
        assert (open_ranks.rank_low.tolist(), open_ranks.rank_high.tolist()) == ([1, 1], [2, 2])
        assert (settled.rank_low.tolist(), settled.rank_high.tolist()) == ([1, 2], [1, 2])

    def test_intervals_are_those_of_a_share(self) -> None:
        """One channel's share of 200 conversions in two channels: a binomial of 200 draws around one half."""
        paths = Paths.of([("A", 100, 0, 0), ("B", 100, 0, 0)])
        drawn = bootstrap(paths, estimators(paths, EXACT)["markov_1"], 2000, 1)
        half_width = 1.96 * (0.25 / 200) ** 0.5
        assert drawn.share_low[0] == pytest.approx(0.5 - half_width, abs=0.01)
        assert drawn.share_high[0] == pytest.approx(0.5 + half_width, abs=0.01)


def test_every_channel_has_a_row_under_every_method() -> None:
    rows = channel_rows(Paths.of(WORKED), EXACT)
    assert [(row["method"], row["channel"]) for row in rows] == [
        (method, channel) for method in ("markov_1", "markov_2", "shapley") for channel in "AB"
    ]
    assert [(row["path_count"], row["converting_path_count"]) for row in rows[:2]] == [(6, 3), (4, 1)]


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    with np.errstate(all="raise"):
        yield
