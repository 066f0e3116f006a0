"""mart_cx_metrics on drawn answers and tickets against a computation in plain Python, scope by scope."""

from __future__ import annotations

import datetime as dt
import random
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.support.dbt_models import CompiledModels, fill, open_models

Row = dict[str, Any]
Scope = tuple[str, str, str, str, str, str | None]
SEGMENTS = ("customer_segment", "reason_code", "source_account")


def scopes(row: Row, date: dt.date) -> Iterator[Scope]:
    """Every scope a row counts in."""
    periods = (
        ("all", None),
        ("month", date.replace(day=1).isoformat()),
        ("week", (date - dt.timedelta(days=date.weekday())).isoformat()),
    )
    for period, start in periods:
        for touchpoint in ("all", row["touchpoint_id"]):
            for channel in ("all", row["channel"]):
                yield touchpoint, channel, "all", "all", period, start
            for segment in SEGMENTS:
                if row[segment] is not None:
                    yield touchpoint, "all", segment, row[segment], period, start


@pytest.fixture(scope="module")
def drawn() -> tuple[list[Row], list[Row]]:
    """700 answers and 500 tickets of 60 customers in three months; a fifth of the answers does not count."""
    draw = random.Random(5)
    segment = {f"customer {i}": draw.choice(["new", "repeat"]) for i in range(60)}
    answers, tickets = [], []
    for number in range(500):
        customer = draw.choice([*segment, None])
        opened = dt.date(2026, 1, 20) + dt.timedelta(days=draw.randrange(90))
        tickets.append({
            "ticket_key": f"ticket {number}", "customer_id": customer, "customer_segment": segment.get(customer or ""),
            "touchpoint_id": draw.choice(["email_support", "chat_support"]), "channel": draw.choice(["email", "chat"]),
            "reason_code": draw.choice(["delivery", "payment", None]), "source_account": draw.choice(["a", "b"]),
            "is_measured": number % 50 > 0, "opened_date": opened,
            "first_solved_date": opened + dt.timedelta(days=draw.randrange(10)),
            "first_response_calendar_minutes": draw.choice([None, float(draw.randrange(10_000))]),
            "fcr_repeat": draw.choice([True, True, False, None]),
        })  # fmt: skip
    for number in range(700):
        ticket = draw.choice(tickets) if number % 3 == 0 else None
        customer = draw.choice([*segment, None])
        metric = draw.choice(["nps", "csat", "ces"])
        low, high, positive, negative, scale = {
            "nps": (0, 10, 9, 6, "nps_0_10"), "csat": (1, 5, 4, 2, "csat_1_5"), "ces": (1, 7, 5, 3, "ces_2"),
        }[metric]  # fmt: skip
        score = draw.randrange(low, high + 1)
        answers.append({
            "survey_response_key": f"answer {number}", "metric": metric, "score": score, "is_valid_score": True,
            "is_counted": draw.random() < 0.8, "is_positive": score >= positive, "is_negative": score <= negative,
            "scale_version": scale, "survey_kind": "transactional" if number % 5 else "relationship",
            "touchpoint_id": draw.choice(["checkout", "delivery"]) if number % 5 else "relationship_survey",
            "channel": draw.choice(["email", "web"]), "customer_id": customer,
            "customer_segment": segment.get(customer or ""),
            "ticket_key": ticket["ticket_key"] if ticket else None,
            "reason_code": ticket["reason_code"] if ticket else None, "source_account": draw.choice(["a", "b"]),
            "responded_date": dt.date(2026, 1, 20) + dt.timedelta(days=draw.randrange(90)),
        })  # fmt: skip
    return answers, tickets


@pytest.fixture(scope="module")
def published(models: CompiledModels, drawn: tuple[list[Row], list[Row]]) -> dict[tuple[str, Scope], Row]:
    answers, tickets = drawn
    connection = open_models()
    without = lambda rows, *names: [{k: v for k, v in r.items() if k not in names} for r in rows]  # noqa: E731
    fill(connection, "fct_survey_responses", without(answers, "customer_segment", "reason_code"))
    fill(connection, "fct_tickets", without(tickets, "customer_segment"))
    customers = {r["customer_id"]: r["customer_segment"] for r in [*answers, *tickets] if r["customer_id"]}
    fill(
        connection,
        "dim_customers",
        [{"customer_id": c, "customer_segment": s} for c, s in sorted(customers.items())],
    )
    fill(connection, "fct_buyers", [])
    fill(connection, "cx_survey_response", [])
    models.build(connection, "mart_cx_metrics")
    result = connection.execute("select * from cx.marts.mart_cx_metrics")
    names = [column[0] for column in result.description]
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    return {
        (
            row["metric_name"],
            (
                row["touchpoint_id"], row["channel"], row["segment_type"], row["segment_value"], row["period_type"],
                row["period_start"].isoformat() if row["period_start"] else None,
            ),
        ): row
        for row in rows
    }  # fmt: skip


def grouped(rows: Iterable[tuple[Row, dt.date]]) -> dict[Scope, list[Row]]:
    groups: dict[Scope, list[Row]] = defaultdict(list)
    for row, date in rows:
        for scope in scopes(row, date):
            groups[scope].append(row)
    return groups


@pytest.mark.parametrize("metric", ["nps", "csat", "ces"])
def test_every_scope_of_a_survey_metric(
    metric: str, drawn: tuple[list[Row], list[Row]], published: dict[tuple[str, Scope], Row]
) -> None:
    wanted = grouped((a, a["responded_date"]) for a in drawn[0] if a["metric"] == metric)
    found = {scope: row for (name, scope), row in published.items() if name == metric}
    assert set(found) == {scope for scope, rows in wanted.items() if any(r["is_counted"] for r in rows)}
    for scope, row in found.items():
        counted = [r for r in wanted[scope] if r["is_counted"]]
        n = len(counted)
        assert (row["response_count"], row["dropped_count"]) == (n, len(wanted[scope]) - n)
        mixed = metric == "nps" and len({r["survey_kind"] for r in counted}) > 1
        withheld = mixed or n < (30 if metric == "nps" else 20)
        assert row["is_reportable"] is not withheld
        positive, negative = (sum(r[name] for r in counted) for name in ("is_positive", "is_negative"))
        figure = {
            "nps": 100 * (positive - negative) / n,
            "csat": positive / n,
            "ces": sum(r["score"] for r in counted) / n,
        }[metric]
        assert row["metric_value"] == (None if withheld else pytest.approx(figure, abs=1e-12))


def test_every_scope_of_the_ticket_metrics(
    drawn: tuple[list[Row], list[Row]], published: dict[tuple[str, Scope], Row]
) -> None:
    tickets = [t for t in drawn[1] if t["is_measured"]]
    minutes = "first_response_calendar_minutes"
    answered = grouped((t, t["opened_date"]) for t in tickets if t[minutes] is not None)
    for statistic in ("median", "p90", "mean"):
        found = {scope: row for (name, scope), row in published.items() if name == f"{minutes}_{statistic}"}
        assert set(found) == set(answered)
        for scope, row in found.items():
            values = [t[minutes] for t in answered[scope]]
            if len(values) < 10:
                assert row["metric_value"] is None and row["suppressed_reason"]
                continue
            figure = {
                "median": statistics.median(values),
                "p90": statistics.quantiles(values, n=10, method="inclusive")[8],
                "mean": statistics.fmean(values),
            }[statistic]
            assert row["metric_value"] == pytest.approx(figure, abs=1e-9)
    solved = grouped((t, t["first_solved_date"]) for t in tickets if t["fcr_repeat"] is not None)
    found = {scope: row for (name, scope), row in published.items() if name == "fcr_repeat"}
    assert set(found) == set(solved)
    for scope, row in found.items():
        hits = sum(t["fcr_repeat"] for t in solved[scope])
        assert (row["numerator"], row["denominator"]) == (hits, len(solved[scope]))


def test_nothing_else_is_published(published: dict[tuple[str, Scope], Row]) -> None:
    minutes = {f"first_response_calendar_minutes_{s}" for s in ("median", "p90", "mean")}
    surveys = {"nps", "nps_relationship", "nps_transactional", "csat", "csat_mean", "ces", "ces_easy_share"}
    assert {name for name, _ in published} == surveys | minutes | {"fcr_repeat"}
