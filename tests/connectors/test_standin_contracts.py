"""The stand-ins answer as the vendors' own API descriptions say."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ingestion.demo.standins.hubspot import HubSpot
from ingestion.demo.standins.kit import Reply
from ingestion.demo.standins.zendesk import Zendesk
from tests.support.reference_data import require_reference_data


class _Loader(yaml.CSafeLoader):
    """Plain YAML: `=` is text in Zendesk's description, and dates stay text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith((":value", ":timestamp"))]
    for first, found in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def hubspot_contract(name: str) -> dict[str, Any]:
    return json.loads(gzip.open(require_reference_data("contracts", "hubspot", f"{name}.json.gz")).read())


@pytest.fixture(scope="module")
def zendesk_contract() -> dict[str, Any]:
    file: Path = require_reference_data("contracts", "zendesk", "zendesk-support-oas.yaml.gz")
    return yaml.load(gzip.open(file).read(), Loader=_Loader)


def check(contract: dict[str, Any], name: str, body: Any) -> None:
    """Validate a body against a named schema of an OpenAPI description."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": _as_json_schema(contract["components"])}
    jsonschema.Draft202012Validator(schema).validate(body)


def _as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 to JSON Schema: null is allowed, examples and formats go."""
    if isinstance(node, list):
        return [_as_json_schema(part) for part in node]
    if not isinstance(node, dict):
        return node
    dropped = ("example", "examples", "format")
    made = {key: _as_json_schema(part) for key, part in node.items() if key not in dropped}
    # that a field may be null is left unsaid in both descriptions and shown by their own examples
    if isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    if isinstance(made.get("enum"), list):
        made["enum"] = [*made["enum"], None]
    return made


@pytest.fixture(scope="module")
def crm() -> HubSpot:
    vendor = HubSpot(token="t")
    ids = [vendor.put("contacts", {"email": f"p{n}@example.com"}) for n in range(3)]
    company = vendor.put("companies", {"name": "C"})
    vendor.link("contacts", ids[0], "companies", company, label="Primary")
    vendor.archive("contacts", ids[2])
    return vendor


def ask(vendor: Any, method: str, target: str, body: Any = None) -> Reply:
    headers = {"Authorization": f"Bearer {vendor.token}"}
    return vendor.answer(method, target, headers, json.dumps(body).encode() if body is not None else b"")


def test_hubspot_lists(crm: HubSpot) -> None:
    contract = hubspot_contract("424_2026-03_contacts")
    for query in ("limit=1&properties=email", "limit=10&archived=true"):
        reply = ask(crm, "GET", f"/crm/objects/2026-03/contacts?{query}")
        assert reply.status == 200 and reply.body["results"]
        check(contract, "CollectionResponseSimplePublicObjectWithAssociationsForwardPaging", reply.body)


def test_hubspot_search_and_our_request(crm: HubSpot) -> None:
    contract = hubspot_contract("424_2026-03_contacts")
    request = {
        "filterGroups": [{"filters": [{"propertyName": "hs_object_id", "operator": "GT", "value": "0"}]}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": ["email"], "limit": 1,
    }  # fmt: skip
    reply = ask(crm, "POST", "/crm/objects/2026-03/contacts/search", request)
    assert reply.body["total"] == 2 and len(reply.body["results"]) == 1
    check(contract, "CollectionResponseWithTotalSimplePublicObject", reply.body)
    # the description says `sorts` holds text, which the vendor's own examples contradict
    contract = copy.deepcopy(contract)
    wanted = contract["components"]["schemas"]["PublicObjectSearchRequest"]
    wanted["properties"]["sorts"] = {"type": "array"}
    wanted["required"] = []
    check(contract, "PublicObjectSearchRequest", request)


def test_hubspot_batch_read_and_errors(crm: HubSpot) -> None:
    contract = hubspot_contract("424_2026-03_contacts")
    one = sorted(crm.live("contacts"))[0]
    reply = ask(
        crm, "POST", "/crm/objects/2026-03/contacts/batch/read", {"inputs": [{"id": one}], "properties": []}
    )
    check(contract, "BatchResponseSimplePublicObject", reply.body)
    reply = ask(
        crm, "POST", "/crm/objects/2026-03/contacts/batch/read", {"inputs": [{"id": one}, {"id": "5"}]}
    )
    assert reply.status == 207 and reply.body["numErrors"] == 1
    # subCategory is text in the vendor's answers and an object in the description
    body = copy.deepcopy(reply.body)
    for problem in body["errors"]:
        del problem["subCategory"]
    check(contract, "BatchResponseSimplePublicObjectWithErrors", body)
    reply = ask(crm, "GET", "/crm/objects/2026-03/contacts?limit=500")
    assert reply.status == 400
    check(contract, "Error", reply.body)
    crm_closed = HubSpot(token="t", scopes=set())
    for reply in (
        ask(crm_closed, "GET", "/crm/objects/2026-03/contacts"),
        crm_closed.answer("GET", "/x", {}, b""),
    ):
        assert reply.status in (401, 403)
        check(contract, "Error", reply.body)


def test_hubspot_associations(crm: HubSpot) -> None:
    contract = hubspot_contract("130902_v4_associations")
    people = sorted(crm.live("contacts"))
    path = "/crm/associations/2026-03/contacts/companies/batch/read"
    reply = ask(crm, "POST", path, {"inputs": [{"id": people[0]}]})
    # toObjectId is a number in the vendor's answers, whatever the description says
    body = copy.deepcopy(reply.body)
    for result in body["results"]:
        for target in result["to"]:
            target["toObjectId"] = str(target["toObjectId"])
    check(contract, "BatchResponsePublicAssociationMultiWithLabel", body)
    reply = ask(crm, "POST", path, {"inputs": [{"id": person} for person in people]})
    assert reply.status == 207
    assert reply.body["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"


def test_search_refuses_to_page_past_ten_thousand(crm: HubSpot) -> None:
    reply = ask(crm, "POST", "/crm/objects/2026-03/contacts/search", {"limit": 200, "after": "9900"})
    assert reply.status == 400 and reply.body["category"] == "VALIDATION_ERROR"


@pytest.fixture(scope="module")
def support() -> Zendesk:
    now = [1_767_600_000.0]
    vendor = Zendesk(token="t", now=lambda: now[0])
    user = vendor.put_user(email="a@example.com", external_id="u-1")
    vendor.put_organization()
    vendor.put_group()
    ticket = vendor.put_ticket(requester_id=user)
    vendor.add_event(ticket, {"event_type": "Create", "status": "new"})
    vendor.put_rating(ticket_id=ticket, score="good")
    now[0] += 3600
    return vendor


@pytest.mark.parametrize(
    ("target", "schema"),
    [
        ("incremental/tickets/cursor.json?start_time=0", "CursorBasedExportIncrementalTicketsResponse"),
        ("incremental/users/cursor.json?start_time=0", "CursorBasedExportIncrementalUsersResponse"),
        ("incremental/organizations.json?start_time=0", "ExportIncrementalOrganizationsResponse"),
        ("groups.json", "GroupsResponse"),
        ("satisfaction_ratings.json", "SatisfactionRatingsResponse"),
    ],
)
def test_zendesk_answers(
    support: Zendesk, zendesk_contract: dict[str, Any], target: str, schema: str
) -> None:
    reply = ask(support, "GET", f"/api/v2/{target}")
    assert reply.status == 200
    assert any(isinstance(value, list) and value for value in reply.body.values())
    check(zendesk_contract, schema, reply.body)


def test_zendesk_ticket_events_have_the_frame_of_the_description(
    support: Zendesk, zendesk_contract: dict[str, Any]
) -> None:
    """The description types the items as metric events by mistake; the frame is checked without them."""
    reply = ask(support, "GET", "/api/v2/incremental/ticket_events.json?start_time=0&include=comment_events")
    check(zendesk_contract, "ExportIncrementalTicketEventsResponse", {**reply.body, "ticket_events": []})
    assert set(reply.body["ticket_events"][0]) >= {
        "id",
        "ticket_id",
        "timestamp",
        "child_events",
        "event_type",
    }


def test_zendesk_refuses_what_the_vendor_refuses(support: Zendesk) -> None:
    recent = int(support.now()) - 10
    for target, code in (
        (f"incremental/tickets/cursor.json?start_time={recent}", 422),
        ("incremental/tickets/cursor.json?start_time=0&cursor=x", 400),
        ("incremental/tickets/cursor.json?cursor=nonsense", 400),
        ("incremental/tickets/cursor.json", 400),
        ("nothing.json", 404),
    ):
        assert ask(support, "GET", f"/api/v2/{target}").status == code
