"""The hand-made lake: each record stands for one rule of staging or mapping, named beside it."""

from __future__ import annotations

from typing import Any

from ingestion.core.connector import TableSpec
from tests.support.lake import Lake, vendor_specs

# As numbers FIRST < SECOND < THIRD; as text SECOND would come before FIRST.
FIRST, SECOND, THIRD, TORN = "1767600000.5", "1767600000.62", "1767600001.0", "1767600002.25"

HUBSPOT = vendor_specs("hubspot")
ZENDESK = vendor_specs("zendesk")
TYPEFORM = vendor_specs("typeform")
GA4 = vendor_specs("ga4_export")

FILES_SEEN = GA4["files_seen"]
SHOP_ORDERS = TableSpec(
    name="lines",
    columns={
        "source_id": "text",
        "invoice": "text",
        "person": "text",
        "email": "text",
        "at": "timestamp",
        "amount": "decimal",
    },
    key=(),
    system_columns={"_cx_file": "text", "_cx_file_row": "bigint"},
)
SHOP_CUSTOMERS = TableSpec(
    name="customers",
    columns={"id": "bigint", "name": "text", "email": "text", "changed_at": "timestamp"},
    key=("id",),
    version="changed_at",
    deletes=True,
)
STORES = TableSpec(
    name="agents", columns={"id": "bigint", "name": "text"}, key=("id",), snapshot=True, deletes=False
)

DATASETS = [
    *("hubspot__crm", "hubspot__emea", "zendesk__help", "typeform__voice", "ga4_export__web"),
    *("files__shop", "sql__erp"),
]

GENERIC_TABLES: list[dict[str, Any]] = [
    {
        "dataset": "files__shop",
        "connector": "files",
        "connection": "shop",
        "source_system": "shop_files",
        "table": "lines",
        "columns": dict(SHOP_ORDERS.columns),
        "system_columns": dict(SHOP_ORDERS.system_columns),
        "key": [],
        "version_column": None,
        "per_file": True,
        "snapshot": False,
        "deletes": False,
        "entities": [
            {
                "entity": "order",
                "source_object": "invoices",
                "columns": {
                    "source_id": "invoice",
                    "ordered_at": 'min("at")',
                    "customer_key": {"entity": "customer", "source_object": "people", "id": "min(person)"},
                    "net_amount": "sum(amount)",
                    "currency": "'GBP'",
                },
                "where": "amount <> 0",
                "group_by": ["invoice"],
            },
            {
                "entity": "order_line",
                "source_object": "lines",
                "columns": {
                    "source_id": "_cx_file || '#' || cast(_cx_file_row as varchar)",
                    "order_key": {"entity": "order", "source_object": "invoices", "id": "invoice"},
                    "line_type": "case when amount < 0 then 'return' else 'sale' end",
                    "net_amount": "amount",
                },
                "where": None,
                "group_by": [],
            },
            {
                "entity": "customer",
                "source_object": "people",
                "columns": {"source_id": "person", "first_seen_at": 'min("at")'},
                "where": None,
                "group_by": ["person"],
            },
            {
                "entity": "customer_identifier",
                "source_object": "people",
                "columns": {
                    "source_id": "person",
                    "customer_key": {"entity": "customer", "source_object": "people", "id": "person"},
                    "id_type": "'email'",
                    "id_value": "email",
                },
                "where": "person is not null",
                "group_by": ["person", "email"],
            },
            {
                "entity": "web_event",
                "source_object": "lines",
                "columns": {
                    "source_id": "_cx_file || '#' || cast(_cx_file_row as varchar)",
                    "raw_event_name": "case when amount < 0 then 'refund' else 'line_written' end",
                    "event_at": '"at"',
                    "anonymous_id": "person",
                    "user_agent": "case when amount < 0 then 'ExampleBot/2.0' else 'Mozilla/5.0 (X11; CUBOT X19)' end",
                },
                "where": None,
                "group_by": [],
            },
        ],
    },
    {
        "dataset": "sql__erp",
        "connector": "sql",
        "connection": "erp",
        "source_system": "sql",
        "table": "customers",
        "columns": dict(SHOP_CUSTOMERS.columns),
        "system_columns": {},
        "key": ["id"],
        "version_column": "changed_at",
        "per_file": False,
        "snapshot": False,
        "deletes": True,
        "entities": [
            {
                "entity": "customer",
                "source_object": "customers",
                "columns": {"source_id": "cast(id as varchar)", "display_name": "name"},
                "where": None,
                "group_by": [],
            }
        ],
    },
    {
        "dataset": "sql__erp",
        "connector": "sql",
        "connection": "erp",
        "source_system": "sql",
        "table": "agents",
        "columns": dict(STORES.columns),
        "system_columns": {},
        "key": ["id"],
        "version_column": None,
        "per_file": False,
        "snapshot": True,
        "deletes": False,
        "entities": [
            {
                "entity": "agent",
                "source_object": "agents",
                "columns": {"source_id": "cast(id as varchar)", "name": "name"},
                "where": None,
                "group_by": [],
            }
        ],
    },
]


def write_lake(lake: Lake) -> None:
    """All datasets of the hand-made lake."""
    _hubspot(lake)
    _zendesk(lake)
    _typeform(lake)
    _ga4(lake)
    _shop(lake)
    _erp(lake)


def _contact(number: str, updated: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "created_at": "2026-01-01",
        "createdate": "2026-01-01",
        "updated_at": updated,
        "archived": False,
        **more,
    }


def _hubspot(lake: Lake) -> None:
    # An older version of the connector had no loyalty_card.
    lake.load(
        "hubspot__crm",
        FIRST,
        {
            "contacts": [
                _contact(
                    "101",
                    "2026-01-02",
                    firstname="Ana",
                    lastname="Nowak",
                    email_normalised="ana@example.com",
                    hs_additional_emails="ANA@old.example; ana@example.com",
                    phone_e164="+48601234567",
                    user_id="u-1",
                    lifecyclestage="Lead",
                    hs_analytics_source="PAID_SEARCH",
                    associatedcompanyid="5001",
                    hs_email_optout=False,
                ),
                _contact("77", "2026-01-02", firstname="Anna", email_normalised="anna@example.com"),
                _contact("102", "2026-01-02", firstname="Deleted"),
                # two versions of one instant in one load: the later row is the newer
                _contact("103", "2026-01-03", firstname="First row"),
                _contact("103", "2026-01-03", firstname="Second row"),
                # the same instant again in the second load: the later load is the newer
                _contact("104", "2026-01-03", firstname="First load"),
                _contact("105", "2026-02-01", firstname="Newer"),
                _contact("106", "2026-01-02", firstname="Deleted and back"),
                # landed by the full pass that also found it archived
                _contact("107", "2026-01-02", firstname="Archived", archived=True),
            ],
            "companies": [
                {
                    "id": "5001",
                    "updated_at": "2026-01-02",
                    "name": "Acme",
                    "numberofemployees": 50,
                    "domain": "ACME.example",
                },
                {"id": "5002", "updated_at": "2026-01-02", "name": " ", "numberofemployees": 1000},
            ],
            "deals": [
                {
                    "id": "7001",
                    "updated_at": "2026-01-09",
                    "createdate": "2026-01-05",
                    "closedate": "2026-01-08",
                    "amount": "1200.50",
                    "deal_currency_code": "pln",
                    "hs_is_closed_won": True,
                },
                {
                    "id": "7002",
                    "updated_at": "2026-01-09",
                    "createdate": "2026-01-05",
                    "hs_is_closed_won": False,
                },
                {
                    "id": "7003",
                    "updated_at": "2026-01-09",
                    "createdate": "2026-01-05",
                    "hs_is_closed_won": True,
                },
            ],
            "owners": [
                {
                    "id": "9001",
                    "first_name": "Jan",
                    "last_name": "Kowal",
                    "updated_at": "2025-01-01",
                    "archived": False,
                    "teams": [{"id": "1", "name": "Sales", "primary": True}],
                }
            ],
            "associations": [
                _link("contacts", "101", "companies", "5001", "1", "2026-01-02", label="Primary"),
                _link("contacts", "101", "companies", "5002", "279", "2026-01-02"),
                _link("deals", "7001", "contacts", "1010", "3", "2026-01-09"),
                _link("deals", "7001", "contacts", "102", "3", "2026-01-09"),
                _link("deals", "7001", "companies", "5001", "5", "2026-01-09"),
                _link("contacts", "105", "companies", "5001", "1", "2026-01-02", label="Primary"),
            ],
            "association_reads": [
                _reading("contacts", "101", "companies", "2026-01-02", 2),
                _reading("contacts", "105", "companies", "2026-01-02", 1),
                _reading("deals", "7001", "contacts", "2026-01-09", 2),
                _reading("deals", "7001", "companies", "2026-01-09", 1),
            ],
        },
        HUBSPOT,
        without=["loyalty_card"],
    )
    lake.load(
        "hubspot__crm",
        SECOND,
        {
            "contacts": [
                _contact("104", "2026-01-03", firstname="Second load"),
                _contact("101", "2026-01-20", firstname="Ana", lastname="Nowak", email_normalised="ana@example.com",
                         hs_additional_emails="ANA@old.example; ana@example.com", phone_e164="+48601234567",
                         user_id="u-1", loyalty_card="LC4711", lifecyclestage="Lead", hs_analytics_source="PAID_SEARCH",
                         associatedcompanyid="5001", hs_email_optout=False),
            ],
            "contacts__deletes": [
                {"source_id": "102", "deleted_at": "2026-01-10", "detected_at": "2026-01-11", "method": "m"},
                {"source_id": "106", "deleted_at": None, "detected_at": "2026-01-11", "method": "key_reconciliation"},
            ],
            "contacts__merges": [
                {"losing_id": "77", "winning_id": "101", "merged_at": "2026-01-19", "detected_at": "2026-01-20"},
                # the loser was gone before the first load: known by its id only
                {"losing_id": "88", "winning_id": "101", "merged_at": None, "detected_at": "2026-01-20", "method": "m"},
            ],
            # 101 was read again: its link to 5002 is gone; 105 was read again: no link is left
            "associations": [_link("contacts", "101", "companies", "5001", "1", "2026-01-20", label="Primary")],
            "association_reads": [
                _reading("contacts", "101", "companies", "2026-01-20", 1),
                _reading("contacts", "105", "companies", "2026-01-20", 0),
            ],
        },
        HUBSPOT,
    )  # fmt: skip
    # A load that began later but finished earlier brings an older version.
    lake.load(
        "hubspot__crm",
        THIRD,
        {
            "contacts": [
                _contact("105", "2026-01-15", firstname="Older"),
                _contact("106", "2026-02-02", firstname="Deleted and back"),
            ],
            "contacts__deletes": [
                {
                    "source_id": "102",
                    "deleted_at": None,
                    "detected_at": "2026-02-11",
                    "method": "key_reconciliation",
                }
            ],
        },
        HUBSPOT,
    )
    # A load that was killed: one whole file, one torn file, no marker.
    lake.load("hubspot__crm", TORN, {"contacts": [_contact("999", "2026-03-01")]}, HUBSPOT, complete=False)
    (lake.root / "hubspot__crm" / "contacts" / f"{TORN}.ffffff.parquet").write_bytes(b"PAR1 torn")
    # Another portal with the same ids.
    lake.load(
        "hubspot__emea", FIRST, {"contacts": [_contact("101", "2026-01-02", firstname="Other")]}, HUBSPOT
    )


def _link(
    from_type: str, from_id: str, to_type: str, to_id: str, kind: str, read: str, label: str | None = None
) -> dict[str, Any]:
    return {
        "from_type": from_type,
        "from_id": from_id,
        "to_type": to_type,
        "to_id": to_id,
        "association_type_id": kind,
        "label": label,
        "read_at": read,
    }


def _reading(from_type: str, from_id: str, to_type: str, read: str, count: int) -> dict[str, Any]:
    return {
        "from_type": from_type,
        "from_id": from_id,
        "to_type": to_type,
        "read_at": read,
        "link_count": count,
    }


def _zendesk(lake: Lake) -> None:
    def user(number: str, role: str, **more: Any) -> dict[str, Any]:
        return {
            "id": number,
            "role": role,
            "updated_at": "2026-01-02",
            "created_at": "2026-01-01",
            "active": True,
            **more,
        }

    def ticket(number: str, **more: Any) -> dict[str, Any]:
        return {
            "id": number,
            "requester_id": "20",
            "status": "open",
            "via_channel": "email",
            "created_at": "2026-01-05 08:00",
            "updated_at": "2026-01-05 08:10",
            "generated_at": "2026-01-05 08:10",
            **more,
        }

    def change(
        number: str, ticket_id: str, field: str, old: str | None, new: str | None, at: str, by: str
    ) -> dict[str, Any]:
        return {"id": number, "event_id": "1", "ticket_id": ticket_id, "field": field, "old_value": old,
                "new_value": new, "occurred_at": at, "updater_id": by, "event_type": "Change"}  # fmt: skip

    def comment(number: str, author: str, public: bool, via: str | None) -> dict[str, Any]:
        return {"id": number, "ticket_id": "1", "author_id": author, "is_public": public, "via": via,
                "created_at": "2026-01-05 08:00", "body": " "}  # fmt: skip

    tables: dict[str, list[dict[str, Any]]] = {
        "users": [
            user("20", "end-user", name="Ana", email_normalised="ana@example.com", external_id="u-1",
                 locale="PL", verified=True),
            user("21", "end-user", name="Gone", active=False),
            user("30", "agent", name="Jan", default_group_id="98"),
        ],
        "groups": [{"id": "98", "name": "First line", "updated_at": "2025-01-01", "created_at": "2025-01-01"}],
        "organizations": [
            {"id": "50", "name": "Acme", "domain_names": ["ACME.example", "acme.test"], "updated_at": "2026-01-01"}
        ],
        "tickets": [
            # generated_at decides, not updated_at
            ticket("1", status="solved", generated_at="2026-01-06", group_id="98", assignee_id="30",
                   order_number="O-1"),
            ticket("1", status="open", updated_at="2026-01-07", generated_at="2026-01-05 09:00"),
            ticket("2", status="deleted", is_deleted=True),
            ticket("3", status="closed", is_merged_away=True),
            ticket("4", status="waiting on factory", via_channel="carrier pigeon"),
        ],
        "tickets__merges": [
            {"losing_id": "3", "winning_id": "1", "merged_at": "2026-01-06", "detected_at": "2026-01-07", "method": "m"}
        ],
        "ticket_events": [
            change("900", "1", "status", None, "new", "2026-01-05 08:00", "20"),
            change("10000", "1", "status", "new", "solved", "2026-01-05 08:00", "30"),
            # documented duplicate of the export
            change("10000", "1", "status", "new", "solved", "2026-01-05 08:00", "30"),
        ],
        "ticket_comments": [
            comment("1", "20", True, "Mail"),
            comment("2", "30", True, "Web form"),
            comment("3", "30", False, None),
            comment("4", "-1", True, None),
        ],
        "satisfaction_ratings": [
            {"id": "1", "ticket_id": "1", "requester_id": "20", "score": "offered", "created_at": "2026-01-07",
             "updated_at": "2026-01-07"},
            {"id": "1", "ticket_id": "1", "requester_id": "20", "score": "good", "created_at": "2026-01-07",
             "updated_at": "2026-01-08", "comment": "Great"},
            {"id": "2", "ticket_id": "4", "requester_id": "21", "score": "offered", "created_at": "2026-01-07",
             "updated_at": "2026-01-07"},
        ],
        "load_metrics": [{"source_table": "users", "rows_read": 4, "rows_loaded": 3, "rows_rejected": 1}],
        "rejected_rows": [{"source_table": "users", "source_ref": "x#3", "reason": "id: missing", "raw_json": {}}],
    }  # fmt: skip
    lake.load("zendesk__help", FIRST, tables, ZENDESK)


def _typeform(lake: Lake) -> None:
    def response(number: str, version: str, **more: Any) -> dict[str, Any]:
        return {"form_id": "f", "response_id": number, "version_at": version, "landed_at": version, **more}

    def answer(number: str, field: str, version: str, **more: Any) -> dict[str, Any]:
        return {"form_id": "f", "response_id": number, "field_id": field, "version_at": version, **more}

    forms: dict[str, list[dict[str, Any]]] = {
        "forms": [
            {"id": "f", "title": "Delivery", "metric_type": "nps", "updated_at": "2026-01-01", "language": "en"}
        ],
        "form_fields": [
            {"form_id": "f", "field_id": "q1", "field_ref": "nps", "type": "nps", "position": 1, "scale_min": 0,
             "scale_max": 10, "form_updated_at": "2026-01-01"},
            {"form_id": "f", "field_id": "q2", "field_ref": None, "type": "hologram", "position": 2,
             "form_updated_at": "2026-01-01"},
        ],
        "responses": [
            response("r1", "2026-01-05 09:00", response_type="partial", submitted_at="1900-01-01", user_id="u-1"),
            response("r2", "2026-01-05 09:00", response_type="completed", submitted_at="2026-01-05 09:02", score=9,
                     score_metric="nps", scale_min=0, scale_max=10, email_normalised="ana@example.com",
                     channel="SMS", platform="mobile", order_id="O-1"),
            response("r3", "2026-01-05 09:00", response_type="completed", submitted_at="2026-01-05 09:02"),
            response("r4", "2026-01-06 09:00", response_type="completed", submitted_at="2026-01-06 09:02",
                     user_id="u-1", email_normalised="ana@example.com"),
        ],
        "response_answers": [
            answer("r1", "q1", "2026-01-05 09:00", value_number=3, position=1),
            answer("r1", "q2", "2026-01-05 09:00", value_text="unsent", position=2),
            answer("r2", "q1", "2026-01-05 09:00", value_number=9, position=1, option_refs=[]),
            answer("r2", "q2", "2026-01-05 09:00", value_text="A, B", position=2, option_refs=["a", "b"]),
        ],
    }  # fmt: skip
    lake.load("typeform__voice", FIRST, forms, TYPEFORM)
    lake.load(
        "typeform__voice",
        SECOND,
        {
            # r1 was finished later, without its second answer
            "responses": [
                response(
                    "r1",
                    "2026-01-05 10:00",
                    response_type="completed",
                    submitted_at="2026-01-05 10:00",
                    user_id="u-1",
                    score=8,
                )
            ],
            "response_answers": [answer("r1", "q1", "2026-01-05 10:00", value_number=8, position=1)],
            "responses__deletes": [
                {
                    "source_id": "f|r3",
                    "deleted_at": None,
                    "detected_at": "2026-01-09",
                    "method": "key_reconciliation",
                }
            ],
        },
        TYPEFORM,
    )


def event(key: str, day: str, file: str, row: int, **more: Any) -> dict[str, Any]:
    """A GA4 event of noon of a day."""
    return {
        "event_key": key,
        "event_date": day,
        "event_at": f"{day} 12:00",
        "event_name": "page_view",
        "_cx_file": file,
        "_cx_file_row": row,
        **more,
    }


def _seen(file: str, rows: int, table: str = "events") -> dict[str, Any]:
    return {"source_table": table, "file": file, "rows_read": rows, "rows_loaded": rows, "rows_rejected": 0}


def _ga4(lake: Lake) -> None:
    one, two, three, again = (
        "events_20260105.parquet",
        "events_20260106.parquet",
        "events_20260107.parquet",
        "events_20260105_b.jsonl",
    )
    lake.load(
        "ga4_export__web",
        FIRST,
        {
            "events": [
                event(
                    "e1",
                    "2026-01-05",
                    one,
                    1,
                    user_pseudo_id="p1",
                    device_category="mobile",
                    analytics_storage="Yes",
                ),
                event("e2", "2026-01-05", one, 2, user_pseudo_id="p1", event_name="made_up"),
                event(
                    "e3",
                    "2026-01-06",
                    two,
                    1,
                    user_pseudo_id="p1",
                    user_id="u-1",
                    event_name="purchase",
                    purchase_revenue="12.5",
                ),
                event("e4", "2026-01-06", two, 2, user_pseudo_id="p2", user_id="u-1"),
                event("e5", "2026-01-07", three, 1, user_pseudo_id="p9"),
            ],
            "files_seen": [_seen(one, 2), _seen(two, 2), _seen(three, 1)],
        },
        GA4,
    )
    lake.load(
        "ga4_export__web",
        SECOND,
        {
            # the day was restated: e2 is gone, e6 came; the file of the 7th is empty now
            "events": [
                event(
                    "e1",
                    "2026-01-05",
                    one,
                    1,
                    user_pseudo_id="p1",
                    device_category="smart TV",
                    analytics_storage="No",
                ),
                event("e6", "2026-01-05", one, 2, user_pseudo_id="p1"),
                # the same event in a second file of the same day: the greater path counts
                event("e1", "2026-01-05", again, 1, user_pseudo_id="p1", device_category="tablet"),
                event("e7", "2026-01-06", two, 1, user_pseudo_id="p1", user_id="u-1"),
                event(
                    "e3",
                    "2026-01-06",
                    two,
                    2,
                    user_pseudo_id="p1",
                    user_id="u-1",
                    event_name="purchase",
                    purchase_revenue="12.5",
                ),
            ],
            "files_seen": [_seen(one, 2), _seen(again, 1), _seen(two, 2), _seen(three, 0)],
        },
        GA4,
    )


def _shop(lake: Lake) -> None:
    specs = {"lines": SHOP_ORDERS, "files_seen": FILES_SEEN}

    def line(
        invoice: str, person: str | None, amount: str, file: str, row: int, email: str | None = None
    ) -> dict[str, Any]:
        return {"invoice": invoice, "person": person, "amount": amount, "email": email, "at": f"2026-01-0{row} 23:30",
                "_cx_file": file, "_cx_file_row": row}  # fmt: skip

    lake.load(
        "files__shop",
        FIRST,
        {
            "lines": [
                line("A", "p1", "10", "day1.csv", 1, "Ana@Example.com "),
                line("A", "p1", "5.25", "day1.csv", 2, "ana@example.com"),
                line("B", None, "-3", "day2.csv", 1),
            ],
            "files_seen": [_seen("day1.csv", 2, "lines"), _seen("day2.csv", 1, "lines")],
        },
        specs,
    )
    # day1.csv was rewritten, shorter
    lake.load(
        "files__shop",
        THIRD,
        {
            "lines": [line("A", "p1", "11", "day1.csv", 1, "Ana@Example.com ")],
            "files_seen": [_seen("day1.csv", 1, "lines")],
        },
        specs,
    )


def _erp(lake: Lake) -> None:
    specs = {
        "customers": SHOP_CUSTOMERS,
        "customers__deletes": HUBSPOT["contacts__deletes"],
        "agents": STORES,
        "load_metrics": HUBSPOT["load_metrics"],
    }
    lake.load(
        "sql__erp",
        FIRST,
        {
            "customers": [
                {"id": 1, "name": "One", "changed_at": "2026-01-01"},
                {"id": 2, "name": "Two", "changed_at": "2026-01-01"},
                {"id": 3, "name": "Three", "changed_at": "2026-01-01"},
            ],
            "agents": [{"id": 1, "name": "Ola"}, {"id": 2, "name": "Piotr"}],
            "load_metrics": [
                {"source_table": "customers", "rows_read": 3, "rows_loaded": 3, "rows_rejected": 0},
                {"source_table": "agents", "rows_read": 2, "rows_loaded": 2, "rows_rejected": 0},
            ],
        },
        specs,
    )
    lake.load(
        "sql__erp",
        SECOND,
        {
            "customers": [{"id": 1, "name": "One, changed", "changed_at": "2026-01-02"}],
            "customers__deletes": [
                {
                    "source_id": "2",
                    "deleted_at": None,
                    "detected_at": "2026-01-03",
                    "method": "key_reconciliation",
                },
                {
                    "source_id": "3",
                    "deleted_at": None,
                    "detected_at": "2026-01-03",
                    "method": "key_reconciliation",
                },
            ],
            "agents": [{"id": 1, "name": "Ola"}],
            "load_metrics": [
                {"source_table": "agents", "rows_read": 1, "rows_loaded": 1, "rows_rejected": 0}
            ],
        },
        specs,
    )
    lake.load(
        "sql__erp", THIRD, {"customers": [{"id": 3, "name": "Three", "changed_at": "2026-01-01"}]}, specs
    )
