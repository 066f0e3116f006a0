"""Truths about the surveys: who was asked, what was answered, what comes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

from ingestion.demo.company.clock import instant, local
from ingestion.demo.company.company import Company
from ingestion.demo.company.surveys import CHECKOUT, DELIVERY, NPS, SUPPORT, SUPPORT_TOUCHPOINT, Answer

Facts = dict[str, Any]
METRIC = {NPS: "nps", DELIVERY: "csat", SUPPORT: "ces", CHECKOUT: "csat"}


def _value(metric: str, scores: list[int]) -> Facts:
    """Counts and value of one metric: NPS in points, CSAT as the share of 4 and 5, CES as the mean of 1–7."""
    n = len(scores)
    facts: Facts = {"n": n, "scores": {str(k): v for k, v in sorted(Counter(scores).items())}}
    if metric == "nps":
        up, down = sum(s >= 9 for s in scores), sum(s <= 6 for s in scores)
        facts |= {"promoters": up, "passives": n - up - down, "detractors": down}
        facts["value"] = 100 * (up - down) / n if n else None
    elif metric == "csat":
        facts["satisfied"] = sum(s >= 4 for s in scores)
        facts["value"] = facts["satisfied"] / n if n else None
        facts["mean"] = sum(scores) / n if n else None
    else:
        facts["sum"] = sum(scores)
        facts["easy"] = sum(s >= 5 for s in scores)
        facts["value"] = sum(scores) / n if n else None
        facts["easy_share"] = facts["easy"] / n if n else None
    return facts


def _latest(answers: list[Answer], unit: Callable[[Answer], Hashable]) -> list[Answer]:
    """The latest answer of each unit; answers come in order of submission."""
    return list({unit(a): a for a in answers}.values())


def surveys(c: Company, cutoff: int) -> Facts:
    """Per form, per touchpoint and over all forms of a metric.

    ``answers`` are complete responses as they came. Some persons answer the same invitation twice: ``one_per_wave``
    keeps the latest of each (person, wave, touchpoint), ``one_per_month`` of each (person, local month, touchpoint),
    ``one_per_person`` of each (person, touchpoint).
    """
    given = [a for a in c.surveys.answers if a.submitted_at < cutoff]
    done = [a for a in given if a.score is not None]
    asked = [i for i in c.surveys.invitations if i.invited_at < cutoff]
    facts: Facts = {"forms": {}, "by_touchpoint": {}, "by_metric": {}}
    for form, metric in METRIC.items():
        mine = [a for a in done if a.form == form]
        facts["forms"][form] = {
            "metric": metric,
            "invitations": sum(i.form == form for i in asked),
            "responses": sum(a.form == form for a in given),
            "partial": sum(a.form == form and a.score is None for a in given),
            "with_comment": sum(bool(a.comment) for a in mine),
            "with_reason": sum(bool(a.reason) for a in mine),
            **_variants(metric, mine),
        }
    for touchpoint in sorted({a.touchpoint for a in done}):
        mine = [a for a in done if a.touchpoint == touchpoint]
        metric = METRIC[mine[0].form]
        facts["by_touchpoint"][touchpoint] = {
            "metric": metric,
            "invitations": sum(i.touchpoint == touchpoint for i in asked),
            **_variants(metric, mine),
        }
    for metric in ("nps", "csat", "ces"):
        facts["by_metric"][metric] = _variants(metric, [a for a in done if METRIC[a.form] == metric])
    facts["csat_with_ratings"] = _with_ratings(c, done, cutoff)
    facts["answered_twice"] = len(done) - len(_latest(done, _wave))
    facts["dip"] = {
        METRIC[form]: {
            "before": _value(METRIC[form], _scores(done, form, 0, instant(c.calendar.dip_from))),
            "during": _value(
                METRIC[form], _scores(done, form, instant(c.calendar.dip_from), instant(c.calendar.dip_until))
            ),
            "after": _value(METRIC[form], _scores(done, form, instant(c.calendar.dip_until), cutoff)),
        }
        for form in (NPS, DELIVERY)
    }
    return facts


def _with_ratings(c: Company, done: list[Answer], cutoff: int) -> Facts:
    """CSAT over survey answers and the desk's good and bad ratings together; each latest of its person and month."""
    answers = _latest([a for a in done if METRIC[a.form] == "csat"], _month)
    rated = sorted(
        (t for t in c.tickets if t.score(cutoff) in ("good", "bad")),
        key=lambda t: (t.rated_at or 0, t.number),
    )
    ratings = {
        (
            c.ids.zendesk[t.requester],
            SUPPORT_TOUCHPOINT[t.channel],
            local(t.rated_at or 0).strftime("%Y-%m"),
        ): t
        for t in rated
    }
    good = sum(t.rating == "good" for t in ratings.values())
    satisfied = sum(int(a.score or 0) >= 4 for a in answers) + good
    return {
        "n": len(answers) + len(ratings),
        "satisfied": satisfied,
        "ratings": len(ratings),
        "ratings_before_dropping": len(rated),
        "value": satisfied / (len(answers) + len(ratings)) if answers or ratings else None,
    }


def _month(a: Answer) -> Hashable:
    return (a.form, a.person, a.touchpoint, local(a.submitted_at).strftime("%Y-%m"))


def _wave(a: Answer) -> Hashable:
    return (a.form, a.person, a.touchpoint, a.invited_at)


def _variants(metric: str, answers: list[Answer]) -> Facts:
    def person(a: Answer) -> Hashable:
        return (a.form, a.person, a.touchpoint)

    return {
        "answers": _value(metric, [int(a.score or 0) for a in answers]),
        "one_per_wave": _value(metric, [int(a.score or 0) for a in _latest(answers, _wave)]),
        "one_per_month": _value(metric, [int(a.score or 0) for a in _latest(answers, _month)]),
        "one_per_person": _value(metric, [int(a.score or 0) for a in _latest(answers, person)]),
    }


def _scores(answers: list[Answer], form: str, begin: int, end: int) -> list[int]:
    return [int(a.score or 0) for a in answers if a.form == form and begin <= a.submitted_at < end]
