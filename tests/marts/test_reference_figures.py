"""The published marts against figures computed straight from the raw files, and against their published values.

Each figure is checked twice: the raw files give the figure printed in the data's own description (so the
definition is the right one), and the mart gives what the raw files give.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from statistics import fmean, median

import pytest

from tests.support import reference_figures as raw
from tests.support.warehouse import Warehouse

ALL = "touchpoint_id = 'all' and channel = 'all' and segment_type = 'all' and period_type = 'all'"


@pytest.fixture(scope="module")
def olist(warehouse: Callable[[str], Warehouse]) -> Warehouse:
    return warehouse("olist")


@pytest.fixture(scope="module")
def retail(warehouse: Callable[[str], Warehouse]) -> Warehouse:
    return warehouse("uci_online_retail")


@pytest.fixture(scope="module")
def shop_events(warehouse: Callable[[str], Warehouse]) -> Warehouse:
    return warehouse("retentioneering")


@pytest.fixture(scope="module")
def incidents(warehouse: Callable[[str], Warehouse]) -> Warehouse:
    return warehouse("zendesk_incidents")


class TestOlist:
    def test_every_review_is_a_response_with_its_score(self, olist: Warehouse) -> None:
        figures = raw.olist()
        assert figures.reviews_by_score == {1: 355, 2: 98, 3: 247, 4: 576, 5: 1717}
        published = olist.query("select score, count(*) from fct_survey_responses group by 1 order by 1")
        assert {int(score): count for score, count in published} == figures.reviews_by_score

    def test_csat_is_the_share_of_four_and_five(self, olist: Warehouse) -> None:
        figures = raw.olist()
        assert f"{figures.satisfied_percent:.4f}" == "76.6121"
        rows = olist.query(
            f"select metric_value, numerator, denominator from mart_cx_metrics where metric_name = 'csat' and {ALL}"
        )
        assert len(rows) == 1
        share, satisfied, answered = rows[0]
        assert (int(satisfied), int(answered)) == (576 + 1717, sum(figures.reviews_by_score.values()))
        assert f"{100 * share:.4f}" == "76.6121"

    def test_mean_score(self, olist: Warehouse) -> None:
        assert f"{raw.olist().mean_score:.6f}" == "4.069830"
        mean = olist.value(
            f"select metric_value from mart_cx_metrics where metric_name = 'csat_mean' and {ALL}"
        )
        assert f"{mean:.6f}" == "4.069830"

    def test_answer_time_on_the_wall_clock_and_by_the_instants(self, olist: Warehouse) -> None:
        figures = raw.olist()
        assert f"{figures.wall_clock_answer_hours_in_whole_minutes:.4f}" == "70.6514"
        local = "timezone('America/Sao_Paulo', timezone('UTC', {}))"
        wall_clock, elapsed = olist.query(
            f"select avg(date_diff('minute', {local.format('invited_at')}, {local.format('submitted_at')})) / 60,"
            " avg(epoch(submitted_at) - epoch(invited_at)) / 3600 from fct_survey_responses"
        )[0]
        assert f"{wall_clock:.4f}" == "70.6514"
        assert elapsed == pytest.approx(figures.elapsed_answer_hours, abs=1e-9)

    def test_payments(self, olist: Warehouse) -> None:
        figures = raw.olist()
        assert (figures.payment_rows, figures.payment_total) == (3170, Decimal("468087.37"))
        rows, total = olist.query(
            "select count(*), sum(amount) from fct_order_adjustments where adjustment_type = 'payment'"
        )[0]
        assert (rows, total) == (figures.payment_rows, figures.payment_total)

    def test_orders_and_their_items(self, olist: Warehouse) -> None:
        figures = raw.olist()
        orders, amount = olist.query(
            "select count(*), sum(net_amount) from fct_orders where order_type = 'order'"
        )[0]
        assert (orders, amount) == (3000, figures.order_item_total)

    def test_a_person_is_not_a_customer_id(self, olist: Warehouse) -> None:
        figures = raw.olist()
        assert (figures.persons, figures.persons_with_two_orders) == (2995, 5)
        per_person = olist.query(
            "select order_count, count(*) from (select customer_id, count(*) as order_count from fct_orders"
            " where order_type = 'order' group by 1) group by 1 order by 1"
        )
        assert per_person == [(1, 2990), (2, 5)]

    def test_repeat_purchase_needs_two_different_days(self, olist: Warehouse) -> None:
        figures = raw.olist()
        days = olist.value(
            "select repeat_day_customer_count from mart_repeat_purchase where source_account = 'olist'"
        )
        assert days == figures.persons_with_orders_on_two_days

    def test_won_deals_by_origin_keep_unknown_and_absent_apart(self, olist: Warehouse) -> None:
        figures = raw.olist()
        assert figures.won_by_origin == {
            "organic_search": 271, "paid_search": 195, "unknown": 179, "social": 75, "direct_traffic": 56,
            "referral": 24, "email": 15, None: 14, "display": 6, "other": 4, "other_publicities": 3,
        }  # fmt: skip
        published = olist.query("select acquisition_channel, lead_count, won_count from mart_acquisition")
        by_origin = {
            None if origin == "(not recorded)" else origin: (leads, won) for origin, leads, won in published
        }
        assert {origin: won for origin, (_, won) in by_origin.items() if won} == figures.won_by_origin
        assert {origin: leads for origin, (leads, _) in by_origin.items()} == figures.leads_by_origin


class TestUciOnlineRetail:
    def test_every_line_is_kept(self, retail: Warehouse) -> None:
        figures = raw.uci_online_retail()
        assert (figures.lines, figures.line_total) == (541_909, Decimal("9747747.934"))
        assert figures.duplicate_lines == 5268  # two equal lines of an invoice are two lines
        lines, total = retail.query("select count(*), sum(net_amount) from fct_order_lines")[0]
        assert (lines, total) == (figures.lines, figures.line_total)

    def test_invoices_and_customers(self, retail: Warehouse) -> None:
        figures = raw.uci_online_retail()
        assert (figures.invoices, figures.customers) == (25_900, 4372)
        assert retail.value("select count(*) from fct_orders") == figures.invoices
        assert retail.value("select count(distinct customer_id) from fct_order_lines") == figures.customers
        assert retail.value("select count(*) from dim_customers") == figures.customers

    def test_lines_without_customer(self, retail: Warehouse) -> None:
        assert raw.uci_online_retail().lines_without_customer == 135_080
        assert retail.value("select count(*) from fct_order_lines where customer_id is null") == 135_080

    def test_cancelled_lines(self, retail: Warehouse) -> None:
        assert raw.uci_online_retail().cancelled_lines == 9288
        cancelled = retail.value(
            "select count(*) from fct_order_lines as l join fct_orders as o using (order_key)"
            " where o.status = 'cancelled' and l.line_type = 'return'"
        )
        assert (
            cancelled
            == retail.value("select count(*) from fct_order_lines where line_type = 'return'")
            == 9288
        )

    def test_repeat_purchase_rate(self, retail: Warehouse) -> None:
        figures = raw.uci_online_retail()
        assert (figures.buyers, figures.buyers_with_two_invoices) == (4338, 2845)
        assert f"{figures.repeat_purchase_percent:.4f}" == "65.5832"
        buyers, repeated, rate = retail.query(
            "select customer_count, repeat_customer_count, repeat_rate_cumulative from mart_repeat_purchase"
            " where source_account = 'uci'"
        )[0]
        assert (buyers, repeated) == (figures.buyers, figures.buyers_with_two_invoices)
        assert f"{100 * rate:.4f}" == "65.5832"

    def test_repeat_purchase_on_different_days(self, retail: Warehouse) -> None:
        days = retail.value(
            "select repeat_day_customer_count from mart_repeat_purchase where source_account = 'uci'"
        )
        assert days == raw.uci_online_retail().buyers_with_invoices_on_two_days

    def test_revenue_and_mean_spend(self, retail: Warehouse) -> None:
        figures = raw.uci_online_retail()
        assert f"{figures.revenue:.2f}" == "8911407.90"
        assert f"{figures.mean_spend:.4f}" == "2054.2665"
        revenue, mean_spend = retail.query(
            "select revenue, mean_spend from mart_repeat_purchase where source_account = 'uci'"
        )[0]
        assert revenue == figures.revenue
        assert f"{mean_spend:.4f}" == "2054.2665"

    def test_revenue_of_each_day(self, retail: Warehouse) -> None:
        published = dict(
            retail.query(
                "select strftime(timezone('Europe/London', timezone('UTC', o.ordered_at)), '%Y-%m-%d'),"
                " sum(l.net_amount) from fct_order_lines as l join fct_orders as o using (order_key)"
                " where l.line_type = 'sale' and l.customer_id is not null group by 1"
            )
        )
        assert published == raw.uci_online_retail().revenue_by_day


class TestShopEvents:
    def test_events_sessions_and_users(self, shop_events: Warehouse) -> None:
        figures = raw.shop_events()
        assert (figures.events, figures.sessions, figures.users) == (31_106, 3605, 600)
        sessions, events, users = shop_events.query(
            "select count(*), sum(event_count), count(distinct customer_id) from fct_sessions"
        )[0]
        assert (sessions, events, users) == (figures.sessions, figures.events, figures.users)

    @pytest.mark.parametrize(
        ("unit", "expected"),
        [("session", [2868, 1213, 1022, 798, 632, 470]), ("person", [598, 522, 489, 441, 390, 328])],
    )
    def test_funnel_that_may_be_entered_anywhere(
        self, shop_events: Warehouse, unit: str, expected: list[int]
    ) -> None:
        figures = raw.shop_events()
        assert {"session": figures.sessions_any_order, "person": figures.users_any_order}[unit] == expected
        assert self._reached(shop_events, unit, "any") == expected

    def test_funnel_in_order(self, shop_events: Warehouse) -> None:
        assert self._reached(shop_events, "session", "ordered") == raw.shop_events().sessions_in_order

    @staticmethod
    def _reached(shop_events: Warehouse, unit: str, order_mode: str) -> list[int]:
        rows = shop_events.query(
            "select reached_count from mart_funnel_summary where funnel_id = 'shop' and unit = ? and order_mode = ?"
            " and segment_type = 'all' and segment_value = 'all' order by step_order",
            [unit, order_mode],
        )
        return [reached for (reached,) in rows]


class TestIncidents:
    def test_the_history_gives_what_the_peers_computed(self) -> None:
        assert raw.incidents_from_history() == raw.incidents().tickets

    @pytest.mark.parametrize("column", sorted(set(raw.INCIDENT_COLUMNS.values())))
    def test_each_ticket(self, incidents: Warehouse, column: str) -> None:
        expected = {ticket: values[column] for ticket, values in raw.incidents().tickets.items()}
        published = incidents.query(f"select source_id, {column} from fct_tickets")
        assert len(published) == 1000
        assert {ticket: float(value) for ticket, value in published} == expected

    @pytest.mark.parametrize(
        ("metric", "statistic", "expected"),
        [
            ("first_resolution_calendar_minutes_mean", "first_resolution_mean", "17352.402"),
            ("first_resolution_calendar_minutes_median", "first_resolution_median", "3184.000"),
            ("full_resolution_calendar_minutes_mean", "final_resolution_mean", "17484.920"),
        ],
    )
    def test_resolution_time(self, incidents: Warehouse, metric: str, statistic: str, expected: str) -> None:
        assert f"{getattr(raw.incidents(), statistic):.3f}" == expected
        published = incidents.value(
            f"select metric_value from mart_cx_metrics where metric_name = '{metric}' and {ALL}"
        )
        assert f"{published:.3f}" == expected

    def test_waits_and_reopens(self, incidents: Warehouse) -> None:
        figures = raw.incidents()
        assert f"{figures.requester_wait_mean:.2f}" == "9636.89"
        assert f"{figures.on_hold_mean:.3f}" == "981.739"
        assert figures.reopens == {0: 989, 1: 10, 2: 1}
        rows = incidents.query(
            "select requester_wait_calendar_minutes, on_hold_calendar_minutes, reopen_count from fct_tickets"
        )
        assert f"{fmean(float(wait) for wait, _, _ in rows):.2f}" == "9636.89"
        assert f"{fmean(float(hold) for _, hold, _ in rows):.3f}" == "981.739"
        assert median(float(wait) for wait, _, _ in rows) == 1962.5
        reopens = incidents.query("select reopen_count, count(*) from fct_tickets group by 1 order by 1")
        assert dict(reopens) == figures.reopens
