"""A day in the life of the demo company: new, late and changed records in its sources, about one event in a hundred."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

import duckdb

# A session id is the second in which the session began, so it moves with the day; else a session would last for days.
_SHIFTED = """
    list_transform(event_params, p -> case when p.key = 'ga_session_id' then struct_pack(
        key := p.key,
        value := struct_pack(
            string_value := p.value.string_value, int_value := p.value.int_value + {seconds},
            float_value := p.value.float_value, double_value := p.value.double_value
        )
    ) else p end) as event_params
"""


def new_days(folder: Path, count: int) -> list[Path]:
    """Export `count` further days: copies of the last ones, moved behind them.

    Args:
        folder: GA4 export of the demo company, one file a day.
        count: days; 180 days hold all events, so two are about one in a hundred.
    """
    files = sorted(folder.glob("events_*.parquet"))[-count:]
    written = []
    with duckdb.connect() as con:
        for file in files:
            day = dt.datetime.strptime(file.stem.removeprefix("events_"), "%Y%m%d").date() + dt.timedelta(
                count
            )
            target = folder / f"events_{day:%Y%m%d}.parquet"
            seconds = count * 86_400
            con.execute(
                f"copy (select * replace ('{day:%Y%m%d}' as event_date, {_SHIFTED.format(seconds=seconds)},"
                f" event_timestamp + cast({seconds} as bigint) * 1000000 as event_timestamp)"
                f" from read_parquet('{file}')) to '{target}' (format parquet)"
            )
            written.append(target)
    return written


def late_events(folder: Path, days_back: int) -> Path:
    """Write an earlier day again without one event in forty: what the export calls a restated day."""
    file = sorted(folder.glob("events_*.parquet"))[-days_back]
    with duckdb.connect() as con:
        con.execute(f"create table day as select * from read_parquet('{file}')")
        con.execute("delete from day where hash(event_timestamp) % 40 = 0")
        con.execute(f"copy day to '{file}' (format parquet)")
    return file


def changed_orders(database: Path, one_in: int) -> int:
    """Change one order in `one_in`: cancelled, of another customer, of another amount, or deleted; returns how many."""
    at = "2026-05-01 12:00:00"
    with sqlite3.connect(database) as con:
        changed = [
            con.execute(sql, {"at": at, "n": one_in * 4}).rowcount
            for sql in (
                "update orders set status = 'cancelled', cancelled_at = :at, updated_at = :at where order_id % :n = 0",
                "update orders set total_amount = total_amount + 1, updated_at = :at where order_id % :n = 1",
                "update orders set updated_at = :at, customer_id = (select customer_id from customers"
                " order by customer_id limit 1) where order_id % :n = 2",
                "delete from orders where order_id % :n = 3",
            )
        ]
        con.execute(
            "update customers set updated_at = :at, email = (select email from customers order by customer_id limit 1)"
            " where rowid % :n = 0",
            {"at": at, "n": one_in * 4},
        )
    return sum(changed)
