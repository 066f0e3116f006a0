"""Writing of files: same content, same bytes; an unchanged file is left alone, so its time of change stays."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def put(path: Path, content: bytes) -> None:
    """Write a file unless it already holds exactly this."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    fresh.replace(path)


def jsonl(records: Iterable[dict[str, Any]]) -> bytes:
    """One JSON object per line, UTF-8."""
    lines = [json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in records]
    return "".join(f"{line}\n" for line in lines).encode()


def csv_text(header: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    """Comma-separated text with a header; None is an empty field."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def parquet(table: pa.Table) -> bytes:
    """Parquet bytes with fixed settings."""
    out = io.BytesIO()
    pq.write_table(
        table, out, compression="zstd", compression_level=3, version="2.6", data_page_version="1.0",
        row_group_size=1 << 20, write_statistics=True, store_schema=False,
    )  # fmt: skip
    return out.getvalue()


def keep_only(folder: Path, wanted: set[str], pattern: str) -> None:
    """Remove files of an earlier, longer generation."""
    for path in folder.glob(pattern):
        if path.name not in wanted:
            path.unlink()
