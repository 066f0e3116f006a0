"""The layers of the dbt project: who may read whom, and what every model says of itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

Node = dict[str, Any]


@pytest.fixture(scope="module")
def manifest(hand_made_home: Path) -> Node:
    """dbt's manifest of the whole project with every connector switched on."""
    return json.loads((hand_made_home / "target" / "manifest.json").read_text(encoding="utf-8"))


def layer(node: Node) -> str:
    """staging, mapping (cx_<entity>__<connector>), conformed, intermediate or marts."""
    folder = node["fqn"][1]
    return "mapping" if folder == "conformed" and "__" in node["name"] else folder


def models(manifest: Node, *layers: str) -> list[Node]:
    return [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and (not layers or layer(node) in layers)
    ]


def parents(manifest: Node, node: Node) -> Iterator[tuple[str, Node]]:
    """(kind of parent, parent): raw, seed, or the parent's layer."""
    for unique_id in node["depends_on"]["nodes"]:
        if unique_id.startswith("source."):
            yield "raw", manifest["sources"][unique_id]
        elif unique_id.startswith("seed."):
            yield "seed", manifest["nodes"][unique_id]
        else:
            yield layer(manifest["nodes"][unique_id]), manifest["nodes"][unique_id]


def test_there_are_models_in_every_layer(manifest: Node) -> None:
    for name in ("staging", "mapping", "conformed", "intermediate", "marts"):
        assert models(manifest, name), name


def test_staging_reads_only_the_raw_tables_of_its_connector(manifest: Node) -> None:
    wrong = [
        f"{node['name']} reads {parent['name']}"
        for node in models(manifest, "staging")
        for kind, parent in parents(manifest, node)
        if kind not in ("raw", "staging")
        or (parent["fqn"][2] if kind == "staging" else parent["source_name"]) != node["fqn"][2]
    ]
    assert wrong == []


def test_a_mapping_reads_only_staging_of_its_connector_and_seeds(manifest: Node) -> None:
    # The tables of files and sql come from the connections file and have no staging model of their own.
    wrong = [
        f"{node['name']} reads {parent['name']}"
        for node in models(manifest, "mapping")
        for kind, parent in parents(manifest, node)
        if not (
            kind == "seed"
            or (kind == "staging" and parent["fqn"][2] == node["fqn"][2])
            or (kind == "raw" and node["fqn"][2] == "generic" and parent["source_name"] == "lake")
        )
    ]
    assert wrong == []


def test_a_conformed_entity_reads_only_its_mappings_and_seeds(manifest: Node) -> None:
    wrong = [
        f"{node['name']} reads {parent['name']}"
        for node in models(manifest, "conformed")
        for kind, parent in parents(manifest, node)
        if kind != "seed" and not (kind == "mapping" and parent["name"].startswith(node["name"] + "__"))
    ]
    assert wrong == []


def test_intermediate_models_and_marts_read_neither_raw_nor_staging_nor_mappings(manifest: Node) -> None:
    wrong = [
        f"{node['name']} reads {parent['name']}"
        for node in models(manifest, "intermediate", "marts")
        for kind, parent in parents(manifest, node)
        if kind in ("raw", "staging", "mapping")
        # Loads, files and rejected rows are no entity; the operations marts report on them.
        and not (node["fqn"][2] == "operations" and parent["name"].startswith("stg_lake__"))
    ]
    assert wrong == []


def test_conformed_models_do_not_read_marts(manifest: Node) -> None:
    wrong = [
        f"{node['name']} reads {parent['name']}"
        for node in models(manifest, "staging", "mapping", "conformed")
        for kind, parent in parents(manifest, node)
        if kind in ("intermediate", "marts")
    ]
    assert wrong == []


def test_every_model_says_its_grain_and_owner(manifest: Node) -> None:
    silent = [
        node["name"]
        for node in models(manifest)
        if not node["description"].startswith("One row per") or not node["config"]["meta"].get("owner")
    ]
    assert silent == []


def test_every_column_is_described_and_has_a_type(manifest: Node) -> None:
    bare = [
        f"{node['name']}.{name}"
        for node in models(manifest, "staging", "conformed", "intermediate", "marts")
        for name, column in node["columns"].items()
        if not column["description"] or not column["data_type"]
    ]
    assert bare == []


def test_conformed_models_and_marts_have_an_enforced_contract(manifest: Node) -> None:
    loose = [
        node["name"]
        for node in models(manifest, "conformed", "marts")
        if not node["config"]["contract"]["enforced"]
    ]
    assert loose == []


def test_every_conformed_model_and_mart_has_a_key_test(manifest: Node) -> None:
    tested = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and node.get("test_metadata")
        and node["test_metadata"]["name"] in ("unique", "unique_key", "unique_combination")
    }
    assert [n["name"] for n in models(manifest, "conformed", "marts") if n["unique_id"] not in tested] == []
