"""Funnels in the connections file or in a file of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.core.errors import ConfigError
from ingestion.funnels import read_funnels
from ingestion.settings import PROJECT_ROOT

FUNNEL = """\
- id: shop
  name: Shop
  steps:
    - {name: view, event_names: [view_item]}
    - {name: buy, event_names: [purchase]}
"""


def test_a_funnel_has_defaults_that_are_written_down(tmp_path: Path) -> None:
    file = tmp_path / "funnels.yml"
    file.write_text(FUNNEL)
    (funnel,) = read_funnels(file)
    assert (funnel.window_hours, funnel.order_modes, [s.name for s in funnel.steps]) == (
        168,
        ("ordered",),
        ["view", "buy"],
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("name: buy", "name: view", 1, "step names must differ"),
        (", event_names: [purchase]", "", 5, "needs event_names"),
        ("name: Shop", "name: Shop\n  window_hours: 0", 3, "greater than or equal to 1"),
        ("name: Shop", "name: Shop\n  windw_hours: 5", 3, "Did you mean `window_hours`?"),
        ("name: view,", "name: view, within_minutes: 5,", 1, "the first step has no step before it"),
        ("name: Shop", "name: Shop\n  exclusions: [{after: view}]", 3, "needs event_names"),
        (
            "name: Shop",
            "name: Shop\n  exclusions: [{event_names: [search], after: look}]",
            1,
            "an exclusion names no step: look",
        ),
        (
            "name: Shop",
            "name: Shop\n  exclusions: [{event_names: [search], after: buy, before: view}]",
            1,
            "buy is not before view",
        ),
        (
            "name: Shop",
            "name: Shop\n  order_modes: [strict, any]\n  exclusions: [{event_names: [search]}]",
            1,
            "order mode any has no between",
        ),
    ],
)
def test_mistakes_in_a_funnel_name_their_line(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    file = tmp_path / "funnels.yml"
    file.write_text(FUNNEL.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        read_funnels(file)
    assert (caught.value.line, words in str(caught.value)) == (line, True)


def test_the_funnels_of_the_project_are_valid() -> None:
    assert read_funnels(PROJECT_ROOT / "dbt_project" / "funnels.yml")
