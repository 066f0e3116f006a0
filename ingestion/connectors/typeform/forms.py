"""What a form's definition says: its questions, the score question and its scale, the comment question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ingestion.connectors.typeform.config import ScoreField

SCORE_TYPES = ("nps", "opinion_scale", "rating")
_METRIC_OF_REF = re.compile(r"^(nps|csat|ces|star)(?:_|-|$)", re.IGNORECASE)
_METRIC_OF_TITLE = (
    (re.compile(r"\bnps\b|recommend", re.IGNORECASE), "nps"),
    (re.compile(r"\bces\b|effort|how easy", re.IGNORECASE), "ces"),
    (re.compile(r"\bcsat\b|satisf", re.IGNORECASE), "csat"),
)


def questions(form: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str | None, int]]:
    """Questions in reading order, those inside groups too: (field, id of the group or None, position from 1)."""
    position = 0
    stack: list[tuple[Mapping[str, Any], str | None]] = [(f, None) for f in reversed(_fields(form))]
    while stack:
        field, parent = stack.pop()
        position += 1
        yield field, parent, position
        inner = _fields(field.get("properties"))
        stack += [(child, str(field.get("id"))) for child in reversed(inner)]


def scale(field: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Least and greatest answer of a scale question, (None, None) for other types."""
    properties = field.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    kind, steps = field.get("type"), properties.get("steps")
    if kind == "nps":
        return 0.0, 10.0
    if kind not in SCORE_TYPES or not isinstance(steps, int):
        return None, None
    low = 1 if kind == "rating" or properties.get("start_at_one") else 0
    return float(low), float(low + steps - 1)


def score_field(form: Mapping[str, Any], setting: ScoreField | None) -> dict[str, Any]:
    """The score question of a form: {id, ref, metric, min, max}; empty when there is none.

    Args:
        form: definition.
        setting: what the connection says about this form, if anything.
    """
    fields = [field for field, _, _ in questions(form)]
    chosen: Mapping[str, Any] | None = None
    metric: str | None = None
    if setting is not None:
        chosen = next((f for f in fields if f.get("ref") == setting.field), None)
        metric = setting.metric
    else:
        scales = [f for f in fields if f.get("type") in SCORE_TYPES]
        chosen = next((f for f in scales if _METRIC_OF_REF.match(str(f.get("ref") or ""))), None)
        chosen = chosen or next(iter(scales), None)
        metric = _metric(chosen, form) if chosen else None
    if chosen is None:
        return {}
    low, high = scale(chosen)
    return {"id": chosen.get("id"), "ref": chosen.get("ref"), "metric": metric, "min": low, "max": high}


def comment_ref(form: Mapping[str, Any]) -> str | None:
    """Ref of the comment question: one whose ref begins with `comment`, else the first long text."""
    texts = [f for f, _, _ in questions(form) if f.get("type") in ("long_text", "short_text")]
    named = [f for f in texts if str(f.get("ref") or "").lower().startswith("comment")]
    long = [f for f in texts if f.get("type") == "long_text"]
    found = next(iter([*named, *long]), None)
    return None if found is None else found.get("ref") or found.get("id")


def form_row(form: Mapping[str, Any], setting: ScoreField | None) -> dict[str, Any]:
    """Row of table `forms`."""
    settings = form.get("settings")
    settings = settings if isinstance(settings, Mapping) else {}
    score = score_field(form, setting)
    return {
        "id": form.get("id"),
        "title": form.get("title"),
        "type": form.get("type"),
        "language": settings.get("language"),
        "is_public": settings.get("is_public"),
        "metric_type": score.get("metric"),
        "score_field_id": score.get("id"),
        "score_field_ref": score.get("ref"),
        "scale_min": score.get("min"),
        "scale_max": score.get("max"),
        "comment_field_ref": comment_ref(form),
        "field_count": sum(1 for _ in questions(form)),
        "hidden_fields": form.get("hidden") or None,
        "definition": form,
        "created_at": form.get("created_at"),
        "updated_at": form.get("last_updated_at"),
        "published_at": form.get("published_at"),
    }


def field_rows(form: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows of table `form_fields`."""
    for field, parent, position in questions(form):
        properties = field.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        validations = field.get("validations")
        low, high = scale(field)
        yield {
            "form_id": form.get("id"),
            "field_id": field.get("id") or field.get("ref"),
            "field_ref": field.get("ref"),
            "parent_field_id": parent,
            "position": position,
            "type": field.get("type"),
            "title": field.get("title"),
            "scale_min": low,
            "scale_max": high,
            "choices": properties.get("choices"),
            "is_required": validations.get("required") if isinstance(validations, Mapping) else None,
            "form_updated_at": form.get("last_updated_at"),
        }


def _fields(holder: Any) -> list[Mapping[str, Any]]:
    fields = holder.get("fields") if isinstance(holder, Mapping) else None
    return [field for field in fields or [] if isinstance(field, Mapping)]


def _metric(field: Mapping[str, Any], form: Mapping[str, Any]) -> str:
    if match := _METRIC_OF_REF.match(str(field.get("ref") or "")):
        return match[1].lower()
    if field.get("type") == "nps":
        return "nps"
    for pattern, metric in _METRIC_OF_TITLE:
        if pattern.search(f"{field.get('title') or ''} {form.get('title') or ''}"):
            return metric
    return "star" if field.get("type") == "rating" else "custom"
