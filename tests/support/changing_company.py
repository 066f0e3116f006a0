"""A small company whose sources change at random between builds, written into a lake as the connectors would."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingestion.core.connector import TableSpec
from ingestion.core.deletes import deletes_spec
from tests.support.lake import Lake, vendor_specs

Row = dict[str, Any]

GA4 = vendor_specs("ga4_export")
START = dt.datetime(2026, 3, 1)
DEVICES, USERS, PERSONS = 14, 8, 10
DATASETS = ("ga4_export__web", "sql__shop")
TABLES = {
    "customers": TableSpec(
        name="customers", key=("id",), version="changed_at", deletes=True,
        columns={"id": "text", "user_id": "text", "email": "text", "created_at": "timestamp",
                 "changed_at": "timestamp"},
    ),
    "orders": TableSpec(
        name="orders", key=("id",), version="changed_at", deletes=True,
        columns={"id": "text", "customer_id": "text", "status": "text", "amount": "decimal", "transaction_id": "text",
                 "ordered_at": "timestamp", "changed_at": "timestamp"},
    ),
    "app_events": TableSpec(
        name="app_events", key=("id",), version="changed_at", deletes=True,
        columns={"id": "text", "name": "text", "device": "text", "user_id": "text", "happened_at": "timestamp",
                 "changed_at": "timestamp"},
    ),
}  # fmt: skip
"""Tables of the shop's database; rows deleted there leave tombstones."""

_CUSTOMER = {"entity": "customer", "source_object": "customers", "id": "customer_id"}
_MAPPINGS: dict[str, dict[str, dict[str, Any]]] = {
    "customers": {
        "customer": {"source_id": "id", "source_created_at": "created_at", "first_seen_at": "created_at"},
        "customer_identifier": {"source_id": "id", "customer_key": {**_CUSTOMER, "id": "id"}, "id_type": "'email'",
                                "id_value": "email"},
        "customer_identifier ": {"source_id": "id", "customer_key": {**_CUSTOMER, "id": "id"}, "id_type": "'user_id'",
                                 "id_value": "user_id"},
    },
    "orders": {
        "order": {"source_id": "id", "customer_key": _CUSTOMER, "status": "status", "net_amount": "amount",
                  "web_transaction_id": "transaction_id", "ordered_at": "ordered_at", "channel": "'web'"},
    },
    "app_events": {
        "web_event": {"source_id": "id", "raw_event_name": "name", "event_at": "happened_at", "anonymous_id": "device",
                      "user_id": "user_id"},
    },
}  # fmt: skip


def generic_tables() -> list[dict[str, Any]]:
    """The dbt variable `generic_tables` of the shop's database."""
    return [
        {
            "dataset": "sql__shop", "connector": "sql", "connection": "shop", "source_system": "shop", "table": name,
            "columns": dict(spec.columns), "system_columns": {}, "key": list(spec.key), "deletes": True,
            "version_column": spec.version, "per_file": False, "snapshot": False,
            "entities": [
                {"entity": entity.strip(), "source_object": f"{name}{' email' if entity.endswith(' ') else ''}".strip(),
                 "columns": columns, "where": None, "group_by": []}
                for entity, columns in _MAPPINGS[name].items()
            ],
        }
        for name, spec in TABLES.items()
    ]  # fmt: skip


@dataclass
class ChangingCompany:
    """The sources as they are now, and a lake that gets what changed.

    Attributes:
        lake: where loads are written.
        draw: source of chance.
        files: export file -> its events as of now.
        rows: table of the shop's database -> id -> row as of now.
    """

    lake: Lake
    draw: random.Random
    files: dict[str, list[Row]] = field(default_factory=dict)
    rows: dict[str, dict[str, Row]] = field(default_factory=lambda: {name: {} for name in TABLES})
    _loads: int = 0
    _days: int = 0
    _ids: int = 0

    @classmethod
    def founded(cls, root: Path, seed: int) -> ChangingCompany:
        """A company after its first load: twelve days, ten customers."""
        company = cls(Lake(root), random.Random(seed))
        for number in range(PERSONS):
            company._put("customers", f"c{number}", **company._customer(number))
        for _ in range(12):
            company._new_day()
        for number in range(15):
            company._put("app_events", f"a{number}", **company._app_event())
        company._load_shop({name: list(rows.values()) for name, rows in company.rows.items()}, {})
        company._load_files(list(company.files))
        return company

    def change(self) -> None:
        """One increment: a new day, and late, changed, deleted, duplicated and merged records."""
        draw = self.draw
        changed: dict[str, list[Row]] = {name: [] for name in TABLES}
        gone: dict[str, list[str]] = {name: [] for name in TABLES}
        orders = set(self.rows["orders"])
        files = {self._new_day()}
        late = draw.choice(sorted(self.files))
        self.files[late] += [self._event(late) for _ in range(draw.randint(1, 5))]
        files.add(late)
        if draw.random() < 0.6:
            cut = draw.choice(sorted(self.files))
            self.files[cut] = [row for row in self.files[cut] if draw.random() < 0.7]
            files.add(cut)
        if draw.random() < 0.5:  # the same day once more, under another name: events stand twice
            copied = draw.choice(sorted(self.files))
            self.files[f"{copied}_again"] = [{**row, "page_path": "/again"} for row in self.files[copied]]
            files.add(f"{copied}_again")
        changed["orders"] += [row for key, row in self.rows["orders"].items() if key not in orders]
        for _ in range(3):
            key = draw.choice(sorted(self.rows["orders"]))
            what = draw.choice(["status", "customer_id", "amount", "transaction_id", "delete"])
            if what == "delete":
                gone["orders"].append(key)
                continue
            value = {"status": draw.choice(["paid", "cancelled"]), "customer_id": f"c{draw.randrange(PERSONS)}",
                     "amount": draw.randint(1, 99), "transaction_id": None}[what]  # fmt: skip
            changed["orders"].append(self._put("orders", key, **{**self.rows["orders"][key], what: value}))
        for _ in range(2):
            number = draw.randrange(PERSONS)
            changed["customers"].append(self._put("customers", f"c{number}", **self._customer(number)))
        if draw.random() < 0.3:
            gone["customers"].append(f"c{draw.randrange(PERSONS)}")
        for _ in range(4):
            key = f"a{draw.randrange(60)}"
            if draw.random() < 0.3 and key in self.rows["app_events"]:
                gone["app_events"].append(key)
            else:
                changed["app_events"].append(self._put("app_events", key, **self._app_event()))
        for name, keys in gone.items():
            for key in keys:
                self.rows[name].pop(key, None)
            changed[name] = [row for row in changed[name] if row["id"] not in keys]
        self._load_shop(changed, gone)
        self._load_files(sorted(files))

    def _new_day(self) -> str:
        file = f"day{self._days:03d}"
        self._days += 1
        self.files[file] = [self._event(file) for _ in range(self.draw.randint(4, 12))]
        return file

    def _event(self, file: str) -> Row:
        draw, day = self.draw, int(file[3:6])
        at = START + dt.timedelta(days=day, minutes=draw.randrange(1440))
        device = draw.randrange(DEVICES)
        name = draw.choice(
            ["page_view", "page_view", "view_item", "add_to_cart", "begin_checkout", "purchase"]
        )
        self._ids += 1
        # a session id that lasts all day is broken at times into one of many days, which is quarantined
        session = "monitor" if device == 0 and draw.random() < 0.3 else f"{day}{at.hour // 8}"
        bought = name == "purchase"
        if bought and draw.random() < 0.8:
            self._put(
                "orders", f"o{self._ids}", customer_id=f"c{draw.randrange(PERSONS)}", status="paid", amount=20,
                transaction_id=f"t{self._ids}", ordered_at=at,
            )  # fmt: skip
        return {
            "event_key": f"e{self._ids}", "event_date": at.date(), "event_at": at, "event_name": name,
            "user_pseudo_id": f"d{device}" if draw.random() < 0.95 else None,
            "user_id": f"u{draw.randrange(USERS)}" if draw.random() < 0.2 else None,
            "ga_session_id": session if draw.random() < 0.8 else None,
            "page_path": draw.choice(["/", "/search", "/cart", "/product/1"]),
            "source": draw.choice(["google", None, None]), "medium": draw.choice(["organic", None]),
            "device_category": draw.choice(["mobile", "desktop"]), "browser": draw.choice(["Chrome", "Googlebot"]),
            "transaction_id": f"t{self._ids}" if bought else None, "purchase_revenue": 20 if bought else None,
            "currency": "EUR" if bought else None,
        }  # fmt: skip

    def _customer(self, number: int) -> Row:
        draw = self.draw
        return {
            "user_id": f"u{draw.randrange(USERS)}" if draw.random() < 0.6 else None,
            "email": f"p{draw.choice([number, draw.randrange(PERSONS)])}@example.com",
            "created_at": START - dt.timedelta(days=number + 1),
        }

    def _app_event(self) -> Row:
        draw = self.draw
        minutes = draw.randrange(1440 * max(1, self._days))
        return {
            "name": draw.choice(["page_view", "view_item", "add_to_cart"]), "device": f"d{draw.randrange(DEVICES)}",
            "user_id": f"u{draw.randrange(USERS)}" if draw.random() < 0.2 else None,
            "happened_at": START + dt.timedelta(minutes=minutes),
        }  # fmt: skip

    def _put(self, table: str, key: str, **values: Any) -> Row:
        row = {**values, "id": key, "changed_at": START + dt.timedelta(days=100 + self._loads)}
        self.rows[table][key] = row
        return row

    def _next_load(self) -> str:
        # Late enough that the clock of no event runs ahead of its extraction.
        self._loads += 1
        return f"{1_780_000_000 + self._loads}.5"

    def _load_shop(self, changed: dict[str, list[Row]], gone: dict[str, list[str]]) -> None:
        tables: dict[str, Sequence[Row]] = {name: rows for name, rows in changed.items() if rows}
        noticed = START + dt.timedelta(days=101 + self._loads)
        for name, keys in gone.items():
            if keys:
                tables[f"{name}__deletes"] = [
                    {"source_id": key, "detected_at": noticed, "method": "tombstone"} for key in sorted(set(keys))
                ]  # fmt: skip
        specs = {**TABLES, **{f"{name}__deletes": deletes_spec(spec) for name, spec in TABLES.items()}}
        self.lake.load("sql__shop", self._next_load(), tables, specs)

    def _load_files(self, files: Sequence[str]) -> None:
        events = [
            {**row, "_cx_file": file, "_cx_file_row": number}
            for file in files
            for number, row in enumerate(self.files[file], 1)
        ]
        seen = [
            {"source_table": "events", "file": file, "rows_read": len(self.files[file]),
             "rows_loaded": len(self.files[file]), "rows_rejected": 0}
            for file in files
        ]  # fmt: skip
        self.lake.load("ga4_export__web", self._next_load(), {"events": events, "files_seen": seen}, GA4)
