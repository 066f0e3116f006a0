"""Files of real companies land with the figures that their authors, or the standard library, count."""

from __future__ import annotations

import shutil
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.core.lake import scan
from tests.support.loading import (
    current_file_rows,
    files_connection,
    installation,
    landed,
    load,
    without_system,
)
from tests.support.reference_data import require_reference_data

UCI_COLUMNS = [
    {"from": "InvoiceNo", "required": True},
    {"from": "StockCode"},
    {"from": "Description"},
    {"from": "Quantity", "type": "bigint", "required": True},
    {"from": "InvoiceDate", "type": "timestamp", "required": True},
    {"from": "UnitPrice", "type": "decimal", "required": True},
    {"from": "CustomerID"},
    {"from": "Country"},
]


def uci(folder: Path) -> dict[str, Any]:
    return {
        "name": "order_lines",
        "glob": f"{folder}/*.csv.gz",
        "format": "csv",
        "time_zone": "Europe/London",
        "columns": UCI_COLUMNS,
    }


def test_uci_online_retail_lands_whole_in_one_load(tmp_path: Path) -> None:
    folder = require_reference_data("real", "uci_online_retail") / "by-day"
    settings = installation(tmp_path, files_connection(uci(folder)))
    result = load(settings)
    assert (result.total.read, result.total.rejected) == (541_909, 0)
    lines = scan(settings.lake / "files__shop", "order_lines")
    assert pc.count_distinct(lines["invoice_no"]).as_py() == 25_900
    assert pc.count_distinct(lines["customer_id"], mode="only_valid").as_py() == 4_372
    assert lines["customer_id"].null_count == 135_080
    cents = pc.multiply(lines["quantity"].cast(pa.decimal128(19, 0)), lines["unit_price"])
    assert round(pc.sum(cents).as_py(), 2) == Decimal("9747747.93")
    assert pc.sum(pc.starts_with(lines["invoice_no"], "C")).as_py() == 9_288


def test_ten_days_one_by_one_equal_one_load(tmp_path: Path) -> None:
    days = sorted((require_reference_data("real", "uci_online_retail") / "by-day").glob("*.csv.gz"))[:10]
    inbox, at_once = tmp_path / "inbox", tmp_path / "at_once"
    inbox.mkdir()
    at_once.mkdir()
    for day in days:
        shutil.copy(day, at_once)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    by_day = installation(tmp_path / "a", files_connection(uci(inbox)))
    for day in days:
        shutil.copy(day, inbox)
        load(by_day)
    whole = installation(tmp_path / "b", files_connection(uci(at_once)))
    load(whole)
    one = without_system(current_file_rows(by_day, "order_lines"))
    assert one == without_system(current_file_rows(whole, "order_lines"))
    assert len(one) > 20_000


def test_olist_reviews_keep_line_breaks_inside_quotes(tmp_path: Path) -> None:
    folder = require_reference_data("real", "olist")
    table = {
        "name": "reviews",
        "glob": f"{folder}/olist_order_reviews_dataset.csv.gz",
        "format": "csv",
        "time_zone": "America/Sao_Paulo",
        "key": ["review_id", "order_id"],
        "columns": [
            {"from": "review_id"},
            {"from": "order_id"},
            {"from": "review_score", "type": "bigint"},
            {"from": "review_comment_message", "to": "comment"},
            {"from": "review_answer_timestamp", "to": "answered_at", "type": "timestamp", "required": True},
        ],
    }
    settings = installation(tmp_path, files_connection(table))
    result = load(settings)
    assert (result.total.read, result.total.rejected) == (2_993, 0)
    rows = landed(settings, "reviews")
    assert Counter(row["review_score"] for row in rows) == {1: 355, 2: 98, 3: 247, 4: 576, 5: 1_717}
    assert sum("\n" in (row["comment"] or "") for row in rows) == 132
