"""Where the reference data lies, and how a test asks for it.

The files belong to others and are never copied into this repository; a test that needs them is skipped
with a message where they are absent. `CX_REFERENCE_DATA` names another place.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT_ROOT = Path(__file__).resolve().parents[2]
REFERENCE_DATA = Path(os.environ.get("CX_REFERENCE_DATA", PROJECT_ROOT.parent / "shared" / "data")).resolve()


def require_reference_data(*parts: str) -> Path:
    """Return a path below the reference data, or skip the calling test with the reason."""
    path = REFERENCE_DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"reference data absent: {path} (set CX_REFERENCE_DATA to the folder that holds it)")
    return path


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file, gzipped or not, as text exactly as written."""
    open_text = gzip.open if path.suffix == ".gz" else Path.open
    with open_text(path, "rt", encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle)
