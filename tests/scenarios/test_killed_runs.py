"""`kill -9` anywhere, then `cx run`; run after run over the same sources: always the tables of a single run."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.support.demo import DemoWarehouse, generate
from tests.support.killed_run import POINTS

# Five runs one after another: 350 s beside two busy workers of the tests on two cores.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def kill_at(home: DemoWarehouse, point: str) -> subprocess.CompletedProcess[str]:
    return home.serve(sys.executable, "-m", "tests.support.killed_run", point, check=False)


def test_a_run_killed_in_extract_load_dbt_and_publish_ends_as_if_never_killed(
    tmp_path, tmp_path_factory, request
):
    """Each kill hits the run that repairs the one before, so every later point starts from a crashed state.

    The last run loads and builds once more what the one killed in publish had built: that changes nothing either.
    """
    home = generate(tmp_path_factory, tmp_path)
    for point in POINTS:
        killed = kill_at(home, point)
        assert killed.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), (point, killed.stderr[-3000:])
        assert not (home.settings.published / "current").exists(), point
    assert "loaded 0 rows" in home.run()
    undisturbed = request.getfixturevalue("demo")  # only now: another worker builds it meanwhile
    assert home.published_tables() == undisturbed.published_tables()
    assert home.lake_rows() == undisturbed.lake_rows()
