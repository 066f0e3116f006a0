"""A lake written by hand: loads with rows of one's choice, complete or torn, in the types the connectors declare."""

from __future__ import annotations

import datetime as dt
import importlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion import registry
from ingestion.core.arrow import ARROW_TYPES, TIMESTAMP
from ingestion.core.bookkeeping import LOAD_METRICS, REJECTED_ROWS
from ingestion.core.connector import TableSpec
from ingestion.core.deletes import deletes_spec, merges_spec

Row = Mapping[str, Any]


def instant(text: str) -> dt.datetime:
    """`2026-01-05 09:30` as an instant in UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def vendor_specs(connector: str) -> dict[str, TableSpec]:
    """Table specs of a vendor's connector with their side tables."""
    tables = importlib.import_module(f"{registry.CONNECTORS[connector]}.schema").TABLES
    specs = {**tables, REJECTED_ROWS.name: REJECTED_ROWS, LOAD_METRICS.name: LOAD_METRICS}
    for spec in tables.values():
        specs[f"{spec.name}__deletes"] = deletes_spec(spec)
        specs[f"{spec.name}__merges"] = merges_spec(spec)
    return specs


@dataclass(frozen=True)
class Lake:
    """A lake below `root`."""

    root: Path

    def load(
        self,
        dataset: str,
        load_id: str,
        tables: Mapping[str, Sequence[Row]],
        specs: Mapping[str, TableSpec],
        *,
        complete: bool = True,
        without: Iterable[str] = (),
    ) -> None:
        """Write one load.

        Args:
            dataset: `<connector>__<connection>`.
            load_id: seconds since 1970 as text, as dlt writes it.
            tables: rows by table; text is parsed into the type of the column.
            specs: types of the tables.
            complete: write the marker that makes the load visible.
            without: columns that this load does not have (an older version of the connector).
        """
        for name, rows in tables.items():
            spec = specs[name]
            columns = {
                column: kind
                for column, kind in {**spec.columns, **spec.system_columns}.items()
                if column not in set(without)
            }
            unknown = {key for row in rows for key in row} - set(columns)
            assert not unknown, f"{name} has no columns {unknown}"
            arrays = [
                pa.array([_value(row.get(column), kind) for row in rows], ARROW_TYPES[kind])
                for column, kind in columns.items()
            ]
            table = pa.table(arrays, names=list(columns))
            table = table.append_column("_cx_row", pa.array(range(1, len(rows) + 1), pa.int64()))
            table = table.append_column("_dlt_load_id", pa.array([load_id] * len(rows), pa.string()))
            file = self.root / dataset / name / f"{load_id}.a1b2c3.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, file)
        if complete:
            self.mark_complete(dataset, load_id)

    def mark_complete(self, dataset: str, load_id: str) -> None:
        """Write the marker that dlt writes last."""
        marker = self.root / dataset / "_dlt_loads" / f"{dataset}__{load_id}.jsonl"
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.write_text(json.dumps({"load_id": load_id, "status": 0}) + "\n", encoding="utf-8")


def _value(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "timestamp" and isinstance(value, str):
        return pa.scalar(instant(value), TIMESTAMP).as_py()
    if kind == "date" and isinstance(value, str):
        return dt.date.fromisoformat(value)
    if kind == "decimal":
        return Decimal(str(value)).quantize(Decimal("0.0001"))
    if kind == "json" and not isinstance(value, str):
        return json.dumps(value)
    return value
