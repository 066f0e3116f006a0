"""Tables landed from HubSpot, close to the vendor's shape; property names are HubSpot's own."""

from __future__ import annotations

from collections.abc import Mapping

from ingestion.core.connector import ColumnType, TableSpec

OWNER = "crm"

PROMOTED: Mapping[str, Mapping[str, ColumnType]] = {
    "contacts": {
        "email": "text",
        "hs_additional_emails": "text",
        "firstname": "text",
        "lastname": "text",
        "phone": "text",
        "mobilephone": "text",
        "lifecyclestage": "text",
        "hs_language": "text",
        "country": "text",
        "city": "text",
        "company": "text",
        "associatedcompanyid": "text",
        "hs_analytics_source": "text",
        "hs_email_optout": "boolean",
        "hubspot_owner_id": "text",
        "createdate": "timestamp",
        "hs_merged_object_ids": "text",
        "hs_calculated_merged_vids": "text",
    },
    "companies": {
        "name": "text",
        "domain": "text",
        "industry": "text",
        "numberofemployees": "bigint",
        "annualrevenue": "decimal",
        "country": "text",
        "city": "text",
        "phone": "text",
        "hs_parent_company_id": "text",
        "hubspot_owner_id": "text",
        "lifecyclestage": "text",
        "createdate": "timestamp",
        "hs_merged_object_ids": "text",
    },
    "deals": {
        "dealname": "text",
        "amount": "decimal",
        "deal_currency_code": "text",
        "closedate": "timestamp",
        "dealstage": "text",
        "pipeline": "text",
        "dealtype": "text",
        "hs_is_closed": "boolean",
        "hs_is_closed_won": "boolean",
        "hs_analytics_source": "text",
        "hubspot_owner_id": "text",
        "createdate": "timestamp",
        "hs_merged_object_ids": "text",
    },
}
"""Properties with a column of their own, by object."""

MODIFIED: Mapping[str, str] = {
    "contacts": "lastmodifieddate",
    "companies": "hs_lastmodifieddate",
    "deals": "hs_lastmodifieddate",
}
"""Property that moves with each change; the search filters on it."""

_HEAD: Mapping[str, ColumnType] = {
    "id": "text",
    "created_at": "timestamp",
    "updated_at": "timestamp",
    "archived": "boolean",
}

_DERIVED: Mapping[str, Mapping[str, ColumnType]] = {
    "contacts": {
        "email_normalised": "text",
        "phone_e164": "text",
        "mobilephone_e164": "text",
        "user_id": "text",
        "loyalty_card": "text",
    },
    "companies": {"phone_e164": "text"},
    "deals": {},
}

_ENTITIES = {
    "contacts": ("customer", "customer_identifier"),
    "companies": ("account",),
    "deals": ("order",),
}


def _crm_object(name: str, description: str) -> TableSpec:
    return TableSpec(
        name=name,
        description=description,
        columns={**_HEAD, **PROMOTED[name], **_DERIVED[name], "properties_other": "json"},
        key=("id",),
        version="updated_at",
        required=("updated_at",),
        deletes=True,
        merges=True,
        owner=OWNER,
        entities=_ENTITIES[name],
    )


TABLES: dict[str, TableSpec] = {
    "contacts": _crm_object("contacts", "One row per version of a contact (a person)."),
    "companies": _crm_object("companies", "One row per version of a company."),
    "deals": _crm_object("deals", "One row per version of a deal."),
    "owners": TableSpec(
        name="owners",
        description="One row per version of an owner (an employee with records of their own).",
        columns={
            "id": "text",
            "user_id": "text",
            "email": "text",
            "email_normalised": "text",
            "first_name": "text",
            "last_name": "text",
            "type": "text",
            "archived": "boolean",
            "created_at": "timestamp",
            "updated_at": "timestamp",
            "teams": "json",
        },
        key=("id",),
        version="updated_at",
        owner=OWNER,
        entities=("agent",),
    ),
    "associations": TableSpec(
        name="associations",
        description=(
            "One row per link found at one reading of a record's links. Only the rows of the newest reading of "
            "(from_type, from_id, to_type) in association_reads are the links of today."
        ),
        columns={
            "from_type": "text",
            "from_id": "text",
            "to_type": "text",
            "to_id": "text",
            "association_type_id": "text",
            "label": "text",
            "category": "text",
            "read_at": "timestamp",
        },
        key=("from_type", "from_id", "to_type", "to_id", "association_type_id"),
        version="read_at",
        required=("read_at",),
        owner=OWNER,
        entities=("account_customer",),
    ),
    "association_reads": TableSpec(
        name="association_reads",
        description="One row per reading of the links of a record to one type, also when there are none.",
        columns={
            "from_type": "text",
            "from_id": "text",
            "to_type": "text",
            "link_count": "bigint",
            "read_at": "timestamp",
        },
        key=("from_type", "from_id", "to_type"),
        version="read_at",
        required=("read_at",),
        owner=OWNER,
    ),
}
