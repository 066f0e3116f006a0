"""`python -m bench.identity`: what a million identifiers cost, and whether the persons behind them are found.

Persons are made up in SQL, each known to up to six systems by logins, addresses, cards and phones; some share an
address, a phone or a placeholder. The identity models are built over them by dbt, then again after one record of a
hundred changed, then from scratch. Fails when two persons became one customer, when the second build gives other rows
than the one from scratch, or when the memory goes beyond the limit of the project.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import duckdb

from bench import measure
from ingestion.settings import load_settings
from orchestration import dbt_build
from orchestration.publish import prepare_work

IDENTIFIERS_PER_PERSON = 7.87
"""Counted on 1,000,000."""
PEAK_LIMIT_BYTES = 4 * 2**30
MEBIBYTE = 2**20
INPUT = ("cx_customer", "cx_customer_identifier", "cx_web_event")
MODELS = "path:models/intermediate/identity"

# Records of person p: (system, condition). Every system numbers its records by person, so the truth is the number.
_SYSTEMS = {
    "crm": "true",
    "shop": "true",
    "desk": "p % 3 = 0",
    "till": "p % 2 = 1",
    "survey": "p % 4 = 0",
    "web": "p % 10 < 6",
}
# Identifiers: (system, type, trust, value, condition). Two persons of a hundred share an address and have logins, so it
# joins nobody; one of fifty has a role address; one of forty a placeholder card; pairs share phones.
_HELD = (
    ("crm", "email", 0.9, "case when p % 100 < 2 then 'family' || p // 2 else 'e' || p end || '@mail.test'", "true"),
    ("crm", "email", 0.9, "'second' || p || '@mail.test'", "p % 3 = 0"),
    ("crm", "email", 0.9, "'info@firm' || p || '.test'", "p % 50 = 7"),
    ("crm", "phone", 0.6, "'+48' || (100000000 + p // 2)", "true"),
    ("crm", "external_id:hubspot", 1, "'crm:' || p", "true"),
    ("crm", "user_id", 0.95, "'u' || p", "p % 10 < 6"),
    ("shop", "user_id", 0.95, "'u' || p", "p % 10 < 6"),
    ("shop", "email", 0.9, "case when p % 100 < 2 then 'family' || p // 2 else 'e' || p end || '@mail.test'", "true"),
    ("shop", "loyalty_card", 0.9, "case when p % 40 = 1 then '0' else 'L' || p end", "p % 2 = 1"),
    ("desk", "email", 0.9, "'second' || p || '@mail.test'", "true"),
    ("desk", "external_id:zendesk", 1, "'desk:' || p", "true"),
    ("till", "loyalty_card", 0.9, "case when p % 40 = 1 then '0' else 'L' || p end", "true"),
    ("survey", "email", 0.9, "'e' || p || '@mail.test'", "p % 100 >= 2"),
    ("web", "user_id", 0.95, "'u' || p", "true"),
)  # fmt: skip


def main() -> None:
    """Run the bench and print its figures as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench.identity", description=__doc__)
    parser.add_argument("--identifiers", type=int, default=1_000_000, help="about (default 1,000,000)")
    parser.add_argument("--home", help="data home to work in and keep; default a temporary one")
    arguments = parser.parse_args()
    home = Path(arguments.home or tempfile.mkdtemp(prefix="cx-identity-")).resolve()
    try:
        _run(home, round(arguments.identifiers / IDENTIFIERS_PER_PERSON))
    finally:
        if not arguments.home:
            shutil.rmtree(home, ignore_errors=True)


def _run(home: Path, persons: int) -> None:
    settings = load_settings(home, home / "connections.yml").prepare()
    prepare_work(settings.published)

    def dbt(*arguments: str) -> measure.Measured:
        return measure.run(
            [dbt_build.executable(), "--no-use-colors", "--quiet", *arguments],
            env=dbt_build.environment(settings),
            cwd=dbt_build.project_dir(settings),
        )

    dbt("seed")
    dbt("run", "--select", *INPUT)
    fill(settings.warehouse, persons)
    built = dbt("run", "--select", MODELS)
    records, identifiers, mixed, whole = found(settings.warehouse)
    print(f"{identifiers:,} identifiers on {records:,} records of {persons:,} persons")
    print(f"{mixed:,} customers of two persons; {whole:,} persons are one customer ({whole / persons:.2%})")
    changed = change(settings.warehouse, persons)
    increment = dbt("run", "--select", MODELS)
    after_increment = checksums(settings.warehouse)
    started = dbt("run", "--select", "int_identity__user_map")
    scratch = dbt("run", "--full-refresh", "--select", MODELS)
    print("\n| | CPU s | wall s | peak MiB |\n| --- | ---: | ---: | ---: |")
    for name, run in (
        ("start of dbt with one small model", started),
        ("first build", built),
        (f"after {changed:,} records changed", increment),
        ("the same from scratch", scratch),
    ):
        print(
            f"| {name} | {run.cpu_seconds:.1f} | {run.wall_seconds:.1f} | {run.peak_bytes / MEBIBYTE:,.0f} |"
        )
    if after_increment != checksums(settings.warehouse):
        sys.exit("the increment differs from the build from scratch")
    if mixed:
        sys.exit("two persons became one customer")
    if max(built.peak_bytes, scratch.peak_bytes) > PEAK_LIMIT_BYTES:
        sys.exit("the build took more than 4 GiB")


def fill(warehouse: Path, persons: int) -> None:
    """Put the made-up persons into the conformed tables of a build database."""
    with duckdb.connect(str(warehouse)) as con:
        con.execute("set timezone = 'UTC'")
        common = (
            "'bench' as source_system, system as source_account, 'record' as source_object, false as is_deleted, "
            "false as is_test, timestamp '2026-01-01' as extracted_at, '1' as dlt_load_id"
        )
        day = "timestamp '2024-01-01' + (hash(system, p) % 700) * interval 1 day"
        for system, condition in _SYSTEMS.items():
            con.execute(
                "insert into conformed.cx_customer by name select "
                "md5('bench|' || system || '|record|' || p) as customer_key, p::varchar as source_id, "
                f"'person' as customer_type, {day} as source_created_at, {common} "
                f"from (select range as p, '{system}' as system from range({persons})) where {condition}"
            )
        for number, (system, kind, trust, value, condition) in enumerate(_HELD):
            con.execute(
                "insert into conformed.cx_customer_identifier by name select "
                f"md5('{number}|' || p) as customer_identifier_key, "
                "md5('bench|' || system || '|record|' || p) as customer_key, "
                f"'{kind}' as id_type, {value} as id_value, {trust} as trust, "
                f"'{number}|' || p as source_id, {day} as valid_from, {common} "
                f"from (select range as p, '{system}' as system from range({persons})) "
                f"where ({condition}) and ({_SYSTEMS[system]})"
            )


def change(warehouse: Path, persons: int) -> int:
    """One record of a hundred gets, loses or changes an identifier, or is new or gone; gives their number."""
    tables = ("cx_customer", "cx_customer_identifier")
    with duckdb.connect(str(warehouse)) as con:
        con.execute(
            "create temp table drawn as select customer_key, hash(customer_key) % 500 as kind "
            "from conformed.cx_customer "
            "where hash(customer_key) % 500 < 5"
        )
        part = "customer_key in (select customer_key from drawn where kind = {})"
        con.execute(f"delete from conformed.cx_customer_identifier where {part.format(0)}")
        con.execute(
            f"update conformed.cx_customer_identifier set id_value = 'new' || id_value where {part.format(1)} "
            "and id_type = 'email'"
        )
        con.execute(
            f"update conformed.cx_customer set source_created_at = timestamp '2023-01-01' where {part.format(2)}"
        )
        for table in tables:
            con.execute(f"delete from conformed.{table} where {part.format(3)}")
            # A second record in another system with the same identifiers.
            con.execute(
                f"insert into conformed.{table} select * replace (md5(customer_key || 'late') as customer_key) "
                f"from conformed.{table} where {part.format(4)}"
            )
        row = con.execute("select count(*) from drawn").fetchone()
    assert row is not None
    return row[0]


def checksums(warehouse: Path) -> dict[str, tuple | None]:
    """Rows and sum of row hashes of every identity table."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        names = con.execute(
            "select table_name from duckdb_tables() where table_name like 'int_identity%' "
            "and table_name not like '%scope%' order by 1"
        ).fetchall()
        return {
            name: con.execute(f"select count(*), sum(hash(t)) from intermediate.{name} as t").fetchone()
            for (name,) in names
        }


def found(warehouse: Path) -> tuple[int, int, int, int]:
    """Records, identifiers, customers that hold records of two persons, persons that are one customer."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        row = con.execute(
            """
            with mapped as (
                select m.customer_id, c.source_id as person
                from intermediate.int_identity__customer_map as m
                join conformed.cx_customer as c using (customer_key)
            )
            select
                (select count(*) from mapped)
                , (select count(*) from intermediate.int_identity__identifiers)
                , (select count(*) from (select 1 from mapped group by customer_id having count(distinct person) > 1))
                , (select count(*) from (select 1 from mapped group by person having count(distinct customer_id) = 1))
            """
        ).fetchone()
    assert row is not None
    return row


if __name__ == "__main__":
    main()
