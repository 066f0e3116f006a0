"""What of the data may be shown in results: no personal data, in doubt nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from expectations.results import plain
from expectations.suites import Suite

# Second line of defence: values that look like contact data are masked in whatever column they stand.
_EMAIL = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+\.[^\s@<>\"'(),;:]+")
_PHONE = re.compile(r"(?<![\w.:-])\+?\(?\d(?:[ ().\-/]{0,2}\d){8,14}(?![\w.:-])")
_MAX_TEXT = 80


def masked(text: str) -> str:
    """`text` without e-mail addresses and phone numbers, cut to 80 characters."""
    text = _EMAIL.sub("[e-mail]", text)
    if not _is_date(text):
        text = _PHONE.sub("[phone]", text)
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"


def shown_columns(suite: Suite, types: Mapping[str, str]) -> set[str]:
    """Columns of a table whose values may appear in results.

    Args:
        suite: names personal and plain columns, and says whether other text is hidden.
        types: DuckDB type of each column.
    """
    text = {name for name, kind in types.items() if kind == "VARCHAR" or "[" in kind or "STRUCT" in kind}
    hidden = (text - suite.plain) if suite.hide_text else set()
    return set(types) - hidden - suite.pii


def sample_of(values: list[Any], limit: int = 5) -> list[Any]:
    """Up to `limit` distinct values, as JSON, with contact data masked."""
    seen: list[Any] = []
    for value in values:
        clean = _clean(plain(value))
        if clean is not None and clean not in seen:
            seen.append(clean)
        if len(seen) == limit:
            break
    return seen


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value


def _is_date(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}.*)?", text) is not None
