"""Settings of a Typeform connection."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from ingestion.core.connector import ConnectorConfig


class ScoreField(ConnectorConfig):
    """Which question of a form is its score.

    Attributes:
        field: `ref` of the question.
        metric: what the score measures.
    """

    field: str
    metric: Literal["nps", "csat", "ces", "star", "custom"]


class Config(ConnectorConfig):
    """Typeform account and how it is read.

    Attributes:
        base_url: API origin; https://api.eu.typeform.com for EU accounts. `${NAME:-default}` is filled in.
        forms: ids of the forms to read; null = all forms the token sees.
        scores: score question by form id. Default: the question whose ref is nps, csat or ces (or begins
            with one of these and an underscore), else the first of type nps, opinion_scale or rating.
        include_partial: also read unfinished responses. They carry no date to filter by, so all of them are
            read in every run.
        overlap_seconds: how far each run reads back; fresh answers may appear late (two hours covers the
            half hour that is reported).
        reconcile_days: read all tokens again after so many days, to notice deleted responses; 0 = never.
        max_vanished_share: a reconciliation that misses a greater share of the known responses is refused.
        start: responses submitted before this instant are left out; null = all.
        requests_per_second: the vendor allows about 2 a second.
        max_requests: budget of one run, retries included.
        default_phone_region: country of phone numbers without a prefix; default the company's.
    """

    REQUIRED_SECRETS: ClassVar[tuple[str, ...]] = ("token",)

    base_url: str = "https://api.typeform.com"
    forms: tuple[str, ...] | None = None
    scores: dict[str, ScoreField] = Field(default_factory=dict)
    include_partial: bool = True
    overlap_seconds: int = Field(default=7200, ge=0)
    reconcile_days: float = Field(default=7, ge=0)
    max_vanished_share: float = Field(default=0.2, gt=0, le=1)
    start: datetime | None = None
    requests_per_second: float = Field(default=1.5, gt=0)
    max_requests: int | None = Field(default=None, gt=0)
    default_phone_region: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
