"""Reading the lake: only loads that `_dlt_loads` calls complete exist for a reader."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_LOAD_MARK = re.compile(r"__([0-9]+\.[0-9]+)\.jsonl$")
_LOAD_OF_STATE = re.compile(r"__([0-9]+\.[0-9]+)__[0-9a-f]+\.jsonl$")
_LOAD_OF_FILE = re.compile(r"^([0-9]+\.[0-9]+)\.")


def completed_loads(dataset_dir: Path) -> list[str]:
    """Ids of the completed loads of a dataset, oldest first."""
    folder = dataset_dir / "_dlt_loads"
    if not folder.is_dir():
        return []
    found = (_LOAD_MARK.search(file.name) for file in folder.iterdir())
    return sorted((match.group(1) for match in found if match), key=Decimal)


def completed_files(dataset_dir: Path, table: str, load_ids: Iterable[str] | None = None) -> list[Path]:
    """Parquet files of a table that belong to completed loads, oldest load first.

    Args:
        dataset_dir: `lake/<connector>__<connection>`.
        table: name of the table.
        load_ids: only these loads; default all completed ones.
    """
    folder = dataset_dir / table
    if not folder.is_dir():
        return []
    wanted = set(completed_loads(dataset_dir) if load_ids is None else load_ids)
    files: list[tuple[Decimal, str, Path]] = []
    for file in folder.glob("*.parquet"):
        match = _LOAD_OF_FILE.match(file.name)
        if match and match.group(1) in wanted:
            files.append((Decimal(match.group(1)), file.name, file))
    return [file for _, _, file in sorted(files)]


def scan(dataset_dir: Path, table: str, columns: Sequence[str] | None = None) -> pa.Table:
    """All completed rows of a table, every version of them, oldest load first.

    Files written under another declaration of the columns are brought together by name; a column whose type
    has changed becomes the wider type. An absent table is an empty Arrow table without columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    parts = [
        pq.ParquetFile(file).read(columns=list(columns) if columns else None)
        for file in completed_files(dataset_dir, table)
    ]
    plain = [_without_dictionaries(part) for part in parts]
    return pa.concat_tables(plain, promote_options="permissive") if plain else pa.table({})


def _without_dictionaries(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    for index, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(index, field.name, table.column(index).cast(field.type.value_type))
    return table


def landed_types(dataset_dir: Path, table: str) -> dict[str, pa.DataType]:
    """Columns of a table as its newest completed file has them; empty when nothing has landed."""
    import pyarrow.parquet as pq

    files = completed_files(dataset_dir, table)
    if not files:
        return {}
    return {field.name: field.type for field in pq.read_schema(files[-1])}


def forget_unfinished_states(dataset_dir: Path) -> None:
    """Remove cursors of loads that never completed; to be called when no package is pending.

    dlt writes the state of a load before its mark, and reads the newest state whether its load is complete or not:
    a run that died in between, with its working folder lost, would leave cursors ahead of the rows.
    """
    folder = dataset_dir / "_dlt_pipeline_state"
    if not folder.is_dir():
        return
    complete = set(completed_loads(dataset_dir))
    for file in folder.iterdir():
        match = _LOAD_OF_STATE.search(file.name)
        if match and match.group(1) not in complete:
            file.unlink()


def row_counts(dataset_dir: Path, load_ids: Sequence[str]) -> dict[str, int]:
    """Rows per table in the Parquet footers of the given loads; tables without rows are absent."""
    import pyarrow.parquet as pq

    counts: dict[str, int] = {}
    if not dataset_dir.is_dir():
        return counts
    for folder in sorted(dataset_dir.iterdir()):
        if folder.is_dir() and not folder.name.startswith("_dlt"):
            for file in completed_files(dataset_dir, folder.name, load_ids):
                counts[folder.name] = counts.get(folder.name, 0) + pq.read_metadata(file).num_rows
    return counts
