"""Leaks in money and the day from which on a step is broken: hand-worked weeks, and days without any break."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import duckdb
import pytest

from tests.support.dbt_models import CompiledModels, fill
from tests.support.funnel_rows import build, put_events, rows_of


@pytest.fixture(scope="module", autouse=True)
def no_releases(db: duckdb.DuckDBPyConnection) -> None:
    fill(db, "dim_releases", [])


LEAKS = (
    "mart_funnel",
    "mart_funnel_summary",
    "int_funnel__breaks",
    "mart_funnel_leaks",
    "mart_funnel_breaks",
)


class TestLeaks:
    """Six weeks of 100 checkouts on each device a week; from the fifth week on few buy on phones."""

    WEEK = 7 * 24 * 3600

    @pytest.fixture(scope="class")
    def leaks(self, db: duckdb.DuckDBPyConnection, models: CompiledModels) -> duckdb.DuckDBPyConnection:
        """Sessions of Monday 2026-01-05 and the weeks after; 60 of 100 buy, on phones only 20 from week 5 on."""
        rows: list[dict[str, Any]] = []
        sessions: dict[str, dict[str, Any]] = {}
        for week in range(6):
            for device in ("desktop", "mobile"):
                buyers = 20 if device == "mobile" and week >= 4 else 60
                for i in range(100):
                    name = f"{device}-{week}-{i:03d}"
                    start = week * self.WEEK + (i % 7) * 86_400 + i
                    stream = f"view_item@{start} add_to_cart@{start + 1} begin_checkout@{start + 2}"
                    buys = i < buyers
                    rows += rows_of(stream + (f" purchase@{start + 3}" if buys else ""), name)
                    sessions[name] = {
                        "device_type": device, "purchase_count": int(buys), "valued_purchase_count": int(buys),
                        "purchase_value": "50" if buys else None,
                    }  # fmt: skip
        put_events(db, rows, 7 * self.WEEK, sessions)
        build(db, models, *LEAKS)
        return db

    def rows(self, db: duckdb.DuckDBPyConnection, where: str, columns: str) -> list[tuple[Any, ...]]:
        return db.execute(
            f"select {columns} from cx.marts.mart_funnel_leaks where funnel_id = 'apart' and unit = 'session' "
            f"and ({where}) order by week_start, leak_rank"
        ).fetchall()

    def test_the_break_is_first_in_its_week_and_over_all_weeks(
        self, leaks: duckdb.DuckDBPyConnection
    ) -> None:
        found = self.rows(
            leaks,
            "leak_rank = 1",
            "cast(week_start as varchar), segment_value, step_name, is_significant, overall_leak_rank",
        )
        assert found[0] == ("2026-02-02", "mobile", "s3", True, 1)

    def test_its_figures_are_those_worked_out_by_hand(self, leaks: duckdb.DuckDBPyConnection) -> None:
        """All devices: 480 of 800 bought before, 80 of 200 now, so 40 orders of 50 EUR too few in a week.

        z of the phones: pooled share 260/500 = 0.52, -0.4 / sqrt(0.52 * 0.48 * (1/100 + 1/400)) = -7.1611.
        Their rates are drawn towards all devices by 30 entries: (20 + 30 * 0.4) / 130 = 0.246154 and
        (240 + 30 * 0.6) / 430 = 0.6, which leaves 35.3846 orders and, at 50 EUR and 30/7, 7,582.42 EUR in 30 days.
        Ends: 35.3846 -+ 1.96 * 100 * sqrt(0.246154 * 0.753846 / 130 + 0.6 * 0.4 / 430) = 35.3846 -+ 8.7336.
        Everybody beyond the step bought and every order is 50 EUR, so nothing else widens the interval.
        """
        columns = (
            "entered_count, step_conversion_rate, reference_conversion_rate, z_score, shrunken_conversion_rate, "
            "excess_lost_count, excess_lost_count_low, excess_lost_count_high, cast(revenue_at_risk_30d as double), "
            "cast(revenue_at_risk_30d_low as double), cast(revenue_at_risk_30d_high as double), drop_confidence, effort"
        )
        ((*found,),) = self.rows(leaks, "leak_rank = 1 and week_start = '2026-02-02'", columns)
        value = 50 * 30 / 7
        half = 1.96 * 100 * math.sqrt(0.246154 * 0.753846 / 130 + 0.6 * 0.4 / 430)
        assert found == pytest.approx([
            100, 0.2, 0.6, -7.1611, 0.246154, 35.3846, 35.3846 - half, 35.3846 + half,
            35.3846 * value, (35.3846 - half) * value, (35.3846 + half) * value, 1, 3,
        ], rel=1e-5)  # fmt: skip
        assert half == pytest.approx(8.7336, abs=5e-4)

    def test_all_devices_together_lose_the_same_orders_but_do_not_name_the_break(
        self, leaks: duckdb.DuckDBPyConnection
    ) -> None:
        found = self.rows(
            leaks,
            "step_name = 's3' and week_start = '2026-02-02'",
            "segment_value, round(excess_lost_count, 2), is_clearest_segment",
        )
        # A channel that holds everybody is drawn to itself; nobody on a desktop was lost, but their parent lost many:
        # (60 + 30 * 0.4) / 130 = 0.5538 against 0.6.
        assert sorted(found) == [
            ("Direct", 40.0, False), ("all", 40.0, False), ("desktop", 4.62, False), ("mobile", 35.38, True),
        ]  # fmt: skip

    def test_a_week_without_four_full_weeks_before_it_is_compared_with_nothing(
        self, leaks: duckdb.DuckDBPyConnection
    ) -> None:
        weeks = self.rows(leaks, "true", "cast(week_start as varchar)")
        assert sorted({week for (week,) in weeks}) == ["2026-02-02", "2026-02-09"]

    def test_priorities_weigh_the_money_against_the_effort(
        self, models: CompiledModels, leaks: duckdb.DuckDBPyConnection
    ) -> None:
        """Risks of the week 7,582.42 and, for the rest, smaller; the default effort of 3 is everywhere the median."""
        rows = self.rows(
            leaks,
            "week_start = '2026-02-02' and step_name = 's3'",
            "segment_value, priority_score, cast(revenue_at_risk_30d as double) * drop_confidence / 3, "
            "priority_quadrant",
        )
        for _, score, expected, _ in rows:
            assert score == pytest.approx(expected, rel=1e-4)
        assert {segment: quadrant for segment, _, _, quadrant in rows} == {
            "all": "quick_win", "Direct": "quick_win", "mobile": "fill_in", "desktop": "fill_in",
        }  # fmt: skip


class TestMoney:
    """Five weeks of one funnel written down as its daily mart, with the sessions that say what an order is worth."""

    STEPS = ("cart", "checkout", "purchase")

    def put(
        self,
        db: duckdb.DuckDBPyConnection,
        counts: dict[str, tuple[list[int], list[int]]],
        values: dict[str, list[int]],
    ) -> None:
        """`counts`: device -> entries at each step in each week before, and in the week; `values`: its orders."""
        rows = []
        for week in range(5):
            day = f"{dt.date(2026, 1, 5) + dt.timedelta(weeks=week)}"
            total = [
                sum(now[i] if week == 4 else before[i] for before, now in counts.values()) for i in range(3)
            ]
            cells = {("device_type", d): now if week == 4 else before for d, (before, now) in counts.items()}
            for (kind, value), reached in {**cells, ("all", "all"): total}.items():
                rows += [
                    {"funnel_id": "f", "funnel_name": "F", "unit": "session", "order_mode": "ordered",
                     "entry_date": day, "segment_type": kind, "segment_value": value, "step_order": i + 1,
                     "step_name": self.STEPS[i],
                     "entered_count": reached[i], "advanced_count": reached[i + 1] if i < 2 else None,
                     "in_progress_count": 0}
                    for i in range(3)
                ]  # fmt: skip
        # The week is full once a later day has data.
        rows.append({**rows[-3], "entry_date": "2026-02-08", "entered_count": 0, "advanced_count": 0})
        fill(db, "mart_funnel", rows)
        fill(db, "int_funnel__steps", [
            {"funnel_id": "f", "unit": "session", "step_order": i, "step_name": self.STEPS[i - 1], "step_count": 3,
             "conversion_step_order": 3} for i in (1, 2, 3)
        ])  # fmt: skip
        fill(db, "fct_sessions", [
            {"session_key": f"{device}{i}", "session_date": "2026-01-06", "device_type": device,
             "channel_group": "Direct", "valued_purchase_count": 1, "purchase_value": value}
            for device, own in values.items() for i, value in enumerate(own)
        ])  # fmt: skip
        fill(db, "int_funnel__breaks", [])

    def test_the_interval_holds_the_doubt_about_orders_and_their_value(
        self, models: CompiledModels, db: duckdb.DuckDBPyConnection
    ) -> None:
        """60 of 100 carts went on, now 20; half of those at the checkout buy; orders of 40 and 60 EUR.

        P = 130/260 = 0.5, variance 0.25/260. V = 50 over 2 orders, residuals 10 each, variance 200/2/2. E = 40 and its
        error 100 * sqrt(0.2 * 0.8 / 100 + 0.6 * 0.4 / 400): the delta method.
        """
        self.put(db, {"mobile": ([100, 60, 30], [100, 20, 10])}, {"mobile": [40, 60]})
        models.build(db, "mart_funnel_leaks")
        row = db.execute(
            "select cast(revenue_at_risk_30d as double), cast(revenue_at_risk_30d_high as double) "
            "from cx.marts.mart_funnel_leaks where segment_type = 'all' and step_name = 'cart'"
        ).fetchone()
        assert row is not None
        scale, e, p, v = 30 / 7, 40, 0.5, 50
        error = 100 * math.sqrt(0.2 * 0.8 / 100 + 0.6 * 0.4 / 400)
        variance = (p * v * error) ** 2 + (e * v) ** 2 * 0.25 / 260 + (e * p) ** 2 * 200 / 4
        assert row[0] == pytest.approx(scale * e * p * v)
        assert row[1] == pytest.approx(scale * (e * p * v + 1.96 * math.sqrt(variance)), rel=1e-6)

    def test_a_handful_of_entries_does_not_top_the_list(
        self, models: CompiledModels, db: duckdb.DuckDBPyConnection
    ) -> None:
        """Tablets: 9 of 12 bought, now 1 of 12, once for 5,000 EUR. Phones: 180 of 300, now 150. At raw rates and
        values the tablets lose 8 orders of 5,000, the phones 30 of 50; drawn towards everybody they cost less."""
        self.put(
            db,
            {"mobile": ([300, 300, 180], [300, 300, 150]), "tablet": ([12, 12, 9], [12, 12, 1])},
            {"mobile": [50] * 600, "tablet": [5000]},
        )
        models.build(db, "mart_funnel_leaks")
        found = db.execute(
            "select segment_value, cast(revenue_at_risk_30d as double) from cx.marts.mart_funnel_leaks "
            "where segment_type = 'device_type' and step_name = 'checkout' order by revenue_at_risk_30d desc"
        ).fetchall()
        parent, parent_before = 151 / 312, 189 / 312
        everybody = (600 * 50 + 5000) / 601
        rates = [(9 * 4 + 30 * parent_before) / 78, (1 + 30 * parent) / 42]
        value = (5000 + 30 * everybody) / 31
        assert found[1] == ("tablet", pytest.approx(12 * (rates[0] - rates[1]) * value * 30 / 7, rel=1e-6))
        assert found[0][0] == "mobile"
        raw = {"tablet": 8 * 5000, "mobile": 30 * 50}
        assert raw["tablet"] > 20 * raw["mobile"]


class TestBreaks:
    """Checkouts by day, in many shops at once: what one shop says depends on its own days only."""

    def put(self, db: duckdb.DuckDBPyConnection, shops: int, days: int, a_day: int, bad: str) -> None:
        """Random checkouts on three devices; of 0.6 buy, where `bad` holds (of shop, day, device) the share named.

        The draws are hashes of the row, so that they are the same on every machine.
        """
        steps = [("cart", 1), ("checkout", 2), ("purchase", 3)]
        fill(db, "int_funnel__steps", [
            {"funnel_id": f"f{shop}", "funnel_name": f"F{shop}", "unit": "session", "step_order": i, "step_name": name,
             "step_count": 3, "conversion_step_order": 3} for shop in range(shops) for name, i in steps
        ])  # fmt: skip
        fill(db, "int_funnel__segments", [
            {"funnel_id": f"f{shop}", "segment_type": kind} for shop in range(shops) for kind in ("all", "device_type")
        ])  # fmt: skip
        fill(db, "int_funnel__entry_steps", [])
        fill(db, "dim_releases", [])
        db.execute(
            f"""
            insert into warehouse.intermediate.int_funnel__entry_steps by name
            with entries as (
                select shop, day, device,
                    md5_number_lower(concat_ws('|', shop, day, device, i)) % 1000 / 1000.0 as goes_on,
                    md5_number_upper(concat_ws('|', shop, day, device, i)) % 1000 / 1000.0 as buys
                from range({shops}) s(shop), range({days}) d(day), range({a_day}) n(i),
                    (values ('desktop'), ('mobile'), ('tablet')) v(device)
            ), drawn as (
                select *, goes_on < 0.5 as has_2, goes_on < 0.5 and buys < coalesce({bad}, 0.6) as has_3 from entries
            )
            select 'f' || shop as funnel_id, 'session' as unit, 'ordered' as order_mode,
                timestamp '2026-01-05 10:00:00' + day * interval 1 day as step_at, step_order,
                if(step_order = 1, has_2, has_3) as is_advanced, true as is_mature, false as is_excluded,
                device as device_type, 'Direct' as channel, 'unknown' as customer_segment
            from drawn, (values (1), (2)) o(step_order) where step_order = 1 or has_2
            """
        )

    def named(self, db: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[int, str, int]]]:
        """Funnel -> step, segment and number of the day of its breaks."""
        found: dict[str, list[tuple[int, str, int]]] = {}
        for funnel_id, *rest in db.execute(
            "select funnel_id, step_order, segment_value, date_diff('day', date '2026-01-05', break_date) "
            "from warehouse.intermediate.int_funnel__breaks where is_break and is_clearest_segment order by all"
        ).fetchall():
            found.setdefault(funnel_id, []).append((rest[0], rest[1], rest[2]))
        return found

    def test_a_break_on_one_device_is_named_with_its_day(
        self, models: CompiledModels, db: duckdb.DuckDBPyConnection
    ) -> None:
        """A hundred shops in which 60 % buy, on phones 20 % from day 40 on; ten checkouts a day and device. All are
        found, 95 on phones and to within two days; 5 % may name something else as well."""
        self.put(db, 100, 60, 20, "case when device = 'mobile' and day >= 40 then 0.2 end")
        models.build(db, "int_funnel__breaks")
        found = [breaks for breaks in self.named(db).values() if any(step == 2 for step, _, _ in breaks)]
        assert len(found) == 100
        on_phones = [
            day for breaks in found for step, segment, day in breaks if (step, segment) == (2, "mobile")
        ]
        assert sum(abs(day - 40) <= 2 for day in on_phones) >= 95
        assert sum(len(breaks) > 1 for breaks in found) <= 10
        inside = db.execute(
            "select count(*) from warehouse.intermediate.int_funnel__breaks where is_clearest_segment "
            "and date '2026-02-14' between earliest_break_date and latest_break_date"
        ).fetchone()
        assert inside is not None and inside[0] >= 90

    def test_nothing_is_named_where_nothing_broke(
        self, models: CompiledModels, db: duckdb.DuckDBPyConnection
    ) -> None:
        """Two hundred shops without a break, 5 % false alarms allowed in each: more than 18 is a chance of 1 in 100.

        Taking the best of all days for the only one, at 5 %, names a break in nearly every shop.
        """
        self.put(db, 200, 60, 8, "null")
        models.build(db, "int_funnel__breaks")
        assert len(self.named(db)) <= 18
        naive = db.execute(
            "select count(distinct funnel_id) from warehouse.intermediate.int_funnel__breaks where break_z > 1.645"
        ).fetchone()
        assert naive is not None and naive[0] > 150

    def test_days_that_differ_anyway_are_no_break(
        self, models: CompiledModels, db: duckdb.DuckDBPyConnection
    ) -> None:
        """Two hundred shops whose rate is another one each day, 30 % to 90 %, without a break: z over the spread of the
        days names few of them; z of the likelihood alone would name many."""
        swing = "0.3 + md5_number_lower(concat_ws('|', shop, day)) % 1000 * 0.0006"
        self.put(db, 200, 60, 20, swing)
        models.build(db, "int_funnel__breaks")
        assert len(self.named(db)) <= 18
        alone = db.execute(
            "select count(distinct funnel_id) from warehouse.intermediate.int_funnel__breaks "
            "where break_z * sqrt(dispersion) >= needed_z"
        ).fetchone()
        assert alone is not None and alone[0] > 60

    def test_its_evidence_is_the_likelihood_of_two_rates_against_one(
        self, models: CompiledModels, db: duckdb.DuckDBPyConnection
    ) -> None:
        """Every split of the phones' days, one after the other, in Python."""
        self.put(db, 1, 60, 20, "case when device = 'mobile' and day >= 40 then 0.3 end")
        models.build(db, "int_funnel__breaks")
        days = {
            day: (n, x)
            for day, n, x in db.execute(
                "select date_diff('day', date '2026-01-05', cast(step_at as date)), count(*), count_if(is_advanced) "
                "from warehouse.intermediate.int_funnel__entry_steps where step_order = 2 and device_type = 'mobile' "
                "group by 1"
            ).fetchall()
        }

        def likelihood(x: int, n: int) -> float:
            return sum(part * math.log(part / n) for part in (x, n - x) if part)

        def total(chosen: range) -> tuple[int, int]:
            return sum(days[d][1] for d in chosen), sum(days[d][0] for d in chosen)

        gains = {}
        for day in range(1, 58):
            (x, n), (y, m) = total(range(day)), total(range(day, 60))
            if min(n, m) >= 30 and y / m < x / n:
                gains[day] = likelihood(x, n) + likelihood(y, m) - likelihood(x + y, n + m)
        best = max(gains, key=lambda day: gains[day])
        rates = [total(part)[0] / total(part)[1] for part in (range(best), range(best, 60))]
        spread = sum(
            (x - n * rates[d >= best]) ** 2 / (n * rates[d >= best] * (1 - rates[d >= best]))
            for d, (n, x) in days.items()
        ) / (len(days) - 2)  # fmt: skip
        near = [day for day, gain in gains.items() if gain >= gains[best] - 1.92 * max(1, spread)]
        found = db.execute(
            "select date_diff('day', date '2026-01-05', d) from (select unnest([break_date, earliest_break_date, "
            "latest_break_date]) as d from warehouse.intermediate.int_funnel__breaks where segment_value = 'mobile' "
            "and step_order = 2)"
        ).fetchall()
        assert found == [(best,), (min(near),), (max(near),)]
        figures = db.execute(
            "select dispersion, break_z, look_count, needed_z from warehouse.intermediate.int_funnel__breaks "
            "where segment_value = 'mobile' and step_order = 2"
        ).fetchone()
        assert figures is not None
        assert figures[:2] == (
            pytest.approx(max(1, spread)), pytest.approx(math.sqrt(2 * gains[best] / max(1, spread))),
        )  # fmt: skip
        # The z that a normal exceeds with 5 % shared out over all looks.
        assert 0.5 * math.erfc(figures[3] / math.sqrt(2)) == pytest.approx(0.05 / figures[2], rel=0.01)

    def test_a_break_is_listed_with_its_release_and_dates_the_leaks_of_its_weeks(
        self, models: CompiledModels, db: duckdb.DuckDBPyConnection
    ) -> None:
        money = TestMoney()
        money.put(db, {"mobile": ([100, 60, 30], [100, 20, 10])}, {"mobile": [50]})
        fill(db, "int_funnel__breaks", [
            {"funnel_break_key": "b", "funnel_id": "f", "unit": "session", "step_order": 1, "segment_type": "all",
             "segment_value": "all", "break_date": "2026-02-03", "earliest_break_date": "2026-02-02",
             "latest_break_date": "2026-02-04", "entered_before_count": 400, "advanced_before_count": 240,
             "entered_after_count": 90, "advanced_after_count": 18, "days_since_break": 6, "dispersion": 1,
             "look_count": 10, "break_z": 7, "needed_z": 3, "is_break": True, "is_clearest_segment": True}
        ])  # fmt: skip
        fill(db, "dim_releases", [
            {"release_key": f"r{day}", "release_name": f"Of {day}", "released_at": f"2026-{day} 08:00:00",
             "released_date": f"2026-{day}"} for day in ("01-31", "02-01", "02-02", "02-05")
        ])  # fmt: skip
        models.build(db, "mart_funnel_leaks", "mart_funnel_breaks")
        weeks = db.execute(
            "select cast(week_start as varchar), segment_value, cast(break_date as varchar) "
            "from cx.marts.mart_funnel_leaks where step_name = 'cart' order by all"
        ).fetchall()
        assert weeks == [("2026-02-02", "all", "2026-02-03"), ("2026-02-02", "mobile", None)]
        # 90 carts in 6 days are 450 in 30; 0.6 - 0.2 of them are lost, half would have bought, for 50.
        row = db.execute(
            "select step_name, release_name, lost_30d_count, cast(revenue_at_risk_30d as double), lost_30d_count_low "
            "from cx.marts.mart_funnel_breaks"
        ).fetchone()
        half = 1.959964 * math.sqrt(0.6 * 0.4 / 400 + 0.2 * 0.8 / 90)
        assert row == (
            "cart",
            "Of 02-02",
            pytest.approx(180),
            pytest.approx(4500),
            pytest.approx(450 * (0.4 - half)),
        )
