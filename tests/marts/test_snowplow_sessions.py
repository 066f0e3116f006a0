"""Sessions of Snowplow's own test events against the tables that Snowplow's packages make of them, row by row.

The events come through the mappings of `examples/snowplow_*.yml`. Where the two differ the session and the reason
stand here and in docs/decisions/sessions.md.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.support.dbt_models import WEB_CHAIN, CompiledModels, fill, open_models
from tests.support.reference_data import read_rows, require_reference_data

Expected = dict[str, dict[str, str]]
Session = tuple[Any, ...]
"""Device, first and last event, page views, events."""


@pytest.fixture(scope="module")
def built(
    models: CompiledModels, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], duckdb.DuckDBPyConnection]]:
    """`built("snowplow_web")`: the models on the events of that example, with a table `known` of session ids."""
    from tests.support.example_events import example_events

    open_ones: dict[str, duckdb.DuckDBPyConnection] = {}

    def get(name: str) -> duckdb.DuckDBPyConnection:
        require_reference_data("peers", name)
        if name not in open_ones:
            db = open_ones[name] = open_models()
            fill(db, "cx_customer", [])
            fill(db, "cx_customer_identifier", [])
            fill(db, "cx_web_event", example_events(name, tmp_path_factory.mktemp(name)))
            models.build(db, *WEB_CHAIN, "fct_sessions")
            db.execute(
                "create table known as select i.session_key, e.source_session_id, count(*) as events,"
                " min(e.received_at) as first_received_at, max(e.received_at) as last_received_at,"
                " count(*) filter (where i.event_name = 'view_item') as views,"
                " count(*) filter (where i.event_name = 'add_to_cart') as adds,"
                " min(e.user_id) as user_id"
                " from warehouse.intermediate.int_web__events as i"
                " join warehouse.conformed.cx_web_event as e using (web_event_key)"
                " where i.session_key is not null group by all"
            )
        return open_ones[name]

    yield get
    for db in open_ones.values():
        db.close()


def expected(package: str, table: str, key: str) -> Expected:
    path = require_reference_data("peers", package, "expected", f"{package}_{table}_expected.csv")
    return {row[key]: row for row in read_rows(path)}


def instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.removesuffix("+00:00"))


def short(session_id: str) -> str:
    """Enough of a session id to know it by: several share their beginning."""
    return session_id[:8] + session_id[-1]


class TestWeb:
    """160 events with one trap each. Snowplow makes 18 sessions of them, with 43 page views, and 11 devices."""

    OVER_A_DAY = ("d21c000ad", "2bfc2c765")
    ROTATING_DEVICE = "540b6c4f5"
    VIEW_SENT_TWICE = "760534230"
    ONLY_PINGS = ("0b0c7bb5d", "0b0c7bb5e", "0b5d421a8")

    @pytest.fixture(scope="class")
    def db(self, built: Callable[[str], duckdb.DuckDBPyConnection]) -> duckdb.DuckDBPyConnection:
        return built("snowplow_web")

    @pytest.fixture(scope="class")
    def theirs(self) -> dict[str, list[Session]]:
        rows = expected("snowplow_web", "sessions", "domain_sessionid")
        return {
            short(key): [(
                row["domain_userid"] or None, instant(row["start_tstamp"]), instant(row["end_tstamp"]),
                int(row["page_views"]), int(row["total_events"]),
            )]
            for key, row in rows.items()
        }  # fmt: skip

    @pytest.fixture(scope="class")
    def ours(self, db: duckdb.DuckDBPyConnection) -> dict[str, list[Session]]:
        rows = db.execute(
            "select coalesce(k.source_session_id, 'none'), s.anonymous_id, s.started_at, s.ended_at, s.page_view_count,"
            " s.event_count from known as k join cx.marts.fct_sessions as s using (session_key) order by s.started_at"
        ).fetchall()
        found: dict[str, list[Session]] = {}
        for key, *values in rows:
            found.setdefault(short(key), []).append(tuple(values))
        return found

    def test_eleven_of_eighteen_sessions_are_equal_and_seven_differ_for_a_known_reason(
        self, theirs: dict[str, list[Session]], ours: dict[str, list[Session]]
    ) -> None:
        """Equal in device, first and last event, page views and number of events."""
        assert len(theirs) == 18
        different = {key for key, session in theirs.items() if ours.get(key) != session}
        assert different == {*self.OVER_A_DAY, self.ROTATING_DEVICE, self.VIEW_SENT_TWICE, *self.ONLY_PINGS}

    def test_a_session_over_a_day_is_quarantined_whole(
        self, theirs: dict[str, list[Session]], ours: dict[str, list[Session]], db: duckdb.DuckDBPyConnection
    ) -> None:
        """Snowplow keeps the first three days of such a session and drops the rest: 1 of 2 events and 3 of 11."""
        assert [theirs[key][0][4] for key in self.OVER_A_DAY] == [1, 3]
        assert not set(self.OVER_A_DAY) & set(ours)
        left_out = (
            "select sum(event_count) from warehouse.intermediate.int_web__excluded where reason = 'too_long'"
        )
        assert db.execute(left_out).fetchone() == (2 + 11,)

    def test_a_session_id_on_three_devices_is_three_sessions(
        self, theirs: dict[str, list[Session]], ours: dict[str, list[Session]]
    ) -> None:
        """Snowplow makes one of 48 hours; apart they are the visits that they look like. No event is lost."""
        [whole], parts = theirs[self.ROTATING_DEVICE], ours[self.ROTATING_DEVICE]
        assert len({device for device, *_ in parts}) == len(parts) == 3
        assert (parts[0][0], parts[0][1], parts[-1][2]) == whole[:3]
        assert (sum(p[3] for p in parts), sum(p[4] for p in parts)) == whole[3:] == (3, 5)
        assert whole[2] - whole[1] > dt.timedelta(days=1) > max(end - start for _, start, end, *_ in parts)

    def test_a_page_view_with_an_id_used_before_is_a_view(
        self, theirs: dict[str, list[Session]], ours: dict[str, list[Session]]
    ) -> None:
        """Two events 2 seconds apart carry one page view id; Snowplow counts ids, and here events count."""
        [there], [here] = theirs[self.VIEW_SENT_TWICE], ours[self.VIEW_SENT_TWICE]
        assert (there[3], here[3]) == (7, 8)
        assert there[:3] + there[4:] == here[:3] + here[4:]

    def test_a_ping_is_no_page_view_and_begins_no_earlier_than_it_was_sent(
        self, theirs: dict[str, list[Session]], ours: dict[str, list[Session]]
    ) -> None:
        """Snowplow takes a page view for granted and dates it five seconds (its heartbeat) before the ping."""
        for key in self.ONLY_PINGS:
            [there], [here] = theirs[key], ours[key]
            assert (there[0], there[2], there[4]) == (here[0], here[2], here[4])
            assert (there[3], here[3], here[1] - there[1]) == (1, 0, dt.timedelta(seconds=5))

    def test_sessions_that_they_do_not_have(
        self, theirs: dict[str, list[Session]], ours: dict[str, list[Session]], db: duckdb.DuckDBPyConnection
    ) -> None:
        """A session needs an event here, and a page view there: visits that only answered the consent banner count."""
        extra = set(ours) - set(theirs)
        rows = db.execute(
            "select k.source_session_id, coalesce(k.user_id, 'no login'), s.page_view_count"
            " from known as k join cx.marts.fct_sessions as s using (session_key)"
        ).fetchall()
        reasons = Counter((user, views) for key, user, views in rows if short(key or "none") in extra)
        assert reasons == {
            ("consent_accel", 0): 26,
            ("NULL domain_sessionid", 0): 1,
            ("late arriving: device created/sent >3 days", 1): 1,
            ("NULL page_view_id", 1): 1,
        }

    def test_channel_of_each_session(self, db: duckdb.DuckDBPyConnection) -> None:
        """A visit without traffic is Direct by Google's reading; their rules want the words (direct) and (none)."""
        theirs = {
            short(key): row["default_channel_group"]
            for key, row in expected("snowplow_web", "sessions", "domain_sessionid").items()
        }
        ours = {
            short(key): group
            for key, group in db.execute(
                "select k.source_session_id, s.channel_group from known as k"
                " join cx.marts.fct_sessions as s using (session_key) where k.source_session_id is not null"
            ).fetchall()
        }
        both = Counter((theirs[key], ours[key]) for key in theirs.keys() & ours.keys())
        assert both == {("Unassigned", "Direct"): 15, ("Display", "Display"): 1}

    def test_devices_have_their_sessions_and_page_views(
        self, theirs: dict[str, list[Session]], ours: dict[str, list[Session]]
    ) -> None:
        """Their users are devices: equal in first and last event, sessions and views but for those of the seven."""
        users = {
            row["domain_userid"]: (
                instant(row["start_tstamp"]), instant(row["end_tstamp"]), int(row["sessions"]), int(row["page_views"])
            )
            for row in expected("snowplow_web", "users", "domain_userid").values()
        }  # fmt: skip
        assert len(users) == 11
        own = {}
        for device in users:
            mine = [s for sessions in ours.values() for s in sessions if s[0] == device]
            if mine:
                own[device] = (
                    min(s[1] for s in mine),
                    max(s[2] for s in mine),
                    len(mine),
                    sum(s[3] for s in mine),
                )
        different = {device for device, values in users.items() if own.get(device) != values}
        named = {*self.OVER_A_DAY, self.ROTATING_DEVICE, self.VIEW_SENT_TWICE, *self.ONLY_PINGS}
        assert different == {theirs[key][0][0] for key in named}

    def test_a_person_is_a_login_wherever_and_history_is_not_rewritten(
        self, db: duckdb.DuckDBPyConnection
    ) -> None:
        """Snowplow stitches both sessions of browser 434dff58 to its last login, 2nd id: 10."""
        theirs = {
            row["stitched_user_id"]
            for row in expected("snowplow_web", "sessions", "domain_sessionid").values()
            if row["domain_userid"].startswith("434dff58")
        }
        assert theirs == {"user stitch - session: 2nd id: 10"}
        logins = dict(
            db.execute(
                "select person_id, user_id from warehouse.intermediate.int_identity__user_map"
            ).fetchall()
        )
        rows = db.execute(
            "select left(anonymous_id, 8), person_id from cx.marts.fct_sessions order by started_at, session_key"
        ).fetchall()
        sessions_of = Counter(logins[person] for _, person in rows)
        assert len(sessions_of) == 15
        assert sessions_of["consent_accel"] == 26
        assert sessions_of["Rotating domain_userid per session"] == 3
        assert [logins[person] for device, person in rows if device == "434dff58"] == [
            "user stitch - session: 1st id: 2",
            "user stitch - session: 2nd id: 10",
        ]


class TestShop:
    """834 events of which Snowplow makes 63 sessions, with 14 transactions of 1,466,094.89."""

    @pytest.fixture(scope="class")
    def db(self, built: Callable[[str], duckdb.DuckDBPyConnection]) -> duckdb.DuckDBPyConnection:
        return built("snowplow_ecommerce")

    def test_each_session_is_theirs(self, db: duckdb.DuckDBPyConnection) -> None:
        """Key, device, views, adds and purchases; the one event without a device is in no session, here or there.

        They date a session by the clock of the collector; here the event's own does, and the collector's is compared.
        """
        theirs = expected("snowplow_ecommerce", "sessions", "domain_sessionid")
        assert len(theirs) == 63
        rows = db.execute(
            "select k.source_session_id, s.anonymous_id, k.first_received_at, k.last_received_at, k.views, k.adds,"
            " s.purchase_count from known as k join cx.marts.fct_sessions as s using (session_key)"
        ).fetchall()
        found = {key: tuple(values) for key, *values in rows}
        assert len(rows) == len(found)
        assert found == {
            key: (
                row["domain_userid"], instant(row["start_tstamp"]), instant(row["end_tstamp"]),
                int(row["number_product_views"]), int(row["number_add_to_carts"]),
                int(row["total_number_transactions"] or 0),
            )
            for key, row in theirs.items()
        }  # fmt: skip
        left_out = db.execute(
            "select reason, sum(event_count) from warehouse.intermediate.int_web__excluded group by 1"
        )
        assert left_out.fetchall() == [("no_stream", 1)]

    def test_money_of_two_currencies_is_not_added(self, db: duckdb.DuckDBPyConnection) -> None:
        """Their 1,466,094.89 holds 231,231 dollars; the sum here is of euros alone, and counts 14 and 13 purchases."""
        theirs = expected("snowplow_ecommerce", "transaction_interactions", "event_id").values()
        assert sum(Decimal(row["transaction_revenue"]) for row in theirs) == Decimal("1466094.89")
        dollars = [row["transaction_revenue"] for row in theirs if row["transaction_currency"] == "USD"]
        assert dollars == ["231231"]
        found = db.execute(
            "select sum(purchase_count), sum(valued_purchase_count), sum(purchase_value) from cx.marts.fct_sessions"
        ).fetchone()
        assert found == (14, 13, Decimal("1466094.89") - 231_231)
