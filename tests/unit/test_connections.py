"""The connections file: what is wrong is named with its line and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingestion.connections import load_connections
from ingestion.core.errors import ConfigError
from ingestion.settings import Settings, load_settings

GOOD = """\
company: {name: Nord, time_zone: Europe/Warsaw, currency: PLN, country: NO}
connections:
  - name: shop
    connector: files
    settings:
      tables:
        - name: orders
          glob: orders/*.csv
          format: csv
          key: [order_id]
          columns:
            - {from: OrderID}
            - {from: Amount, type: decimal}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path / "home", tmp_path / "connections.yml")


def write(settings: Settings, text: str) -> None:
    settings.connections_file.write_text(text, encoding="utf-8")


def problem(settings: Settings, text: str, **more: bool) -> ConfigError:
    write(settings, text)
    with pytest.raises(ConfigError) as caught:
        load_connections(settings, **more)
    assert str(settings.connections_file) in str(caught.value)
    return caught.value


def test_a_good_file_is_read_and_norway_is_no_truth_value(settings: Settings) -> None:
    write(settings, GOOD)
    connections = load_connections(settings)
    assert connections.company.country == "NO"
    assert connections["shop"].dataset == "files__shop"
    assert dict(connections["shop"].tables["orders"].columns) == {"order_id": "text", "amount": "decimal"}
    assert connections.connectors == ["files"]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("type: decimal", "tipe: decimal", 13, "unknown key. Did you mean `type`?"),
        ("type: decimal", "type: money", 13, "'text', 'bigint'"),
        ("format: csv", "format: xlsx", 9, "'csv', 'jsonl' or 'parquet'"),
        ("key: [order_id]", "key: [id]", 7, "key or version_column names no column 'id'"),
        ("connector: files", "connector: fils", 4, "there is no connector 'fils'"),
        ("name: shop", "name: My Shop", 3, "lower-case letters"),
        ("time_zone: Europe/Warsaw", "time_zone: Warsaw", 1, "is no IANA time zone"),
        ("          glob: orders/*.csv\n", "", 7, "this key is missing. Add `glob`."),
        ("          key: [order_id]\n", "          format: csv\n", 10, "this key stands twice."),
        ("- {from: OrderID}", "- {from: OrderID", 13, "not valid YAML"),
        ("- {from: OrderID}", "- {from: OrderID, to: amount}", 7, "two columns with the same `to`: amount"),
    ],
)
def test_each_mistake_is_named_with_its_line(
    settings: Settings, old: str, new: str, line: int, words: str
) -> None:
    assert old in GOOD
    error = problem(settings, GOOD.replace(old, new))
    assert words in str(error)
    assert error.line == line
    assert error.next_step


def test_two_connections_of_one_name_are_refused(settings: Settings) -> None:
    one = GOOD[GOOD.index("  - name") :]
    error = problem(settings, GOOD + one)
    assert (error.line, "line 3 has a connection named shop too" in str(error)) == (14, True)


def test_a_secret_in_the_file_is_refused_and_not_repeated(settings: Settings) -> None:
    text = GOOD + "    secrets:\n      password: 'hunter2 is my pass'\n"
    error = problem(settings, text)
    assert error.line == 15
    assert "hunter2" not in str(error)


def test_an_unset_secret_names_its_line_when_a_run_needs_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = GOOD + "    secrets:\n      password: SHOP_PASSWORD\n"
    monkeypatch.delenv("SHOP_PASSWORD", raising=False)
    write(settings, text)
    load_connections(settings)
    error = problem(settings, text, require_secrets=True)
    assert (error.line, "SHOP_PASSWORD is not set" in str(error)) == (15, True)
    settings.secrets_file.parent.mkdir(parents=True, exist_ok=True)
    settings.secrets_file.write_text('SHOP_PASSWORD = "x"\n')
    load_connections(settings, require_secrets=True)


def test_a_password_in_a_database_url_is_refused(settings: Settings) -> None:
    text = """\
connections:
  - name: shop
    connector: sql
    settings:
      url: postgresql://reader:hunter2@db/shop
      tables: [{name: orders, key: [id]}]
"""
    error = problem(settings, text)
    assert (error.line, "hunter2" in str(error)) == (5, False)


def test_mappings_are_checked_against_the_canonical_entities(settings: Settings) -> None:
    mapping = "          entities:\n            - entity: order\n              columns: {{{columns}}}\n"
    good = GOOD + mapping.format(columns="source_id: order_id, net_amount: amount, ordered_at: 'null'")
    write(settings, good)
    load_connections(settings)
    error = problem(settings, GOOD + mapping.format(columns="net_amout: amount"))
    assert (error.line, "did you mean 'net_amount'" in str(error)) == (15, True)
    error = problem(settings, GOOD + mapping.format(columns="customer_key: {ref: people.customer, id: x}"))
    assert "there is no table 'people'" in str(error)
    event = mapping.replace("entity: order", "entity: web_event").format(columns="user_agent: order_id")
    write(settings, GOOD + event)
    load_connections(settings)
    assert "group_by" in str(problem(settings, GOOD + event + "              group_by: [order_id]\n"))


def test_variables_for_dbt_are_plain_json_and_resolve_references(settings: Settings) -> None:
    from ingestion.connections import dbt_vars

    entities = """\
          entities:
            - {entity: customer, source_object: buyer, columns: {source_id: customer_id}}
            - entity: order
              columns: {customer_key: {ref: orders.customer, id: customer_id}, net_amount: amount}
"""
    write(settings, GOOD + "            - {from: customer_id}\n" + entities)
    variables = json.loads(json.dumps(dbt_vars(load_connections(settings), settings)))
    (table,) = variables["generic_tables"]
    assert variables["company_currency"] == "PLN"
    assert (table["dataset"], table["per_file"], table["key"]) == ("files__shop", True, ["order_id"])
    order = table["entities"][1]["columns"]
    assert order["customer_key"] == {"entity": "customer", "source_object": "buyer", "id": "customer_id"}
    assert order["source_id"] == "cast(order_id as varchar)"
