"""One page per touchpoint of the registry, generated into docs/touchpoints: what the owner needs on one screen.

Everything on a page stands in the seeds of `dbt_project/seeds/business`, but for the connections that bring its data.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingestion.connections import Connections
from ingestion.core.entities import generic_tables
from ingestion.settings import Settings
from orchestration.errors import CxError

Row = Mapping[str, str]

MARK = (
    "<!-- Written by `cx docs` from the seeds in dbt_project/seeds/business. Edit those, not this page. -->"
)
ENTITIES = {
    "web events": "web_event",
    "orders": "order",
    "deals": "order",
    "leads": "customer",
    "surveys": "survey_response",
    "tickets": "support_ticket",
    "messages": "message",
    "calls": "call",
    "store visits": "store_visit",
}
"""Words of `data_needed` -> canonical entity."""

_CONTACTS = {
    "*": "Any contact",
    "web_touch": "Web event",
    "order": "Order",
    "ticket": "Ticket",
    "message": "Message",
    "call": "Call",
    "survey_response": "Survey answer",
    "store_visit": "Shop visit",
}
_OPERATORS = {"equals": "is", "prefix": "begins with", "contains": "contains"}
_METRICS = {
    "csat": "Satisfaction, share of satisfied answers",
    "ces": "Effort, mean ease of 1 to 7",
    "nps": "Recommendation, points",
    "fcr_repeat": "Solved at the first contact, share",
    "first_response_business_minutes_median": "First answer, median business minutes",
}


@dataclass(frozen=True)
class Registry:
    """The seeds that say what a touchpoint is, in the order of their files.

    Args:
        touchpoints, rules, next_steps, stages, channels, owners, criteria: rows by column name; empty is ''.
    """

    touchpoints: Sequence[Row]
    rules: Sequence[Row]
    next_steps: Sequence[Row]
    stages: Sequence[Row]
    channels: Sequence[Row]
    owners: Sequence[Row]
    criteria: Sequence[Row]

    @classmethod
    def read(cls, seeds: Path) -> Registry:
        """Read the CSV files of a folder of seeds."""

        def rows(name: str) -> list[dict[str, str]]:
            with (seeds / f"{name}.csv").open(encoding="utf-8", newline="") as file:
                return list(csv.DictReader(file))

        return cls(
            rows("touchpoints"), rows("touchpoint_rules"), rows("touchpoint_next_steps"), rows("journey_stages"),
            rows("channels"), [row for row in rows("owners") if not row["valid_to"]], rows("scorecard_criteria"),
        )  # fmt: skip


def providers(settings: Settings, connections: Connections) -> dict[str, list[str]]:
    """Canonical entity -> names of the connections that fill it, as the mappings of the dbt project say."""
    found: dict[str, list[str]] = defaultdict(list)
    conformed = settings.project_root / "dbt_project" / "models" / "conformed"
    for connection in connections.connections:
        entities = {
            entity["entity"] for t in generic_tables(connection, settings.lake) for entity in t["entities"]
        }
        for file in (conformed / connection.connector).glob(f"cx_*__{connection.connector}.sql"):
            entities.add(file.stem.removeprefix("cx_").removesuffix(f"__{connection.connector}"))
        for entity in sorted(entities):
            found[entity].append(connection.name)
    return dict(found)


def pages(registry: Registry, connected: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """File name -> Markdown: a page per touchpoint and README.md, which lists them by stage.

    Args:
        registry: the seeds.
        connected: entity -> names of connections, of `providers`.

    Raises:
        CxError: `data_needed` of a touchpoint holds a word that is no conformed entity.
    """
    found = {f"{row['touchpoint_id']}.md": _brief(row, registry, connected) for row in registry.touchpoints}
    found["README.md"] = _index(registry)
    return found


def write(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """Write the pages that differ and drop those of touchpoints that are gone.

    Returns:
        Names of the files that changed, in order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    changed = stale(folder, wanted)
    for name in changed:
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return changed


def stale(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """Names of pages that are missing, differ, or have no touchpoint any more, in order."""
    there = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.md")}
    return sorted(name for name in there.keys() | wanted.keys() if there.get(name) != wanted.get(name))


def _by(rows: Sequence[Row], column: str) -> dict[str, Row]:
    return {row[column]: row for row in rows}


def _index(registry: Registry) -> str:
    owners = _by(registry.owners, "owner_id")
    lines = [
        MARK,
        "",
        "# Touchpoints",
        "",
        "How to add one: [add a touchpoint](../howto/add-a-touchpoint.md).",
    ]
    for stage in sorted(registry.stages, key=lambda row: int(row["stage_order"])):
        own = [row for row in registry.touchpoints if row["journey_stage"] == stage["journey_stage"]]
        lines += ["", f"## {stage['stage_name']}", "", f"{stage['stage_description']}.", ""]
        lines += ["| touchpoint | goal | owner |", "| --- | --- | --- |"] if own else ["No touchpoint."]
        lines += [
            f"| {_link(row)} | {row['goal']} | {owners.get(row['owner_id'], {}).get('owner_name', 'nobody')} |"
            for row in own
        ]
    return "\n".join(lines) + "\n"


def _link(row: Row) -> str:
    return f"[{row['touchpoint_name']}]({row['touchpoint_id']}.md)"


def _brief(row: Row, registry: Registry, connected: Mapping[str, Sequence[str]]) -> str:
    stage = _by(registry.stages, "journey_stage").get(row["journey_stage"])
    channel = _by(registry.channels, "channel").get(row["channel"])
    owner = _by(registry.owners, "owner_id").get(row["owner_id"])
    names = _by(registry.touchpoints, "touchpoint_id")
    following = [
        _link(names[step["next_touchpoint_id"]])
        for step in registry.next_steps
        if step["touchpoint_id"] == row["touchpoint_id"] and step["next_touchpoint_id"] in names
    ]
    lines = [
        MARK, "", f"# {row['touchpoint_name']}", "",
        "| | |", "| --- | --- |",
        f"| Goal | {row['goal']} |",
        f"| Stage | {stage['stage_name'] if stage else 'none'}: {stage['stage_description'] if stage else ''} |",
        f"| Channel | {channel['channel_name'] if channel else row['channel']} |",
        f"| Owner | {owner['owner_name'] + ', ' + owner['team'] if owner else 'nobody'} |",
        f"| A bad experience loses the customer | {'yes' if row['is_critical'] == 'true' else 'no'} |",
        f"| Expected outcome | {row['expected_outcome']} |",
        f"| Intended next action | {row['next_action']} |",
        f"| It shows at | {', '.join(following) or 'no touchpoint: a journey may end here'} |",
        "", "## Data", "", "| needed | connected by |", "| --- | --- |",
    ]  # fmt: skip
    for word in (part.strip() for part in row["data_needed"].split(";")):
        if word not in ENTITIES:
            raise CxError(
                subject=f"touchpoint {row['touchpoint_id']}",
                cause=f"data_needed names {word!r}, which is no conformed record",
                next_step=f"write some of: {', '.join(ENTITIES)}",
            )
        lines.append(f"| {word} | {', '.join(connected.get(ENTITIES[word], [])) or 'nothing yet'} |")
    lines += ["", "## Which contacts belong to it", ""]
    lines.append(f"1. An answer to a survey that names the touchpoint `{row['touchpoint_id']}` itself.")
    own_rules = [rule for rule in registry.rules if rule["touchpoint_id"] == row["touchpoint_id"]]
    lines += [
        f"{number}. {_rule(rule)} (rule `{rule['rule_id']}`, priority {rule['priority']})"
        for number, rule in enumerate(sorted(own_rules, key=lambda rule: int(rule["priority"])), 2)
    ]
    lines += [
        "",
        "The first rule of all touchpoints that fits a contact decides.",
        "",
        *_measures(row, registry),
    ]
    return "\n".join(lines) + "\n"


def _rule(rule: Row) -> str:
    """A match rule in words."""
    words = _CONTACTS[rule["interaction_type"]]
    if rule["channel"] != "*":
        words += f" on channel {rule['channel']}"
    if rule["operator"] == "any":
        return words
    field = rule["match_field"].replace("_", " ")
    return f"{words} whose {field} {_OPERATORS[rule['operator']]} `{rule['match_value']}`"


def _measures(row: Row, registry: Registry) -> list[str]:
    """What judges the touchpoint: the criteria of its score, and where journeys go from it."""
    criteria = [
        criterion for criterion in registry.criteria if criterion["applies_to_stage"] in ("*", row["journey_stage"])
    ]  # fmt: skip
    total = sum(float(criterion["weight"]) for criterion in criteria)
    lines = [
        "## What judges it",
        "",
        "| measure | weight | score 1 | 3 | 5 |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {_METRICS.get(c['metric_name'], c['metric_name'])} | {float(c['weight']) / total:.0%} "
        f"| {c['value_at_1']} | {c['value_at_3']} | {c['value_at_5']} |"
        for c in criteria
    ]
    lines += ["", "Figures: `mart_touchpoint_scorecard`, `mart_journey_map`. Beside the score:", ""]
    if row["conversion_event"]:
        lines.append(f"* share of sessions that go on to `{row['conversion_event']}` (`conversion_rate`)")
    if any(step["touchpoint_id"] == row["touchpoint_id"] for step in registry.next_steps):
        lines.append("* share of journeys that reach the intended next action (`intended_next_rate`)")
        lines.append("* share of journeys that stop here without a goal (`drop_off_rate`)")
    lines.append("* share of journeys that go on to a later stage, and how soon (`next_stage_rate`)")
    lines.append("* cost of handling (`cost_amount`)")
    return lines
