"""Variables in paths and URLs of settings."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from ingestion.core.errors import SourceError

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`text` with `${NAME}` and `${NAME:-default}` replaced.

    Args:
        text: a path or URL.
        variables: values that come before the environment.

    Raises:
        SourceError: a name without value and default.
    """

    def value(match: re.Match[str]) -> str:
        name, default = match.group(1), match.group(2)
        found = variables.get(name) or os.environ.get(name) or default
        if found is None:
            raise SourceError(f"the settings name the variable {name}, which is not set.", f"Set {name}.")
        return found

    return _VARIABLE.sub(value, text)
