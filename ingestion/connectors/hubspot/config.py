"""Settings of a HubSpot connection."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from ingestion.core.connector import ConnectorConfig

CrmObject = Literal["contacts", "companies", "deals"]


class Config(ConnectorConfig):
    """HubSpot account and how it is read.

    Attributes:
        base_url: API origin; another one only for a stand-in. `${NAME:-default}` is filled in.
        api_version: version in the paths, a date version or `v3`.
        objects: CRM objects to read.
        owners: read the owners (employees).
        associations: read the links contact to company, deal to contact, deal to company.
        user_id_property: contact property that holds the company's own login id.
        loyalty_card_property: contact property that holds the loyalty card number.
        extra_properties: further properties by object; they land as JSON in `properties_other`.
        overlap_seconds: how far each run reads back. HubSpot's search index lags behind; five minutes covers
            what the vendor and other users report.
        full_pass_days: read everything by the list endpoint again after so many days, which also notices
            records that vanished without a trace; 0 switches it off.
        max_vanished_share: a full pass that misses a greater share of the known records is refused.
        requests_per_10_seconds: below the 190 of paid accounts (100 on free ones).
        search_per_second: below the account-wide limit of 5.
        max_requests: budget of one run, retries included.
        default_phone_region: country of phone numbers without a prefix; default the company's.
    """

    REQUIRED_SECRETS: ClassVar[tuple[str, ...]] = ("token",)

    base_url: str = "https://api.hubapi.com"
    api_version: str = Field(default="2026-03", pattern=r"^(v3|20\d\d-\d\d)$")
    objects: tuple[CrmObject, ...] = ("contacts", "companies", "deals")
    owners: bool = True
    associations: bool = True
    user_id_property: str | None = "user_id"
    loyalty_card_property: str | None = "loyalty_card"
    extra_properties: dict[CrmObject, tuple[str, ...]] = Field(default_factory=dict)
    overlap_seconds: int = Field(default=300, ge=0)
    full_pass_days: float = Field(default=7, ge=0)
    max_vanished_share: float = Field(default=0.2, gt=0, le=1)
    requests_per_10_seconds: int = Field(default=150, gt=0)
    search_per_second: int = Field(default=4, gt=0)
    max_requests: int | None = Field(default=None, gt=0)
    default_phone_region: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
