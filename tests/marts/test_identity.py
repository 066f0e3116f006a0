"""Identity: rules on hand-worked records, random graphs against union-find, and no influence of the order of arrival.

All cases are built by dbt at once: each has record ids and identifier values of its own, so none can touch another.
Then later evidence comes: merges, unmerges, manual rules, identifiers taken off.
"""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import random
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.settings import Settings, load_settings
from orchestration.errors import CxError
from orchestration.explain import explain_customer
from tests.support import identity_reference as reference
from tests.support.dbt_models import ParsedProject, fill, open_build_file, parsed
from tests.support.identity_reference import Login

START = dt.datetime(2026, 1, 1)
# Odds that a random record holds an identifier of the type.
HOLDS = (("user_id", 0.3), ("email", 0.6), ("loyalty_card", 0.3), ("external_id", 0.2), ("phone", 0.6))
RANKS = {"user_id": 1, "external_id": 2, "loyalty_card": 3, "email": 4, "phone": 7}
REFUSED = frozenset({"info@firm.test", "n/a", "0"})
TRUST = {
    "email": 0.9, "phone": 0.6, "user_id": 0.95, "loyalty_card": 0.9, "external_id": 1, "anonymous_id": 0.8,
    "device_id": 0,
}  # fmt: skip


def key(record: str) -> str:
    """customer_key of a record."""
    return hashlib.md5(f"test|test|test|{record}".encode()).hexdigest()


def own_id(record: str) -> str:
    """customer_id that a record gives."""
    return hashlib.md5(f"customer|{key(record)}".encode()).hexdigest()


def day(number: float) -> dt.datetime:
    """Day of the test period."""
    return START + dt.timedelta(days=number)


@dataclass
class Given:
    """Records, identifiers, web events and manual rules of all cases."""

    created: dict[str, dt.datetime] = field(default_factory=dict)
    masters: dict[str, str] = field(default_factory=dict)
    held: list[tuple[str, str, str]] = field(default_factory=list)
    always: list[tuple[str, str]] = field(default_factory=list)
    never: list[tuple[str, str]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def record(
        self, name: str, master: str | None = None, created: float = 0, **identifiers: str | Sequence[str]
    ) -> None:
        """A record with its identifiers, for example email='a@b.test' or phone=[…]."""
        self.created[name] = day(created)
        if master:
            self.masters[name] = master
        for kind, values in identifiers.items():
            for value in [values] if isinstance(values, str) else values:
                self.held.append((name, kind, value))

    def event(self, device: str, at: float, user: str | None = None, **more: Any) -> str:
        """A web event on day `at`; gives its key."""
        name = f"{len(self.events):06d}"
        moment = {"event_at": day(at), "user_id": user, **more}
        self.events.append({"web_event_key": name, "anonymous_id": device, **moment})
        return name


def fill_tables(home: Path, given: Given, shuffle: random.Random | None = None) -> None:
    """Put all rows into the conformed tables and seeds of a build file, in another order if asked."""

    def mixed(rows: Iterable[Any]) -> list[Any]:
        result = list(rows)
        if shuffle:
            shuffle.shuffle(result)
        return result

    db = open_build_file(home)
    fill(db, "cx_customer", [
        {"customer_key": key(r), "source_id": r, "customer_type": "person", "source_created_at": at,
         "source_updated_at": at + dt.timedelta(days=7),
         "master_customer_key": key(given.masters[r]) if r in given.masters else None}
        for r, at in mixed(given.created.items())
    ])  # fmt: skip
    fill(db, "cx_customer_identifier", [
        {"customer_identifier_key": hashlib.md5(repr(h).encode()).hexdigest(), "source_id": "|".join(h),
         "customer_key": key(h[0]), "id_type": h[1] + (":shop" if h[1] in ("external_id", "anonymous_id") else ""),
         "id_value": h[2], "trust": TRUST[h[1]], "valid_from": given.created[h[0]]}
        for h in mixed(given.held)
    ])  # fmt: skip
    fill(db, "cx_web_event", [
        {"event_name": "page_view", "raw_event_name": "page_view", "event_date_local": e["event_at"].date(),
         "source_id": e["web_event_key"], "source_account": "site", **e}
        for e in mixed(given.events)
    ])  # fmt: skip
    for seed, pairs in (("identity_always_merge", given.always), ("identity_never_merge", given.never)):
        db.execute(f"delete from warehouse.seeds.{seed}")
        for left, right in pairs:
            values = [f"test|test|test|{left}", f"test|test|test|{right}"]
            db.execute(
                f"insert into warehouse.seeds.{seed} values (?, ?, 'test', 'test', '2026-01-01')", values
            )
    db.close()


IDENTITY = "path:models/intermediate/identity"
CHAIN = (
    "held", "scope", "identifiers", "edges", "components", "clusters", "customer_map", "links", "aliases",
)  # fmt: skip


def build(
    project: ParsedProject,
    given: Given,
    *options: str,
    shuffle: random.Random | None = None,
    select: str = IDENTITY,
) -> duckdb.DuckDBPyConnection:
    """Fill the build file, let dbt build identity, and open a copy."""
    fill_tables(project.home, given, shuffle)
    project.run(select, *options)
    return opened_copy(project)


def opened_copy(project: ParsedProject) -> duckdb.DuckDBPyConnection:
    """A copy of the build file as it is now."""
    copied = Path(tempfile.mkdtemp(dir=project.home))
    shutil.copy(project.home / "warehouse.duckdb", copied)
    return open_build_file(copied, read_only=True)


def random_records(given: Given, draw: random.Random, groups: int) -> None:
    """Groups of up to nine records that draw identifiers from pools so small that everything gets shared."""
    for g in range(groups):
        size = draw.randint(1, 9)
        for r in range(size):
            name = f"random{g}/{r}"
            given.record(name, created=draw.randint(0, 50))
            for kind, odds in HOLDS:
                if draw.random() < odds:
                    given.held.append((name, kind, f"{kind}-{g}-{draw.randint(0, 3)}"))
            if draw.random() < 0.15:
                given.held.append((name, "email", "info@firm.test"))
            if draw.random() < 0.15:
                given.held.append((name, "loyalty_card", draw.choice(["0", "n/a"])))
            if size > 1 and draw.random() < 0.1:
                given.masters[name] = f"random{g}/{draw.randint(0, size - 1)}"


def random_devices(given: Given, draw: random.Random, devices: int) -> None:
    """Devices with a few events over 150 days, some with a login of one of up to five users of the group."""
    for d in range(devices):
        users = [f"web-{d}-{i}" for i in range(draw.choice([1, 1, 2, 2, 3, 5]))]
        for user in users:
            if draw.random() < 0.7:
                given.record(f"record-of-{user}", user_id=user)
        for _ in range(draw.randint(1, 14)):
            user = draw.choice(users) if draw.random() < 0.4 else None
            at = draw.choice([draw.randint(0, 150), draw.randint(0, 150), draw.random() * 150])
            given.event(f"device-{d}", at, user)


def hand_worked(given: Given) -> None:
    """The cases whose outcome the tests below state."""
    given.record("chain/crm", created=5, email="ann@mail.test", external_id="c1")
    given.record("chain/help", created=3, email="ann@mail.test", user_id="u-ann")
    given.record("chain/shop", created=9, user_id="u-ann", loyalty_card="L1")
    given.record("chain/till", created=1, loyalty_card="L1")
    given.record("chain/stranger", email="bob@mail.test")

    given.record("family/anna", email="family@mail.test", user_id="u-anna", phone="+48100")
    given.record("family/jan", email="family@mail.test", user_id="u-jan", phone="+48200")
    given.record("family/letter", email="family@mail.test")
    given.record("family/call", phone="+48100")

    given.record("role/a", email="info@firm.test", user_id="u-role-a")
    given.record("role/b", email="info@firm.test", user_id="u-role-b")
    given.record("role/c", email="info@firm.test")

    for i in range(5):
        given.record(f"office/{i}", email=f"office{i}@mail.test", phone="+48300")
    given.record("office/call", phone="+48300")

    given.record("household/a", email="ha@mail.test", phone="+48400")
    given.record("household/b", email="hb@mail.test", phone="+48400")
    given.record("household/call", phone="+48400")

    given.record("calls/one", phone="+48500")
    given.record("calls/two", phone="+48500")

    given.record("merged/winner", email="winner@mail.test")
    given.record("merged/loser", created=2, master="merged/winner", email="loser@mail.test")
    given.record("merged/ghost1", master="merged/gone")
    given.record("merged/ghost2", master="merged/gone")

    given.record("renamed/till", created=1, loyalty_card="R1")
    given.record("renamed/letter", created=4, loyalty_card="R1", email="renamed@mail.test")
    given.record("renamed/login", created=20, user_id="u-renamed", email="renamed@mail.test")

    given.record("bridge/first", created=1, email="bridge@mail.test", phone="+48700")
    given.record("bridge/second", created=2, email="other@bridge.test", phone="+48701")
    given.record("bridge/third", created=30, email=["bridge@mail.test", "other@bridge.test"])
    given.record("bridge/call", created=3, phone=["+48700", "+48701"])

    given.record("typeform/email:pia@mail.test", email="pia@mail.test", phone="+48800900")

    given.record("device/a", device_id="same-phone")
    given.record("device/b", device_id="same-phone")

    for i in range(60):
        given.record(f"default/{i}", loyalty_card="99999999")

    # n1 - n2 - n3 - n4 - n5 by shared cards; the ends must not be one person.
    for i in range(1, 6):
        given.record(f"never/n{i}", loyalty_card=[f"never-{i}", f"never-{i + 1}"])
    given.never.append(("never/n1", "never/n5"))
    given.record("never/weak", phone="+48600")
    given.record("never/home", email="home@mail.test", phone="+48600")
    given.never.append(("never/weak", "never/home"))
    given.never.append(("never/n1", "never/missing"))

    given.record("always/a", email="a@always.test")
    given.record("always/b", email="b@always.test")
    given.always.append(("always/a", "always/b"))

    given.record("clash/a", email="clash@mail.test")
    given.record("clash/b", email="clash@mail.test")
    given.always.append(("clash/a", "clash/b"))
    given.never.append(("clash/b", "clash/a"))

    # A path of 1,000 records in an order that has nothing to do with their keys.
    for i in range(1000):
        given.record(f"path/{i}", loyalty_card=[f"path-{i}", f"path-{i + 1}"])

    # Days 0-200 of devices. Before the first login, after the last, and between.
    given.record("web/u1", user_id="web-u1")
    given.record("web/u2", user_id="web-u2")
    given.event("shared", 80)
    given.event("shared", 100, "web-u1")
    given.event("shared", 101)
    given.event("shared", 102, "web-u2")
    given.event("shared", 103)
    given.event("shared", 103.5, "web-u1")
    given.event("shared", 104)
    given.event("shared", 134)
    given.event("own", 69.9)
    given.event("own", 70)
    given.event("own", 100, "web-u1")
    given.event("own", 129.9)
    given.event("own", 130)
    for i in range(4):
        given.event("terminal", 100 + i, f"web-terminal-{i}")
    given.event("terminal", 110)
    for i in range(11):
        given.event(f"script-{i}", 100.5, "web-script")
        given.event(f"script-{i}", 101)
    given.event("placeholder", 100, "n/a")
    given.event("placeholder", 101)
    given.record("web/form", anonymous_id="from-a-form", email="form@mail.test", created=100)
    given.event("from-a-form", 100.5)
    given.event("from-a-form", 140)


@pytest.fixture(scope="module")
def given() -> Given:
    """All cases."""
    result = Given()
    hand_worked(result)
    draw = random.Random(20260105)
    random_records(result, draw, 400)
    random_devices(result, draw, 300)
    return result


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ParsedProject:
    """The dbt project with a build file of its own."""
    return ParsedProject(tmp_path_factory.mktemp("identity"), parsed(tmp_path_factory))


@pytest.fixture(scope="module")
def built(project: ParsedProject, given: Given) -> duckdb.DuckDBPyConnection:
    """The build file after dbt."""
    return build(project, given)


def customers(db: duckdb.DuckDBPyConnection, given: Given) -> dict[str, str]:
    """Record -> customer_id."""
    names = {key(r): r for r in given.created}
    sql = "select customer_key, customer_id from warehouse.intermediate.int_identity__customer_map"
    rows = db.execute(sql).fetchall()
    assert sorted(k for k, _ in rows) == sorted(names), "every record once"
    return {names[k]: c for k, c in rows}


@pytest.fixture(scope="module")
def customer(built: duckdb.DuckDBPyConnection, given: Given) -> dict[str, str]:
    """Record -> customer_id."""
    return customers(built, given)


Alias = tuple[str, dt.datetime | None, str | None]


def aliases(db: duckdb.DuckDBPyConnection) -> dict[str, Alias]:
    """Every id: customer it stands for, when it was joined, and into which id."""
    sql = "select alias_id, customer_id, merged_at, merged_into_id from warehouse.intermediate.int_identity__aliases"
    return {alias: (now, at, into) for alias, now, at, into in db.execute(sql).fetchall()}


def reasons(db: duckdb.DuckDBPyConnection, record: str) -> list[str]:
    """Reasons for which evidence of a record was not used."""
    rows = db.execute(
        "select distinct reason from warehouse.intermediate.int_identity__rejected where customer_key = ? order by 1",
        [key(record)],
    )
    return [r for (r,) in rows.fetchall()]


class TestRules:
    """One rule each."""

    def test_records_are_one_through_a_chain_of_identifiers(self, customer: dict[str, str]) -> None:
        one = {customer[f"chain/{r}"] for r in ("crm", "help", "shop", "till")}
        assert len(one) == 1
        assert customer["chain/stranger"] not in one

    def test_the_strongest_then_oldest_record_names_the_customer(self, customer: dict[str, str]) -> None:
        """help (day 3) and shop (day 9) have the login; the till (day 1) is older but has only a card."""
        assert customer["chain/crm"] == hashlib.md5(f"customer|{key('chain/help')}".encode()).hexdigest()

    def test_an_address_of_two_logins_joins_nobody(
        self, customer: dict[str, str], built: duckdb.DuckDBPyConnection
    ) -> None:
        assert len({customer["family/anna"], customer["family/jan"], customer["family/letter"]}) == 3
        assert reasons(built, "family/letter") == ["too_many_users"]

    def test_a_phone_attaches_a_record_that_has_nothing_better(self, customer: dict[str, str]) -> None:
        assert customer["family/call"] == customer["family/anna"]

    def test_a_role_address_joins_nobody(
        self, customer: dict[str, str], built: duckdb.DuckDBPyConnection
    ) -> None:
        assert len({customer[f"role/{r}"] for r in "abc"}) == 3
        assert reasons(built, "role/a") == ["role_address"]

    def test_a_phone_of_an_office_attaches_nobody(
        self, customer: dict[str, str], built: duckdb.DuckDBPyConnection
    ) -> None:
        assert len({customer[f"office/{r}"] for r in ("0", "1", "2", "3", "4", "call")}) == 6
        assert reasons(built, "office/call") == ["too_many_emails"]

    def test_a_phone_of_two_persons_joins_neither_them_nor_the_caller(
        self, customer: dict[str, str], built: duckdb.DuckDBPyConnection
    ) -> None:
        assert len({customer[f"household/{r}"] for r in ("a", "b", "call")}) == 3
        assert reasons(built, "household/call") == ["touches_several_clusters"]

    def test_two_unknown_calls_from_one_number_stay_two(self, customer: dict[str, str]) -> None:
        assert customer["calls/one"] != customer["calls/two"]

    def test_merges_of_the_source_join(self, customer: dict[str, str]) -> None:
        assert customer["merged/winner"] == customer["merged/loser"]
        assert customer["merged/ghost1"] == customer["merged/ghost2"], (
            "also when the winner is not among the records"
        )

    def test_a_device_id_is_never_an_edge(
        self, customer: dict[str, str], built: duckdb.DuckDBPyConnection
    ) -> None:
        assert customer["device/a"] != customer["device/b"]
        assert reasons(built, "device/a") == ["untrusted_type"]

    def test_a_value_on_sixty_records_is_a_default(
        self, customer: dict[str, str], built: duckdb.DuckDBPyConnection
    ) -> None:
        assert len({customer[f"default/{i}"] for i in range(60)}) == 60
        assert reasons(built, "default/0") == ["too_many_records"]

    def test_a_never_pair_splits_its_chain_at_the_nearer_end(
        self, customer: dict[str, str], built: duckdb.DuckDBPyConnection
    ) -> None:
        """n3 is as far from n1 as from n5: it goes with the record whose key is smaller."""
        middle = min(("never/n1", "never/n5"), key=key)
        assert customer["never/n1"] == customer["never/n2"] != customer["never/n5"] == customer["never/n4"]
        assert customer["never/n3"] == customer[middle]
        cut = built.execute(
            "select count(*) from warehouse.intermediate.int_identity__rejected "
            "where reason = 'never_merge' and subject_type = 'edge' and customer_key in (?, ?, ?, ?, ?)",
            [key(f"never/n{i}") for i in range(1, 6)],
        ).fetchone()
        assert cut == (1,)

    def test_a_never_pair_also_stops_weak_evidence(self, customer: dict[str, str]) -> None:
        assert customer["never/weak"] != customer["never/home"]

    def test_an_always_pair_joins_and_a_never_pair_wins_over_it(self, customer: dict[str, str]) -> None:
        assert customer["always/a"] == customer["always/b"]
        assert customer["clash/a"] != customer["clash/b"]

    def test_a_rule_about_an_unknown_record_is_reported(self, built: duckdb.DuckDBPyConnection) -> None:
        found = built.execute(
            "select source_account from warehouse.intermediate.int_identity__rejected where reason = 'unknown_record'"
        ).fetchall()
        assert found == [("test|test|test|never/missing",)]

    def test_a_path_of_a_thousand_records_is_one_customer(self, customer: dict[str, str]) -> None:
        assert len({customer[f"path/{i}"] for i in range(1000)}) == 1

    def test_labels_have_converged(self, built: duckdb.DuckDBPyConnection) -> None:
        open_edges = built.execute(
            "select count(*) from warehouse.intermediate.int_identity__edges e "
            "join warehouse.intermediate.int_identity__components a on e.node_a = a.node_key "
            "join warehouse.intermediate.int_identity__components b on e.node_b = b.node_key "
            "where e.is_strong and a.component_key <> b.component_key"
        ).fetchone()
        assert open_edges == (0,)

    def test_helper_tables_are_gone(self, built: duckdb.DuckDBPyConnection) -> None:
        found = built.execute(
            "select table_name from duckdb_tables() where schema_name = 'intermediate' "
            "and table_name like 'int\\_identity\\_\\_components\\_\\_%' escape '\\'"
        ).fetchall()
        assert found == []


def owners(db: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    """Event key -> person who owns the device at that time."""
    rows = db.execute(
        "select e.web_event_key, m.person_id from warehouse.conformed.cx_web_event e "
        "left join warehouse.intermediate.int_identity__web_user_map m on e.anonymous_id = m.anonymous_id "
        "and e.source_account = m.source_account and e.event_at >= m.valid_from and e.event_at < m.valid_to"
    ).fetchall()
    assert len(rows) == len({k for k, _ in rows}), "windows of a device overlap"
    return dict(rows)


class TestDevices:
    """Who owns the events that carry no login."""

    def by_day(self, given: Given, db: duckdb.DuckDBPyConnection, device: str) -> dict[float, str | None]:
        found = owners(db)
        return {
            (e["event_at"] - START) / dt.timedelta(days=1): found[e["web_event_key"]]
            for e in given.events
            if e["anonymous_id"] == device and e["user_id"] is None
        }

    def test_the_latest_login_owns_a_shared_device(
        self, given: Given, built: duckdb.DuckDBPyConnection, customer: dict[str, str]
    ) -> None:
        u1, u2 = customer["web/u1"], customer["web/u2"]
        found = self.by_day(given, built, "shared")
        assert found == {80: u1, 101: u1, 103: u2, 104: u1, 134: None}
        last_login_wins = dict.fromkeys(found, u1)
        assert found != last_login_wins, (
            "the last login of the device would take day 103 from the second user"
        )

    def test_a_login_reaches_thirty_days_either_side(
        self, given: Given, built: duckdb.DuckDBPyConnection, customer: dict[str, str]
    ) -> None:
        u1 = customer["web/u1"]
        assert self.by_day(given, built, "own") == {69.9: None, 70: u1, 129.9: u1, 130: None}

    def test_a_terminal_of_four_persons_belongs_to_nobody(
        self, given: Given, built: duckdb.DuckDBPyConnection
    ) -> None:
        assert self.by_day(given, built, "terminal") == {110: None}
        found = built.execute(
            "select subject_count from warehouse.intermediate.int_identity__rejected "
            "where subject_type = 'web_device' and identifier_key = ?",
            [hashlib.md5(b"anonymous_id|site|terminal").hexdigest()],
        ).fetchall()
        assert found == [(4,)]

    def test_a_login_on_eleven_devices_in_a_day_identifies_none(
        self, given: Given, built: duckdb.DuckDBPyConnection
    ) -> None:
        assert self.by_day(given, built, "script-0") == {101: None}

    def test_a_placeholder_is_no_login(self, given: Given, built: duckdb.DuckDBPyConnection) -> None:
        assert self.by_day(given, built, "placeholder") == {101: None}

    def test_a_form_that_names_the_browser_identifies_it(
        self, given: Given, built: duckdb.DuckDBPyConnection, customer: dict[str, str]
    ) -> None:
        assert self.by_day(given, built, "from-a-form") == {100.5: customer["web/form"], 140: None}


class TestAgainstReference:
    """Random input: the warehouse gives what union-find and loops give."""

    def test_random_records_cluster_as_union_find_says(self, given: Given, customer: dict[str, str]) -> None:
        records = [r for r in given.created if r.startswith("random")]
        held = [h for h in given.held if h[0].startswith("random")]
        merges = [(r, m) for r, m in given.masters.items() if r.startswith("random") and r != m]
        expected = reference.clusters(records, held, merges, REFUSED)
        assert reference.groups({r: customer[r] for r in records}) == expected
        sizes = {len(c) for c in expected}
        assert {1, 2, 3, 4} <= sizes, "the draw is worth nothing without clusters of several sizes"

    def test_shared_identifiers_alone_would_join_too_much(
        self, given: Given, customer: dict[str, str]
    ) -> None:
        """Without guards the role address and the placeholders alone make a giant of hundreds of records."""
        records = [r for r in given.created if r.startswith("random")]
        held = [h for h in given.held if h[0].startswith("random")]
        naive = reference.clusters(records, held, max_users=99, max_emails=99, max_records=10**6)
        assert max(map(len, naive)) > 100 > max(map(len, reference.groups({r: customer[r] for r in records})))

    def test_random_devices_belong_to_whom_the_loop_says(
        self, given: Given, built: duckdb.DuckDBPyConnection, customer: dict[str, str]
    ) -> None:
        def person(user: str) -> str:
            known = customer.get(f"record-of-{user}")
            return known or hashlib.md5(f"user|{user}".encode()).hexdigest()

        logins: dict[str, list[Login]] = defaultdict(list)
        for e in given.events:
            if e["user_id"]:
                logins[e["anonymous_id"]].append(
                    Login(e["event_at"], e["web_event_key"], person(e["user_id"]))
                )
        found = owners(built)
        checked = 0
        for e in given.events:
            if e["anonymous_id"].startswith("device-"):
                expected = reference.owner(e["event_at"], logins[e["anonymous_id"]])
                assert found[e["web_event_key"]] == expected, e
                checked += expected is not None
        assert checked > 300


class TestHistory:
    """When ids became aliases, and of what."""

    def test_a_stronger_record_takes_the_name_and_the_older_ids_lead_to_it(
        self, built: duckdb.DuckDBPyConnection
    ) -> None:
        """Day 1: a card at the till. Day 4: a letter with that card. Day 20: a login with the address of the letter."""
        found = aliases(built)
        till, letter, login = (own_id(f"renamed/{r}") for r in ("till", "letter", "login"))
        assert found[till] == (login, day(20), login)
        assert found[letter] == (login, day(4), till), "for sixteen days the till gave the name"
        assert found[login] == (login, None, None)

    def test_a_merge_of_the_source_dates_from_the_day_of_the_merge(
        self, built: duckdb.DuckDBPyConnection
    ) -> None:
        assert aliases(built)[own_id("merged/loser")] == (
            own_id("merged/winner"),
            day(9),
            own_id("merged/winner"),
        )

    def test_a_weak_record_hangs_on_the_cluster_without_joining_it_earlier(
        self, built: duckdb.DuckDBPyConnection
    ) -> None:
        """The call of day 3 shows both phones; the two records behind them are one from day 30 on."""
        found = aliases(built)
        first, second, call = (own_id(f"bridge/{r}") for r in ("first", "second", "call"))
        assert found[second] == (first, day(30), first)
        assert found[call][:2] == (first, day(3))

    def test_every_cluster_is_connected_by_its_links(
        self, given: Given, built: duckdb.DuckDBPyConnection, customer: dict[str, str]
    ) -> None:
        names = {key(r): r for r in given.created}
        unions = reference.Unions()
        rows = built.execute(
            "select customer_key, other_customer_key from warehouse.intermediate.int_identity__links"
        ).fetchall()
        for a, b in rows:
            unions.join(names[a], names[b])
        assert reference.groups({r: unions.find(r) for r in given.created}) == reference.groups(customer)

    def test_random_records_were_joined_when_a_replay_of_every_moment_says(
        self, given: Given, built: duckdb.DuckDBPyConnection, customer: dict[str, str]
    ) -> None:
        expected = replayed(given, customer, built)
        found = aliases(built)
        for record in (r for r in given.created if r.startswith("random")):
            now, at, into = found[own_id(record)]
            assert now == customer[record]
            if record in expected:
                moment, seniors = expected[record]
                assert (at, into in {own_id(s) for s in seniors}) == (moment, True), record
            else:
                assert (now, at, into) == (own_id(record), None, None), record
        assert (
            sum(
                at is not None and at != given.created[r] for r in expected for _, at, _ in [found[own_id(r)]]
            )
            > 50
        )


def replayed(
    given: Given, customer: dict[str, str], db: duckdb.DuckDBPyConnection
) -> dict[str, reference.Joined]:
    """History of the random records by `reference.history`, cluster by cluster."""
    names = {key(r): r for r in given.created}
    trusted: dict[str, list[tuple[str, str]]] = defaultdict(list)
    rows = db.execute(
        "select customer_key, id_kind, id_value from warehouse.intermediate.int_identity__identifiers "
        "where reject_reason is null"
    ).fetchall()
    for k, kind, value in rows:
        trusted[names[k]].append((kind, value))
    weak = {
        names[k]
        for (k,) in db.execute(
            "select customer_key from warehouse.intermediate.int_identity__customer_map where attached_by = 'weak'"
        ).fetchall()
    }
    found: dict[str, reference.Joined] = {}
    for members in reference.groups({r: c for r, c in customer.items() if r.startswith("random")}):
        order = sorted(
            members,
            key=lambda r: (
                r in weak, min((RANKS[k] for k, _ in trusted[r]), default=99), given.created[r], key(r)
            ),
        )  # fmt: skip
        evidence = [
            (r, f"{kind}={value}", given.created[r])
            for r in members - weak
            for kind, value in trusted[r]
            if kind in reference.STRONG
        ]
        evidence += [
            (r, given.masters[r], given.created[r] + dt.timedelta(days=7))
            for r in members
            if given.masters.get(r, r) != r
        ]
        hanging = {
            w: [
                (other, max(given.created[w], given.created[other]))
                for other in members - weak
                if set(trusted[w]) & {t for t in trusted[other] if t[0] == "phone"}
            ]
            for w in members & weak
        }
        found |= reference.history({r: i for i, r in enumerate(order)}, evidence, hanging)
    return found


class TestExplain:
    """`cx explain customer`, on the records above."""

    @pytest.fixture(scope="class")
    def settings(self, tmp_path_factory: pytest.TempPathFactory, built: Any) -> Settings:
        result = load_settings(tmp_path_factory.mktemp("explain")).prepare()
        sql = "select path from duckdb_databases() where database_name = 'warehouse'"
        (built_file,) = built.execute(sql).fetchone()
        shutil.copy(built_file, result.warehouse)
        return result

    def test_a_customer_is_told_by_records_evidence_and_earlier_ids(self, settings: Settings) -> None:
        """Asked for by an alias."""
        ids = {r: own_id(f"renamed/{r}") for r in ("till", "letter", "login")}
        assert explain_customer(settings, ids["till"]) == [
            f"customer {ids['login']}",
            "",
            "records (the first gives the id)",
            "  1  test:test:test:renamed/login  (known from 2026-01-21 00:00 UTC on)",
            "  2  test:test:test:renamed/till  (known from 2026-01-02 00:00 UTC on, asked for)",
            "  3  test:test:test:renamed/letter  (known from 2026-01-05 00:00 UTC on)",
            "",
            "why they are one",
            "  3 is 1: both have email r…@m….test; trust 0.90, test:test, since 2026-01-21 00:00 UTC",
            "  2 is 3: both have loyalty_card …; trust 0.90, test:test, since 2026-01-05 00:00 UTC",
            "",
            "ids that lead here",
            f"  {ids['letter']}  record 3, until 2026-01-05 00:00 UTC, loyalty_card, then {ids['till']}",
            f"  {ids['till']}  record 2, until 2026-01-21 00:00 UTC, email",
        ]

    def test_two_records_of_a_customer_are_joined_by_a_path(self, settings: Settings) -> None:
        found = explain_customer(settings, "test:test:test:chain/crm", "test|test|test|chain/till")
        assert [line.strip().split(";")[0] for line in found[2:]] == [
            "test:test:test:chain/crm", "both have email a…@m….test",
            "test:test:test:chain/help", "both have user_id …",
            "test:test:test:chain/shop", "both have loyalty_card …",
            "test:test:test:chain/till",
        ]  # fmt: skip

    def test_what_did_not_join_is_said_with_its_reason(self, settings: Settings) -> None:
        family = explain_customer(settings, "test:test:test:family/anna", "test:test:test:family/jan")
        assert family[2:] == ["  both have email f…@m….test: too_many_users"]
        never = explain_customer(settings, own_id("never/weak"), own_id("never/home"))
        assert never[2:] == [
            "  both have phone +…00: too weak to join two customers",
            "  declared two (seed identity_never_merge, 2026-01-01): test",
        ]
        office = explain_customer(settings, own_id("office/call"))
        assert "  1  phone +…00: too_many_emails (5), since 2026-01-01 00:00 UTC" in office
        weak = [line for line in explain_customer(settings, own_id("family/call")) if "weak" in line]
        assert [line.split(";")[0] for line in weak] == ["  2 is 1: both have phone +…00"]

    def test_no_contact_value_is_told_in_the_clear(self, given: Given, settings: Settings) -> None:
        contacts = {value for _, kind, value in given.held if kind in ("email", "phone")}
        told = "\n".join(
            line
            for group in (
                "chain/crm",
                "family/anna",
                "office/0",
                "household/a",
                "role/a",
                "typeform/email:pia@mail.test",
            )
            for line in explain_customer(settings, own_id(group))
        )
        assert "typeform/email:p…@m….test" in told
        assert [value for value in contacts if value in told] == []

    def test_what_is_unknown_is_an_error_that_says_what_to_give(self, settings: Settings) -> None:
        for unknown in ("0" * 32, "hubspot:crm:contacts:1", "ann@mail.test"):
            with pytest.raises(
                CxError, match=r"(?s)no customer, alias or record.*dim_customer_aliases"
            ) as error:
                explain_customer(settings, unknown)
            assert "ann@mail.test" not in str(error.value)

    def test_before_the_first_build_it_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(CxError, match="nothing is built yet"):
            explain_customer(load_settings(tmp_path), "x")


TABLES = (
    "held", "identifiers", "edges", "components", "clusters", "customer_map", "links", "aliases", "user_map",
    "web_days", "web_logins", "web_user_map", "rejected",
)  # fmt: skip


def test_the_order_of_arrival_changes_nothing(
    project: ParsedProject, given: Given, built: duckdb.DuckDBPyConnection
) -> None:
    """The same rows in another order, built afresh: every identity table is the same."""
    assert_equal_tables(build(project, given, "--full-refresh", shuffle=random.Random(1)), built)


def assert_equal_tables(
    found: duckdb.DuckDBPyConnection, expected: duckdb.DuckDBPyConnection, tables: Iterable[str] = TABLES
) -> None:
    """Row for row, every identity table."""
    for table in tables:
        sql = f"select * from warehouse.intermediate.int_identity__{table} order by all"
        assert found.execute(sql).fetchall() == expected.execute(sql).fetchall(), table


class TestLaterEvidence:
    """Merges, unmerges and rules that come after ids were given."""

    @pytest.fixture(scope="class")
    def changed(self, given: Given) -> Given:
        later = copy.deepcopy(given)
        del later.masters["merged/loser"]
        later.never.append(("chain/help", "chain/till"))
        later.record("later/shop", created=60, email=["winner@mail.test", "bob@mail.test"])
        later.held.remove(("clash/a", "email", "clash@mail.test"))
        later.always.remove(("always/a", "always/b"))
        return later

    @pytest.fixture(scope="class")
    def after(self, project: ParsedProject, built: Any, changed: Given) -> duckdb.DuckDBPyConnection:
        return build(project, changed)

    @pytest.fixture(scope="class")
    def now(self, after: duckdb.DuckDBPyConnection, changed: Given) -> dict[str, str]:
        return customers(after, changed)

    def test_an_unmerge_gives_the_loser_the_id_back_that_it_had_alone(
        self, customer: dict[str, str], now: dict[str, str]
    ) -> None:
        assert customer["merged/loser"] == customer["merged/winner"] == own_id("merged/winner")
        assert now["merged/loser"] == own_id("merged/loser")

    def test_of_a_split_the_part_with_the_strongest_record_keeps_the_id(
        self, customer: dict[str, str], now: dict[str, str]
    ) -> None:
        assert customer["chain/till"] == customer["chain/help"] == now["chain/help"] == now["chain/crm"]
        assert now["chain/till"] == own_id("chain/till")

    def test_of_two_customers_that_become_one_the_older_id_stays(
        self, now: dict[str, str], after: duckdb.DuckDBPyConnection
    ) -> None:
        """Both are known by addresses alone and from day 0 on: the smaller key."""
        kept, lost = sorted(("merged/winner", "chain/stranger"), key=key)
        assert {now[r] for r in (kept, lost, "later/shop")} == {own_id(kept)}
        assert aliases(after)[own_id(lost)] == (own_id(kept), day(60), own_id(kept))

    def test_a_rule_withdrawn_is_a_merge_undone(self, customer: dict[str, str], now: dict[str, str]) -> None:
        assert customer["always/a"] == customer["always/b"]
        assert now["always/a"] != now["always/b"]

    def test_every_id_ever_given_leads_to_the_customer_of_the_record_behind_it(
        self, customer: dict[str, str], now: dict[str, str], after: duckdb.DuckDBPyConnection
    ) -> None:
        found = aliases(after)
        record_of = {own_id(r): r for r in now}
        for identity in set(customer.values()):
            assert found[identity][0] == now[record_of[identity]]

    def test_customers_without_new_evidence_keep_their_ids(
        self, customer: dict[str, str], now: dict[str, str]
    ) -> None:
        moved = {r for r, c in customer.items() if now[r] != c}
        assert {r.split("/")[0] for r in moved} <= {"merged", "chain", "always"}


def changed_at_random(given: Given, draw: random.Random, number: int) -> None:
    """One increment: late, new, changed, deleted, duplicated and merged records, values taken off and passed on."""
    for n in range(draw.randint(1, 4)):
        name = f"increment{number}/{n}"
        given.record(name, created=draw.choice([draw.randint(-300, 0), draw.randint(50, 90)]))
        for kind, odds in HOLDS:
            if draw.random() < odds:
                given.held.append((name, kind, f"{kind}-{draw.randint(0, 30)}-{draw.randint(0, 3)}"))
    names = sorted(given.created)
    for _ in range(draw.randint(1, 5)):
        record, kind, value = given.held[draw.randrange(len(given.held))]
        match draw.choice(["off", "passed on", "twice", "corrected"]):
            case "off":
                given.held.remove((record, kind, value))
            case "passed on":
                given.held.append((draw.choice(names), kind, value))
            case "twice":
                given.held.append((record, kind, value))
            case "corrected":
                given.held.remove((record, kind, value))
                given.held.append((record, kind, f"{value}-new"))
    loser, winner = draw.sample(names, 2)
    given.masters[loser] = winner
    if len(given.masters) > 3:
        del given.masters[draw.choice(sorted(given.masters))]
    given.created[draw.choice(names)] = day(draw.randint(-50, 50))
    gone = draw.choice(names)
    del given.created[gone]
    given.masters.pop(gone, None)
    given.held[:] = [h for h in given.held if h[0] != gone]
    if number % 5 == 4:
        draw.choice([given.always, given.never]).append((draw.choice(names), draw.choice(names)))


class TestIncrements:
    """New evidence touches only what it reaches, and gives what a build from scratch gives."""

    SELECT = " ".join(f"int_identity__{name}" for name in CHAIN)

    @pytest.fixture
    def start(self, project: ParsedProject, tmp_path: Path) -> Given:
        """Random records, built once from scratch."""
        result = Given()
        random_records(result, random.Random(7), 60)
        result.always.append(("random3/0", "random4/0"))
        build(project, result, "--full-refresh", select=self.SELECT)
        return result

    def from_scratch(self, project: ParsedProject, given: Given, home: Path) -> duckdb.DuckDBPyConnection:
        home.mkdir()
        fill_tables(home, given)
        project.run(self.SELECT, home=home)
        return open_build_file(home, read_only=True)

    def test_ten_increments_equal_a_build_from_scratch(
        self, project: ParsedProject, start: Given, tmp_path: Path
    ) -> None:
        draw = random.Random(20261122)
        for number in range(10):
            changed_at_random(start, draw, number)
            found = build(project, start, shuffle=draw, select=self.SELECT)
            if number in (4, 9):
                expected = self.from_scratch(project, start, tmp_path / str(number))
                assert_equal_tables(found, expected, CHAIN)
                expected.close()
            found.close()

    def test_only_what_new_evidence_reaches_is_resolved_again(
        self, project: ParsedProject, start: Given, tmp_path: Path
    ) -> None:
        """Reached: by hand over all that connects, before and after. A role address connects nobody."""
        before = copy.deepcopy(start)
        holder = next(r for r, kind, _ in start.held if kind == "email" and r.startswith("random9/"))
        start.held.append((holder, "phone", "phone-10-1"))
        start.held.append((holder, "email", "info@firm.test"))
        fill_tables(project.home, start)
        project.run("int_identity__held int_identity__scope")
        db = opened_copy(project)
        found = {
            k
            for (k,) in db.execute(
                "select customer_key from warehouse.intermediate.int_identity__scope"
            ).fetchall()
        }
        db.close()
        unions = reference.Unions()
        for given in (before, start):
            for record, kind, value in given.held:
                if value not in REFUSED:
                    unions.join(record, f"{kind}={value}")
            for pair in [*given.masters.items(), *given.always]:
                unions.join(*pair)
        reached = {key(r) for r in start.created if unions.find(r) == unions.find(holder)}
        assert found & {key(r) for r in start.created} == reached
        assert 2 < len(reached) < 30
        # The build breaks off half-way, and the source takes the change back before the next one.
        project.run("int_identity__identifiers int_identity__edges int_identity__components")
        final = build(project, before, select=self.SELECT)
        expected = self.from_scratch(project, before, tmp_path / "scratch")
        assert_equal_tables(final, expected, CHAIN)
        assert final.execute(
            "select count(*) from warehouse.intermediate.int_identity__scope"
        ).fetchone() == (0,)
