"""The code location: what it holds, what it depends on, and what it must not import."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CONNECTIONS = """
company: {name: Test, time_zone: Europe/Warsaw, currency: EUR}
connections:
  - name: crm
    connector: hubspot
    settings: {base_url: "http://127.0.0.1:1"}
    secrets: {token: TEST_TOKEN}
  - name: till
    connector: files
    settings:
      tables:
        - name: receipts
          glob: receipts/*.csv
          format: csv
          columns: [{from: id, type: text}, {from: paid, type: decimal}, {from: at, to: paid_at, type: timestamp}]
          key: [id]
          entities:
            - entity: order
              columns: {order_number: id, ordered_at: paid_at, net_amount: paid, status: "'paid'"}
"""

PROBE = """
import json, sys
from ingestion.settings import load_settings
from orchestration.graph import build_definitions
defs = build_definitions(load_settings())
specs = {spec.key.to_user_string(): sorted(dep.asset_key.to_user_string() for dep in spec.deps)
         for spec in defs.resolve_all_asset_specs()}
owners = {spec.key.to_user_string(): list(spec.owners) for spec in defs.resolve_all_asset_specs()}
described = {spec.key.to_user_string(): bool(spec.description) for spec in defs.resolve_all_asset_specs()}
schedule = list(defs.schedules)[0]
print(json.dumps({"specs": specs, "owners": owners, "described": described, "modules": sorted(sys.modules),
                  "schedule": [schedule.name, schedule.cron_schedule, schedule.execution_timezone]}))
"""


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    home = tmp_path_factory.mktemp("graph")
    (home / "connections.yml").write_text(CONNECTIONS)
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(home),
            "CX_HOME": str(home / "data"),
            "CX_CONNECTIONS": str(home / "connections.yml"),
            "TEST_TOKEN": "x",
        },
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_every_landed_table_and_model_is_an_asset_with_an_owner_and_a_description(graph):
    landed = {key for key in graph["specs"] if key.startswith("lake/")}
    assert {
        "lake/hubspot__crm/contacts",
        "lake/files__till/receipts",
        "lake/files__till/rejected_rows",
    } <= landed
    models = {key for key in graph["specs"] if key.startswith(("conformed/", "marts/", "staging/"))}
    assert {"conformed/cx_customer", "marts/mart_funnel", "staging/stg_hubspot__contacts"} <= models
    without = [key for key in landed | models if not graph["owners"][key] or not graph["described"][key]]
    assert without == []


def test_connectors_that_are_off_have_no_assets(graph):
    assert not [key for key in graph["specs"] if "zendesk" in key or "typeform" in key]


def test_models_depend_on_the_landed_tables_they_read(graph):
    assert "lake/hubspot__crm/contacts" in graph["specs"]["staging/stg_hubspot__contacts"]
    assert "lake/files__till/receipts" in graph["specs"]["conformed/cx_order__generic"]
    assert not [dep for deps in graph["specs"].values() for dep in deps if dep.startswith("dbt_source")]


def test_the_published_version_comes_after_the_report_and_the_report_after_the_marts(graph):
    assert graph["specs"]["published/version"] == ["published/report"]
    assert "marts/mart_cx_metrics" in graph["specs"]["published/report"]


def test_the_schedule_runs_in_the_company_s_own_zone(graph):
    assert graph["schedule"] == ["daily_at_six", "0 6 * * *", "Europe/Warsaw"]


@pytest.mark.parametrize(
    "module",
    ["great_expectations", "sqlalchemy", "psycopg", "pymysql", "phonenumbers", "altair", "vl_convert"],
)
def test_loading_the_graph_imports_no_heavy_client(graph, module):
    assert module not in graph["modules"]


def test_loading_the_graph_imports_no_connector_source(graph):
    loaded = [name for name in graph["modules"] if name.startswith("ingestion.") and name.endswith(".source")]
    assert loaded == []
