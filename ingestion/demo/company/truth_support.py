"""Truths about the desk: counts, ratings, times of all tickets, and the hand-worked cases."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ingestion.demo.company.clock import DAY, business_seconds, iso
from ingestion.demo.company.company import Company
from ingestion.demo.company.support import Ticket
from ingestion.demo.company.zendesk_records import leaves_desk

Facts = dict[str, Any]


def _median(values: list[int]) -> float | None:
    """Median; the mean of the middle two for an even count."""
    if not values:
        return None
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def support(c: Company, cutoff: int) -> Facts:
    """Counts over all tickets; times over tickets that are neither deleted nor merged away, in seconds."""
    all_tickets = [t for t in c.tickets if t.created_at < cutoff]
    steps = [s for t in all_tickets for s in t.steps if s.at < cutoff]
    gone = [t for t in all_tickets if t.status(cutoff) == "deleted"]
    merged = [t for t in all_tickets if t.merged_into is not None and t.status(cutoff) == "closed"]
    live = [t for t in all_tickets if t not in gone and t not in merged]
    scores = Counter(
        t.score(cutoff) for t in all_tickets if t.offered_at is not None and t.offered_at < cutoff
    )
    answered = [(t, at) for t in live if (at := t.first_response(cutoff)) is not None]
    solved = [(t, found) for t in live if (found := t.solved(cutoff))]
    writers: dict[int, int] = {}
    for t in all_tickets:
        writers.setdefault(t.requester, t.created_at)
    return {
        "tickets": len(all_tickets),
        "end_users": len({c.ids.zendesk[person] for person in writers}),
        "users_removed": sorted(
            c.ids.zendesk[p] for p, at in writers.items() if leaves_desk(p) and at + 30 * DAY < cutoff
        ),
        "by_status": dict(sorted(Counter(t.status(cutoff) for t in all_tickets).items())),
        "by_channel": dict(sorted(Counter(t.channel for t in all_tickets).items())),
        "by_topic": dict(sorted(Counter(t.topic for t in all_tickets).items())),
        "deleted": [t.number for t in gone],
        "merged_away": {str(t.number): t.merged_into.number for t in merged if t.merged_into},
        "with_order": sum(t.order is not None for t in all_tickets),
        "audits": len(steps),
        "comments": sum(s.text is not None for s in steps),
        "public_comments": sum(s.text is not None and s.public for s in steps),
        "bot_comments": sum(s.who == "bot" for s in steps),
        "status_changes": sum("status" in s.changes for s in steps),
        "reopened_tickets": sum(t.reopens(cutoff) > 0 for t in live),
        "reopens": sum(t.reopens(cutoff) for t in live),
        "ratings": dict(sorted(scores.items())),
        "rating_csat": scores["good"] / (scores["good"] + scores["bad"])
        if scores["good"] + scores["bad"]
        else None,
        "live_tickets": len(live),
        "answered": len(answered),
        "solved": len(solved),
        "first_response_seconds_sum": sum(at - t.created_at for t, at in answered),
        "first_response_seconds_median": _median([at - t.created_at for t, at in answered]),
        "first_response_business_seconds_sum": sum(business_seconds(t.created_at, at) for t, at in answered),
        "first_response_business_seconds_median": _median(
            [business_seconds(t.created_at, at) for t, at in answered]
        ),
        "first_resolution_seconds_sum": sum(found[0] - t.created_at for t, found in solved),
        "first_resolution_seconds_median": _median([found[0] - t.created_at for t, found in solved]),
        "full_resolution_seconds_sum": sum(found[-1] - t.created_at for t, found in solved),
        "full_resolution_seconds_median": _median([found[-1] - t.created_at for t, found in solved]),
        "one_public_reply_then_solved": sum(_one_touch(t, found[0], cutoff) for t, found in solved),
    }


def _one_touch(t: Ticket, solved: int, cutoff: int) -> bool:
    replies = [s for s in t.steps if s.who == "agent" and s.text and s.public and s.at < cutoff]
    return len(replies) == 1 and not t.opened_by_agent and t.reopens(cutoff) == 0 and replies[0].at <= solved


def cases(c: Company, cutoff: int) -> Facts:
    """Expected minutes of the named cases (worked out by hand, see ``support_cases``) that are over by then."""
    found: Facts = {}
    for t in c.tickets:
        if t.case is None or t.steps[-1].at >= cutoff:
            continue
        case = t.case
        found[case.name] = {
            "ticket_id": t.number,
            "why": case.why,
            "opened_at": iso(t.created_at),
            "first_response_at": iso(t.first_response(cutoff) or 0),
            "first_solved_at": iso(t.solved(cutoff)[0]),
            "last_solved_at": iso(t.solved(cutoff)[-1]),
            "first_response_calendar_minutes": case.first_response[0],
            "first_response_business_minutes": case.first_response[1],
            "first_resolution_calendar_minutes": case.first_resolution[0],
            "first_resolution_business_minutes": case.first_resolution[1],
            "full_resolution_calendar_minutes": case.full_resolution[0],
            "full_resolution_business_minutes": case.full_resolution[1],
            "requester_wait_calendar_minutes": case.requester_wait,
            "agent_wait_calendar_minutes": case.agent_wait,
            "on_hold_calendar_minutes": case.on_hold,
            "reopen_count": case.reopens,
        }
    return found
