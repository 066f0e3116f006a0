"""What a person reads when something fails: what, why, and what to do next."""

from __future__ import annotations

from ingestion.core.errors import ConfigError, LoadError


class CxError(Exception):
    """A failure with the thing concerned, its cause and the next step.

    Args:
        subject: the connection, table, model, check or file that failed.
        cause: what went wrong.
        next_step: what to do about it.
    """

    def __init__(self, subject: str, cause: str, next_step: str) -> None:
        super().__init__(f"{subject}: {cause}\n  next: {next_step}")
        self.subject = subject
        self.cause = cause
        self.next_step = next_step


def as_cx_error(error: ConfigError | LoadError | CxError) -> CxError:
    """The same failure in the shape that runs and the command line print."""
    if isinstance(error, CxError):
        return error
    if isinstance(error, LoadError):
        where = f"connection {error.connection}" + (f", table {error.table}" if error.table else "")
        return CxError(where, error.cause, error.next_step)
    place = f"{error.file}:{error.line}" if error.line else str(error.file or "configuration")
    named = f"{error.key}: " if error.key else ""
    return CxError(place, f"{named}{error.problem}", error.next_step)
