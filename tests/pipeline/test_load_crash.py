"""A load killed anywhere and run again equals a load that was never killed."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.core.connector import LoadError
from ingestion.core.lake import scan
from ingestion.settings import PROJECT_ROOT, Settings
from tests.support.killed_load import POINTS
from tests.support.loading import (
    current_file_rows,
    files_connection,
    installation,
    landed,
    load,
    without_system,
)

TABLE: dict[str, Any] = {
    "name": "orders",
    "glob": "in/*.csv",
    "format": "csv",
    "key": ["order_id"],
    "columns": [{"from": "order_id"}, {"from": "amount", "type": "decimal"}],
}


def deliver(folder: Path, *numbers: int) -> None:
    (folder / "in").mkdir(exist_ok=True)
    for number in numbers:
        lines = [f"{number}-{row},{row}" for row in range(50)]
        # one broken row a file
        (folder / "in" / f"{number}.csv").write_text(
            "\n".join(("order_id,amount", *lines, f"{number}-x,much", ""))
        )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    settings = installation(folder, files_connection(TABLE))
    deliver(folder, 1, 2, 3, 4, 5)
    load(settings)
    return without_system(current_file_rows(settings, "orders"))


def kill(settings: Settings, point: str) -> None:
    """One load that dies at `point`."""
    command = [
        sys.executable,
        "-m",
        "tests.support.killed_load",
        point,
        settings.home,
        settings.connections_file,
    ]
    process = subprocess.run(
        [str(part) for part in command], cwd=PROJECT_ROOT, capture_output=True, timeout=120
    )
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()


@pytest.mark.parametrize("point", POINTS)
def test_killed_and_run_again_equals_never_killed(
    tmp_path: Path, point: str, undisturbed: list[dict[str, Any]]
) -> None:
    settings = installation(tmp_path, files_connection(TABLE))
    deliver(tmp_path, 1, 2)
    load(settings)
    deliver(tmp_path, 3, 4)
    kill(settings, point)
    # a reader in between sees whole loads only
    assert len(landed(settings, "orders")) in (100, 200)
    deliver(tmp_path, 5)
    result = load(settings)
    assert result.recovered == (point != "in_extract")
    assert (result.total.read, result.total.loaded, result.total.rejected) == (153, 150, 3)
    assert without_system(current_file_rows(settings, "orders")) == undisturbed
    # nothing twice, not even in versions that staging leaves out
    assert len(landed(settings, "orders")) == 250
    assert len(landed(settings, "rejected_rows")) == 5
    assert load(settings).load_ids == []


@pytest.mark.parametrize("point", ["after_normalize", "before_the_mark", "after_the_mark"])
def test_killed_and_the_working_folder_lost_equals_never_killed(
    tmp_path: Path, point: str, undisturbed: list[dict[str, Any]]
) -> None:
    settings = installation(tmp_path, files_connection(TABLE))
    deliver(tmp_path, 1, 2)
    load(settings)
    deliver(tmp_path, 3, 4, 5)
    kill(settings, point)
    shutil.rmtree(settings.pipelines)
    settings.prepare()
    load(settings)
    assert without_system(current_file_rows(settings, "orders")) == undisturbed


def test_reading_every_file_of_the_lake_would_see_a_torn_one(tmp_path: Path) -> None:
    """Negative control: the load marks are what keeps half a file from readers."""
    settings = installation(tmp_path, files_connection(TABLE))
    deliver(tmp_path, 1)
    kill(settings, "in_load_inside_a_file")
    files = [f for f in (settings.lake / "files__shop").rglob("*.parquet") if f.parent.name[0] != "_"]
    with pytest.raises(pa.ArrowInvalid, match="magic bytes"):
        for file in files:
            pq.read_table(file)
    assert scan(settings.lake / "files__shop", "orders").num_rows == 0


def test_a_package_that_cannot_be_normalised_is_dropped_and_its_rows_are_read_again(
    tmp_path: Path, undisturbed: list[dict[str, Any]]
) -> None:
    settings = installation(tmp_path, files_connection(TABLE))
    deliver(tmp_path, 1, 2)
    load(settings)
    deliver(tmp_path, 3, 4, 5)
    kill(settings, "after_extract")
    (package,) = (settings.pipelines / "files__shop" / "normalize" / "extracted").iterdir()
    for file in package.rglob("*.parquet"):
        file.write_bytes(b"damaged on disk")
    load(settings)
    assert without_system(current_file_rows(settings, "orders")) == undisturbed
    assert load(settings).load_ids == []


def test_a_lake_that_cannot_be_written_is_named_and_the_package_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: list[dict[str, Any]]
) -> None:
    from fsspec.implementations.local import LocalFileSystem

    settings = installation(tmp_path, files_connection(TABLE))
    deliver(tmp_path, 1, 2, 3, 4, 5)
    with monkeypatch.context() as patch:

        def full(*arguments: Any, **more: Any) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(LocalFileSystem, "put_file", full)
        with pytest.raises(LoadError, match="No space left on device") as caught:
            load(settings)
    assert caught.value.connection == "shop"
    assert caught.value.next_step
    result = load(settings)
    assert result.recovered
    assert without_system(current_file_rows(settings, "orders")) == undisturbed
