"""Flat rows of a response and of its answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ingestion.connectors.typeform.schema import PROMOTED_HIDDEN
from ingestion.core.identifiers import normalise_email, normalise_phone

_TEXT_TYPES = frozenset(("text", "email", "url", "phone_number", "file_url"))


def real_date(value: Any) -> Any:
    """The date as given, None for the year 1 that stands for "not submitted"."""
    return None if isinstance(value, str) and value.startswith("0001-") else value or None


def response_row(
    form_id: str, item: Mapping[str, Any], score: Mapping[str, Any], comment: str | None, region: str | None
) -> dict[str, Any]:
    """Row of table `responses`.

    Args:
        form_id: form it belongs to.
        item: response as the API gives it.
        score: score question of the form, from `forms.score_field`.
        comment: ref of the comment question.
        region: country of phone numbers without a prefix.
    """
    hidden = _mapping(item.get("hidden"))
    metadata, calculated = _mapping(item.get("metadata")), _mapping(item.get("calculated"))
    found = list(answers(item))
    by_ref = {answer["field_ref"]: answer for answer in found}
    scored = by_ref.get(score.get("ref"), {}) if score else {}
    email = hidden.get("email") or _first(found, "email")
    phone = hidden.get("phone") or _first(found, "phone_number")
    submitted, landed = real_date(item.get("submitted_at")), real_date(item.get("landed_at"))
    return {
        **{name: hidden.get(name) for name in PROMOTED_HIDDEN},
        "form_id": form_id,
        "response_id": item.get("response_id") or item.get("token"),
        "response_type": item.get("response_type") or ("completed" if submitted else "partial"),
        "landed_at": landed,
        "submitted_at": submitted,
        "score": scored.get("value_number"),
        "score_metric": score.get("metric"),
        "scale_min": score.get("min"),
        "scale_max": score.get("max"),
        "comment": by_ref.get(comment, {}).get("value_text") if comment else None,
        "email": email,
        "email_normalised": normalise_email(email if isinstance(email, str) else None),
        "phone": phone,
        "phone_e164": normalise_phone(phone if isinstance(phone, str) else None, region),
        "platform": metadata.get("platform"),
        "referer": _without_query(metadata.get("referer")),
        "calculated_score": calculated.get("score"),
        "answer_count": len(found),
        "hidden": hidden or None,
        "variables": item.get("variables") or None,
        "tags": item.get("tags") or None,
        "version_at": submitted or landed,
    }


def answers(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Answers of a response in the columns of `response_answers`; questions left open are absent."""
    for position, answer in enumerate(item.get("answers") or [], start=1):
        if not isinstance(answer, Mapping):
            continue
        field = _mapping(answer.get("field"))
        kind = answer.get("type")
        row: dict[str, Any] = {
            "field_id": field.get("id") or field.get("ref"),
            "field_ref": field.get("ref") or field.get("id"),
            "field_type": field.get("type"),
            "answer_type": kind,
            "position": position,
        }
        row.update(_value(kind, answer.get(kind) if isinstance(kind, str) else None))
        yield row


def _value(kind: Any, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if kind in _TEXT_TYPES:
        return {"value_text": value}
    if kind == "number":
        return {"value_number": value}
    if kind == "boolean":
        return {"value_boolean": value}
    if kind == "date":
        return {"value_date": value[:10] if isinstance(value, str) else value}
    if kind == "choice" and isinstance(value, Mapping):
        label = value.get("label") or value.get("other")
        return {"value_text": label, "option_refs": [value.get("ref") or value.get("id") or label]}
    if kind == "choices" and isinstance(value, Mapping):
        labels = [*(value.get("labels") or []), *([value["other"]] if value.get("other") else [])]
        return {"value_text": labels, "option_refs": value.get("refs") or value.get("ids") or labels}
    if kind == "payment" and isinstance(value, Mapping):
        # name on the card and its last digits stay at the vendor
        return {"value_text": {name: value.get(name) for name in ("amount", "success")}}
    return {"value_text": value}


def _first(found: list[dict[str, Any]], kind: str) -> Any:
    return next((answer.get("value_text") for answer in found if answer["answer_type"] == kind), None)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _without_query(url: Any) -> Any:
    """Referer without query and fragment: they hold the hidden fields, e-mail addresses among them."""
    return url.split("?", 1)[0].split("#", 1)[0] if isinstance(url, str) else url
