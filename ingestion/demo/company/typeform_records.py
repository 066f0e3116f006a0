"""Typeform records: the four forms and their responses, as they stand before an instant."""

from __future__ import annotations

from typing import Any

from ingestion.demo.company import vocabulary as words
from ingestion.demo.company.clock import DAY, Clock, iso
from ingestion.demo.company.identities import Identities
from ingestion.demo.company.people import People
from ingestion.demo.company.surveys import CHECKOUT, DELIVERY, NPS, SUPPORT, Answer, Surveys

Record = dict[str, Any]
HIDDEN = ("email", "user_id", "order_id", "ticket_id", "touchpoint", "invited_at", "wave")

# form -> title, ref of the score, type, steps, question
FORMS: dict[str, tuple[str, str, str, int, str]] = {
    NPS: ("Relationship NPS", "nps", "nps", 11, "How likely are you to recommend Lipa & Len to a friend?"),
    DELIVERY: ("After delivery", "csat", "opinion_scale", 5, "How satisfied are you with the delivery?"),
    SUPPORT: (
        "After support",
        "ces",
        "opinion_scale",
        7,
        "Lipa & Len made it easy for me to handle my issue.",
    ),
    CHECKOUT: ("Checkout feedback", "csat_checkout", "rating", 5, "How was paying in our shop?"),
}


def form_records(clock: Clock) -> list[Record]:
    """Definitions of the forms."""
    since = iso(clock.opens - 200 * DAY)
    return [
        {
            "id": form, "type": "form", "title": title, "created_at": since, "last_updated_at": since,
            "published_at": since, "settings": {"language": "en", "is_public": True}, "hidden": list(HIDDEN),
            "fields": [
                {"id": f"{form}s", "ref": ref, "type": kind, "title": question,
                 "properties": {"steps": steps, "start_at_one": ref != "nps"}, "validations": {"required": True}},
                {"id": f"{form}r", "ref": "reason", "type": "multiple_choice", "title": "What was it about?",
                 "properties": {"choices": [{"id": f"{form}c{k}", "ref": r, "label": r.title()}
                                            for k, r in enumerate(words.REASONS)],
                                "allow_multiple_selection": False}, "validations": {"required": False}},
                {"id": f"{form}t", "ref": "comment", "type": "long_text", "title": "Anything else?", "properties": {},
                 "validations": {"required": False}},
            ],
        }
        for form, (title, ref, kind, steps, question) in FORMS.items()
    ]  # fmt: skip


def response_records(people: People, ids: Identities, surveys: Surveys, cutoff: int) -> list[Record]:
    """Responses before an instant; a partial one has no time of submission, as the vendor writes it."""
    return [_response(a, people, ids) for a in surveys.answers if a.submitted_at < cutoff]


def _hidden(a: Answer, people: People, ids: Identities) -> dict[str, str]:
    i = a.person
    hidden = {"touchpoint": a.touchpoint, "invited_at": iso(a.invited_at)}
    if a.form == SUPPORT and a.ticket is not None:
        return {**hidden, "ticket_id": str(a.ticket.number), "email": ids.zendesk_mail[i]}
    if a.order is not None:
        hidden |= {"order_id": a.order.order_number}
        if a.form == CHECKOUT:
            return {**hidden, "user_id": people.user_id[i]} if a.logged_in else hidden
        return {**hidden, "email": str(a.order.email)}
    email = ids.contact_mail[i] or people.email[i]
    hidden |= {"wave": a.wave, "email": f" {email.upper()}" if i % 13 == 5 else email}
    return {**hidden, "user_id": people.user_id[i]} if people.has_account[i] else hidden


def _response(a: Answer, people: People, ids: Identities) -> Record:
    _, ref, kind, _, _ = FORMS[a.form]
    answers: list[Record] = []
    if a.score is not None:
        answers.append(
            {"type": "number", "number": a.score, "field": {"id": f"{a.form}s", "type": kind, "ref": ref}}
        )
    if a.reason is not None:
        k = words.REASONS.index(a.reason)
        choice = {"id": f"{a.form}c{k}", "ref": a.reason, "label": a.reason.title()}
        field = {"id": f"{a.form}r", "type": "multiple_choice", "ref": "reason"}
        answers.append({"type": "choice", "choice": choice, "field": field})
    if a.comment is not None:
        field = {"id": f"{a.form}t", "type": "long_text", "ref": "comment"}
        answers.append({"type": "text", "text": a.comment, "field": field})
    done = a.score is not None
    return {
        "form_id": a.form, "landing_id": a.token, "token": a.token, "response_id": a.token,
        "response_type": "completed" if done else "partial", "landed_at": iso(a.submitted_at - 20),
        "submitted_at": iso(a.submitted_at) if done else "0001-01-01T00:00:00Z",
        "metadata": {
            "user_agent": "Mozilla/5.0", "platform": "mobile" if a.phone else "other",
            "referer": f"https://{words.SHOP_HOST}/", "network_id": a.token[:10],
            "browser": "touch" if a.phone else "default",
        },
        "hidden": _hidden(a, people, ids), "calculated": {"score": 0}, "variables": [], "tags": [], "answers": answers,
    }  # fmt: skip
