"""URLs and free texts without personal data: sites put e-mail addresses and tokens into query strings."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

_EMAIL = re.compile(
    r"[A-Za-z0-9._%+'-]{1,64}(?:@|%40)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+", re.IGNORECASE
)
_TOKEN = re.compile(r"^(?=[^/]*\d)(?=[^/]*[A-Za-z])[A-Za-z0-9_\-.=]{32,}$")
_SENSITIVE_KEY = re.compile(
    r"e?mail|phone|mobile|token|password|passwd|secret|api_?key|auth|session_?key|iban|card|first_?name|last_?name",
    re.IGNORECASE,
)
MASK = "[removed]"


def is_sensitive(name: str) -> bool:
    """Whether a parameter of that name is likely to hold contact data or credentials."""
    return bool(_SENSITIVE_KEY.search(name))


def mask_emails(text: str) -> str:
    """Free text with e-mail addresses replaced by a mark."""
    return _EMAIL.sub(MASK, text) if "@" in text or "%40" in text else text


def clean_url(url: str, keep: frozenset[str]) -> str:
    """URL without user information, fragment and all query parameters but the kept ones.

    Args:
        url: as tracked; text that is no URL is only freed from e-mail addresses.
        keep: names of query parameters that stay, in lower case; a kept value that holds an e-mail address
            is dropped all the same. Path segments that are an e-mail address or look like a token (32 or
            more letters and digits, both kinds) are replaced by a mark.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return mask_emails(url.split("?", 1)[0].split("#", 1)[0])
    if not parts.scheme and not parts.netloc and "?" not in url and "#" not in url:
        return mask_emails(url)
    query = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name.lower() in keep and not _EMAIL.search(unquote(value))
    ]
    path = "/".join(
        MASK if _EMAIL.search(unquote(part)) or _TOKEN.match(part) else part for part in parts.path.split("/")
    )
    netloc = f"{host}{port}" if parts.netloc else ""
    return urlunsplit((parts.scheme, netloc, path, urlencode(query), ""))


def clean_value(text: str, keep: frozenset[str]) -> str:
    """Value of any event parameter: URLs are cleaned as URLs, other text is freed from e-mail addresses."""
    return clean_url(text, keep) if "://" in text[:12] else mask_emails(text)
