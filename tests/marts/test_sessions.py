"""Sessions: the 30-minute rule and its edges, against a plain loop on random streams, and what a session carries."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.dbt_models import WEB_CHAIN, CompiledModels, fill, relation

START = dt.datetime(2026, 1, 5, 12)
MINUTE = 60
HOUR = 3600
DAY = 24 * HOUR


def event(at: float, device: str | None = "d1", **more: Any) -> dict[str, Any]:
    """A page view `at` seconds after noon; the local date is that of Warsaw, an hour ahead."""
    moment = START + dt.timedelta(seconds=at)
    return {
        "event_name": "page_view", "raw_event_name": more.get("event_name", "page_view"),
        "event_at": moment.isoformat(sep=" "), "event_date_local": (moment + dt.timedelta(hours=1)).date().isoformat(),
        "anonymous_id": device, **more,
    }  # fmt: skip


def build(db: duckdb.DuckDBPyConnection, models: CompiledModels, events: Sequence[dict[str, Any]]) -> None:
    """Build everything from these events to the sessions."""
    fill(db, "cx_customer", [])
    fill(db, "cx_customer_identifier", [])
    rows = [{"web_event_key": f"e{i:04d}", "source_id": str(i), **e} for i, e in enumerate(events)]
    fill(db, "cx_web_event", rows)
    models.build(db, *WEB_CHAIN, "fct_sessions", "int_web__touches")


def sessions(db: duckdb.DuckDBPyConnection, *columns: str) -> list[tuple[Any, ...]]:
    """Columns of the sessions in order of start."""
    return db.execute(
        f"select {', '.join(columns)} from cx.marts.fct_sessions order by started_at, session_key"
    ).fetchall()


class TestBreaks:
    """Where a session ends."""

    def test_a_gap_of_exactly_thirty_minutes_stays(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        build(db, models, [event(0), event(30 * MINUTE)])
        assert sessions(db, "event_count", "duration_seconds") == [(2, 1800.0)]

    def test_a_microsecond_more_breaks(self, db: duckdb.DuckDBPyConnection, models: CompiledModels) -> None:
        build(db, models, [event(0), event(30 * MINUTE + 0.000001)])
        assert sessions(db, "event_count") == [(1,), (1,)]

    def test_neither_midnight_nor_a_new_campaign_breaks(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """22:50 and 23:05 in London are 23:50 and 00:05 in Warsaw: one session, dated by its start."""
        build(db, models, [
            event(10 * HOUR + 50 * MINUTE, source="google", medium="cpc", campaign="a"),
            event(11 * HOUR + 5 * MINUTE, source="newsletter", medium="email", campaign="b"),
        ])  # fmt: skip
        found = sessions(db, "event_count", "cast(session_date as varchar)", "campaign", "channel_group")
        assert found == [(2, "2026-01-05", "a", "Paid Search")]
        cut_at_midnight = db.execute(
            "select count(distinct event_date_local) from warehouse.conformed.cx_web_event"
        )
        assert cut_at_midnight.fetchone() == (2,), "the short way would have made two"

    def test_streams_are_apart_by_device_and_by_connection(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        build(db, models, [
            event(0, "d1"), event(1, "d2"), event(2, "d1", source_account="other"), event(3, None, user_id="d1"),
        ])  # fmt: skip
        assert sessions(db, "event_count") == [(1,)] * 4

    def test_a_session_id_of_the_source_is_taken_as_it_is(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """Two hours apart with one id: one session. A minute apart with two ids, or on another device: three."""
        build(db, models, [
            event(0, source_session_id="7"), event(2 * HOUR, source_session_id="7"),
            event(2 * HOUR + 60, source_session_id="8"), event(2 * HOUR + 70, "d2", source_session_id="8"),
        ])  # fmt: skip
        assert sessions(db, "event_count") == [(2,), (1,), (1,)]

    def test_a_session_id_without_device_or_login_makes_no_session(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """Ids are unique only within a device: 7 of nobody may be anybody's. With a login it is that person's."""
        build(db, models, [
            event(0, None, source_session_id="7"), event(25 * HOUR, None, source_session_id="7"),
            event(0, None, source_session_id="7", user_id="u"),
        ])  # fmt: skip
        assert sessions(db, "event_count", "person_id is not null") == [(1, True)]
        left_out = "select reason, sum(event_count) from warehouse.intermediate.int_web__excluded group by 1"
        assert db.execute(left_out).fetchall() == [("no_stream", 2)]

    @pytest.mark.parametrize("session_id", [None, "7"])
    def test_more_than_a_day_is_quarantined_and_counted(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels, session_id: str | None
    ) -> None:
        """A kiosk reloads every half hour: after 24 hours it is still a session, after 24:30 it is none."""
        exact = [event(i * 30 * MINUTE, "person", source_session_id=session_id) for i in range(49)]
        kiosk = [event(i * 30 * MINUTE, "kiosk", source_session_id=session_id) for i in range(50)]
        build(db, models, [*exact, *kiosk])
        assert sessions(db, "anonymous_id", "event_count") == [("person", 49)]
        left_out = "select reason, sum(event_count) from warehouse.intermediate.int_web__excluded group by 1"
        assert db.execute(left_out).fetchall() == [("too_long", 50)]

    def test_bots_tests_and_deleted_events_are_out_and_counted(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        build(db, models, [
            event(0), event(60), event(1, is_bot=True), event(2, is_test=True), event(3, is_deleted=True),
            event(4, None),
        ])  # fmt: skip
        assert sessions(db, "event_count") == [(2,)]
        reasons = db.execute(
            "select reason, event_count from warehouse.intermediate.int_web__excluded order by 1"
        )
        assert reasons.fetchall() == [("bot", 1), ("deleted", 1), ("no_stream", 1), ("test", 1)]


class TestAttributes:
    """What a session carries."""

    def test_engaged_by_time_by_views_or_by_a_conversion(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        build(db, models, [
            event(0, "a", event_name="search"), event(9.9, "a", event_name="search"),
            event(1, "b", event_name="search"), event(11, "b", event_name="search"),
            event(2, "c"), event(3, "c"),
            event(4, "d", event_name="purchase", transaction_id="t", value="10"),
        ])  # fmt: skip
        assert dict(sessions(db, "anonymous_id", "is_engaged")) == {
            "a": False,
            "b": True,
            "c": True,
            "d": True,
        }

    def test_traffic_and_landing_come_from_the_first_event_that_has_them(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        build(db, models, [
            event(0, event_name="session_start", device_type="mobile"),
            event(1, page_path="/sale", source="Facebook", medium="social", device_type="mobile"),
            event(2, page_path="/shoes", source="google", medium="organic", device_type="desktop"),
            event(0, "d2", page_path="/"),
        ])  # fmt: skip
        found = sessions(db, "landing_page_path", "source", "channel_group", "device_type")
        assert sorted(found, key=str) == [
            ("/", "(direct)", "Direct", None),
            ("/sale", "facebook", "Organic Social", "mobile"),
        ]

    def test_a_purchase_sent_twice_counts_once(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """A thank-you page loaded again an hour later sends the purchase again: 30.50 in all, in session one."""
        buy = {"event_name": "purchase", "transaction_id": "t1", "value": "30.50", "currency": "EUR"}
        other = {"event_name": "purchase", "transaction_id": "t2", "value": "99", "currency": "USD"}
        build(db, models, [event(0, **buy), event(HOUR, **buy), event(HOUR + 5, **other)])
        found = sessions(db, "purchase_count", "valued_purchase_count", "cast(purchase_value as varchar)")
        assert found == [(1, 1, "30.5000"), (1, 0, None)]

    def test_touches_add_up_to_the_events(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        build(
            db,
            models,
            [event(i * 60, page_path=path) for i, path in enumerate(["/", "/", "/checkout", "/nowhere"])],
        )
        found = db.execute(
            "select sum(event_count), count(*) from warehouse.intermediate.int_web__touches"
        ).fetchone()
        assert found is not None
        assert found[0] == 4

    def test_channel_groups_follow_googles_definitions(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """Google Analytics help, "Default channel group"; cpm is Display unless the site is of another paid group."""
        build(db, models, [
            event(i, f"d{i}", source=source, medium=medium, campaign=campaign)
            for i, (source, medium, campaign, _) in enumerate(CHANNELS)
        ])  # fmt: skip
        assert [group for (group,) in sessions(db, "channel_group")] == [group for *_, group in CHANNELS]


class TestAttribution:
    """A direct session takes the traffic of the person's latest session of another channel within 30 days."""

    COLUMNS = ("attributed_source", "attributed_medium", "attributed_campaign", "attributed_channel_group")

    def test_direct_visits_follow_the_latest_visit_that_was_not(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """Exactly thirty days still count; the direct visits between do not begin the count anew."""
        build(db, models, [
            event(0),
            event(1 * DAY, source="google", medium="cpc", campaign="Spring"),
            event(2 * DAY),
            event(30 * DAY, source="(direct)", medium="(none)"),
            event(31 * DAY),
            event(31 * DAY + HOUR),
            event(40 * DAY, source="crm", medium="email"),
            event(41 * DAY),
            event(41 * DAY + HOUR, source="x", medium="unheard-of"),
            event(42 * DAY),
        ])  # fmt: skip
        spring = ("google", "cpc", "Spring", "Paid Search")
        direct = ("(direct)", "(none)", None, "Direct")
        mail = ("crm", "email", None, "Email")
        unnamed = ("x", "unheard-of", None, "Unassigned")
        assert sessions(db, *self.COLUMNS) == [
            direct, spring, spring, spring, spring, direct, mail, mail, unnamed, unnamed,
        ]  # fmt: skip
        assert sessions(db, "channel_group")[2:6] == [("Direct",)] * 4, "the session's own channel stays"

    def test_it_follows_the_person_not_the_device_and_never_looks_ahead(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        """Ann clicks a mail on her phone and buys direct at her desk; Bob's direct visit is before his advert."""
        build(db, models, [
            event(0, "phone", user_id="ann", source="crm", medium="email"),
            event(1 * DAY, "desk", user_id="ann"),
            event(1 * DAY, "bobs", user_id="bob"),
            event(2 * DAY, "bobs", user_id="bob", source="google", medium="cpc"),
            event(3 * DAY, "other"),
        ])  # fmt: skip
        found = sessions(db, "anonymous_id", "attributed_channel_group")
        assert sorted(found) == [
            ("bobs", "Direct"), ("bobs", "Paid Search"), ("desk", "Email"), ("other", "Direct"), ("phone", "Email"),
        ]  # fmt: skip

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        visits=st.lists(
            st.tuples(
                st.sampled_from(["a", "b"]),
                st.integers(0, 100),
                st.sampled_from([None, "(direct)", "google", "crm"]),
            ),
            min_size=1,
            max_size=40,
        )
    )
    def test_equals_a_search_through_all_earlier_sessions(
        self,
        db: duckdb.DuckDBPyConnection,
        models: CompiledModels,
        visits: list[tuple[str, int, str | None]],
    ) -> None:
        """Visits on whole days, so that several lie exactly 30 days apart; equal instants go by session key."""
        build(db, models, [
            event(day * DAY, device, source_session_id=str(i), source=source,
                  medium=source and ("(none)" if source == "(direct)" else "cpc"), campaign=source and str(i))
            for i, (device, day, source) in enumerate(visits)
        ])  # fmt: skip
        own = ("source", "medium", "campaign", "channel_group")
        rows = sessions(db, "person_id", "started_at", "session_key", *own, *self.COLUMNS)
        for row in rows:
            person, started_at, key, traffic, found = row[0], row[1], row[2], row[3:7], row[7:]
            known = [
                r for r in rows
                if r[0] == person and (r[1], r[2]) <= (started_at, key) and r[6] != "Direct"
            ]  # fmt: skip
            latest = max(known, key=lambda r: (r[1], r[2]), default=None)
            near = latest is not None and started_at - latest[1] <= dt.timedelta(days=30)
            assert found == (latest[3:7] if latest is not None and near else traffic)


CHANNELS: list[tuple[str | None, str | None, str | None, str]] = [
    (None, None, None, "Direct"),
    ("(direct)", "(none)", None, "Direct"),
    ("google", "organic", None, "Organic Search"),
    ("google", "cpc", "brand", "Paid Search"),
    ("bing", "ppc", None, "Paid Search"),
    ("facebook", "paid", None, "Paid Social"),
    ("facebook", "referral", None, "Organic Social"),
    ("youtube.com", "referral", None, "Organic Video"),
    ("youtube.com", "cpv", None, "Paid Video"),
    ("some.blog", "referral", None, "Referral"),
    ("crm", "email", None, "Email"),
    ("partner", "affiliate", None, "Affiliates"),
    ("network", "cpm", None, "Display"),
    ("network", "paid", None, "Paid Other"),
    ("amazon.com", "referral", None, "Organic Shopping"),
    ("google", "cpc", "summer-shop", "Paid Shopping"),
    ("twilio", "sms", None, "SMS"),
    ("app", "web-push", None, "Mobile Push"),
    ("x", "unheard-of", None, "Unassigned"),
]

STREAMS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", None]),
        st.sampled_from(["u", None]),
        st.one_of(
            st.integers(0, 3 * HOUR),
            st.sampled_from([0, 1799, 1800, 1801, 3600, 3601, 86_400, 90_000, 2 * 86_400]),
        ),
    ),
    min_size=1,
    max_size=60,
)


class TestRandomStreams:
    """The models give what a plain loop gives."""

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(stream=STREAMS)
    def test_sessions_equal_a_plain_loop(
        self,
        db: duckdb.DuckDBPyConnection,
        models: CompiledModels,
        stream: list[tuple[str | None, str | None, int]],
    ) -> None:
        build(db, models, [event(at, device, user_id=user) for device, user, at in stream])
        ats: dict[tuple[str, str], list[int]] = defaultdict(list)
        for device, user, at in stream:
            if device or user:
                ats[("device", device) if device else ("user", str(user))].append(at)
        expected = []
        for own in ats.values():
            own.sort()
            spans: list[list[int]] = []
            for at in own:
                if spans and at - spans[-1][-1] <= 1800:
                    spans[-1].append(at)
                else:
                    spans.append([at])
            expected += [(s[0], s[-1], len(s)) for s in spans if s[-1] - s[0] <= 86_400]
        found = db.execute(
            "select cast(epoch(started_at - ?::timestamp) as bigint), cast(epoch(ended_at - ?::timestamp) as bigint), "
            "event_count from cx.marts.fct_sessions",
            [START, START],
        ).fetchall()
        assert sorted(found) == sorted(expected)

    def test_the_order_of_arrival_changes_nothing(
        self, db: duckdb.DuckDBPyConnection, models: CompiledModels
    ) -> None:
        stream = [
            {**event((i * 611) % 20_000, f"d{i % 7}", page_path=f"/{i % 3}", source=["google", "crm"][i % 2]),
             "web_event_key": f"k{(i * 37) % 301:03d}", "user_id": f"u{i % 4}" if i % 5 == 0 else None}
            for i in range(300)
        ]  # fmt: skip
        found = []
        for rows in (stream, stream[::-1]):
            build(db, models, rows)
            tables = ("int_web__events", "fct_sessions", "int_web__touches")
            found.append([db.execute(f"select * from {relation(t)} order by all").fetchall() for t in tables])
        assert found[0] == found[1]
