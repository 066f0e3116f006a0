"""Leaks in money and the day from which on a step is broken: hand-worked weeks, and days without any break."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from tests.support.dbt_models import CompiledModels, open_models
from tests.support.funnel_rows import build, put_events, rows_of
from tests.support.web_models import web_models


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> CompiledModels:
    return web_models(tmp_path_factory)


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = open_models(seeds=False)
    yield connection
    connection.close()


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
        build(db, models, "mart_funnel", "mart_funnel_summary", "mart_funnel_leaks")
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
        """240 of 400 bought before, 20 of 100 now: 40 orders of 50 EUR too few in a week, 30/7 of that in 30 days.

        Pooled share 260/500 = 0.52: z = -0.4 / sqrt(0.52 * 0.48 * (1/100 + 1/400)) = -7.1611.
        Lower end: 0.4 - 1.96 * sqrt(0.2 * 0.8 / 100 + 0.6 * 0.4 / 400) = 0.30807, so 30.807 orders.
        """
        ((n, now, before, z, excess, low, risk),) = self.rows(
            leaks,
            "leak_rank = 1 and week_start = '2026-02-02'",
            "entered_count, step_conversion_rate, reference_conversion_rate, z_score, excess_lost_count, "
            "excess_lost_count_low, cast(revenue_at_risk_30d as varchar)",
        )
        assert (n, now, before) == (100, 0.2, 0.6)
        assert z == pytest.approx(-7.1611, abs=5e-5)
        assert excess == pytest.approx(40)
        assert low == pytest.approx(30.807, abs=5e-4)
        assert risk == "8571.4286"

    def test_all_devices_together_lose_the_same_orders_but_do_not_name_the_break(
        self, leaks: duckdb.DuckDBPyConnection
    ) -> None:
        found = self.rows(
            leaks,
            "step_name = 's3' and week_start = '2026-02-02'",
            "segment_value, round(excess_lost_count), is_clearest_segment",
        )
        assert sorted(found) == [
            ("Direct", 40.0, False), ("all", 40.0, False), ("desktop", 0.0, False), ("mobile", 40.0, True),
        ]  # fmt: skip

    def test_a_week_without_four_full_weeks_before_it_is_compared_with_nothing(
        self, leaks: duckdb.DuckDBPyConnection
    ) -> None:
        weeks = self.rows(leaks, "true", "cast(week_start as varchar)")
        assert sorted({week for (week,) in weeks}) == ["2026-02-02", "2026-02-09"]
