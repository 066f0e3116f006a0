"""Settings of a Zendesk Support connection."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from ingestion.core.connector import ConnectorConfig

ZendeskObject = Literal[
    "users", "organizations", "groups", "tickets", "ticket_events", "satisfaction_ratings"
]
ALL_OBJECTS: tuple[ZendeskObject, ...] = (
    "users",
    "organizations",
    "groups",
    "tickets",
    "ticket_events",
    "satisfaction_ratings",
)


class Config(ConnectorConfig):
    """Zendesk account and how it is read. Give `subdomain`, or `base_url` for a stand-in.

    Attributes:
        subdomain: `acme` of acme.zendesk.com.
        base_url: API origin instead of the one the subdomain gives; `${NAME:-default}` is filled in.
        email: agent the API token belongs to; null = the token is an OAuth access token (scope `read`).
        objects: what to read; ticket_events brings the field history and the comments.
        start: first instant of the exports.
        order_field_id: id of the custom ticket field that holds the order number.
        incremental_per_minute: requests to the incremental exports; the vendor allows 10 a minute.
        requests_per_minute: all other requests; the smallest plan allows 200 a minute.
        cursor_idle_days: a stored cursor older than this is dropped, and the export restarts one hour
            before the last run; vendors expire idle cursors.
        event_overlap_seconds: how far each run reads back in the time-based exports, for events that
            appear late.
        rating_overlap_days: ratings are read again so far back, since an answer changes a rating in place.
        max_requests: budget of one run, retries included.
        default_phone_region: country of phone numbers without a prefix; default the company's.
    """

    REQUIRED_SECRETS: ClassVar[tuple[str, ...]] = ("token",)

    subdomain: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]*$")
    base_url: str | None = None
    email: str | None = None
    objects: tuple[ZendeskObject, ...] = ALL_OBJECTS
    start: datetime = datetime(2010, 1, 1, tzinfo=UTC)
    order_field_id: int | None = None
    incremental_per_minute: int = Field(default=9, gt=0)
    requests_per_minute: int = Field(default=180, gt=0)
    cursor_idle_days: float = Field(default=7, gt=0)
    event_overlap_seconds: int = Field(default=300, ge=0)
    rating_overlap_days: float = Field(default=30, ge=0)
    max_requests: int | None = Field(default=None, gt=0)
    default_phone_region: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")

    @model_validator(mode="after")
    def _one_address(self) -> Config:
        if (self.subdomain is None) == (self.base_url is None):
            raise ValueError("give either subdomain or base_url")
        return self

    @property
    def origin(self) -> str:
        """Where the API answers, without a trailing slash."""
        return (self.base_url or f"https://{self.subdomain}.zendesk.com").rstrip("/")
