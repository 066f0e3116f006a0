"""The published marts of the demo company against the truths its simulator planted."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from decimal import Decimal

import pytest

from orchestration import briefs, dbt_build
from orchestration.publish import prepare_work
from tests.support import journey_reference
from tests.support.dbt_models import DBT_PROJECT
from tests.support.demo import copy_of


def test_orders_and_refunds_add_up_to_the_cent(demo):
    truth = demo.truth["orders"]
    for channel in ("web", "app", "store"):
        count, total, refunded = demo.query(
            "select count(*), sum(net_amount), coalesce(sum(refunded_amount), 0) from fct_orders "
            f"where order_type = 'order' and channel = '{channel}'"
        )[0]
        assert count == truth[channel]["orders"]
        assert total == Decimal(truth[channel]["total"])
        assert refunded == Decimal(truth[channel]["refunded"])


def test_sessions_are_those_of_people_and_bots_are_counted_apart(demo):
    truth = demo.truth["web"]
    assert demo.query("select count(*) from fct_sessions") == [(truth["sessions"],)]


@pytest.mark.parametrize("device", ["all", "mobile", "desktop", "tablet"])
def test_the_funnel_counts_every_session_that_reached_a_step(demo, device):
    truth = demo.truth["funnel"]
    expected = truth["sessions"]["any"] if device == "all" else truth["sessions_by_device"][device]["any"]
    segment = (
        "segment_type = 'all'"
        if device == "all"
        else f"segment_type = 'device_type' and segment_value = '{device}'"
    )
    found = dict(
        demo.query(
            "select step_name, reached_count from mart_funnel_summary "
            f"where unit = 'session' and order_mode = 'any' and {segment}"
        )
    )
    assert {step: found[step] for step in expected} == expected


def test_the_broken_mobile_checkout_ranks_first_and_is_marked_from_its_first_week_on(demo):
    leak = demo.truth["leak"]
    assert demo.query(
        "select unit, step_name, segment_value from mart_funnel_leaks where overall_leak_rank = 1 order by unit"
    ) == [("person", "checkout", leak["device"]), ("session", "checkout", leak["device"])]
    weeks = demo.query(
        "select week_start, is_significant from mart_funnel_leaks where unit = 'session' and step_name = 'checkout' "
        f"and segment_value = '{leak['device']}' and week_start >= date '{leak['from']}' order by 1 limit 2"
    )
    assert [(str(week), found) for week, found in weeks] == [(leak["from"], True), ("2026-03-02", True)]


def test_the_day_from_which_the_mobile_checkout_is_broken_is_named(demo):
    """One break in all, found by persons and by sessions, within two days of the planted one and beside its release."""
    leak, release = demo.truth["leak"], demo.truth["calendar"]["leak"]["release"]
    assert demo.query(
        f"select unit, step_name, segment_value, break_rank, abs(break_date - date '{leak['from']}') <= 2, "
        f"date '{leak['from']}' between earliest_break_date and latest_break_date, r.source_id "
        "from mart_funnel_breaks join dim_releases as r using (release_key) order by unit"
    ) == [(unit, "checkout", leak["device"], 1, True, True, release) for unit in ("person", "session")]
    assert demo.value(
        "select distinct break_date from mart_funnel_leaks where unit = 'session' and step_name = 'checkout' "
        f"and segment_value = '{leak['device']}' and week_start >= date '{leak['from']}'"
    ) == demo.value("select break_date from mart_funnel_breaks where unit = 'session'")


def test_carts_and_purchases_are_those_of_the_simulator(demo):
    """Every visit that adds something is in a cart, and every purchase closes one. A person's next visit within a day
    goes on with the cart, so there are a few carts fewer than visits."""
    truth = demo.truth["funnel"]["cart_abandonment"]
    carts, bought, visits = demo.build_query(
        "select count(distinct cart_key), count(distinct case when is_purchased then cart_key end), "
        "count(distinct k.session_key) filter (where k.event_kind = 'add') "
        "from intermediate.int_funnel__carts join intermediate.int_funnel__cart_events as k using (cart_key) "
        "where add_count > 0 and k.window_hours = 24"
    )[0]
    assert (visits, bought) == (truth["sessions_with_cart"], truth["of_them_bought"])
    assert 0.99 * visits < carts <= visits
    assert demo.query(
        "select started_count, abandoned_count <= mature_count from mart_cart_abandonment "
        "where stage = 'cart' and window_hours = 24 and period_type = 'all' and segment_type = 'all'"
    ) == [(carts, True)]
    assert (
        demo.value(
            "select sum(issue_count) from mart_funnel_quality where unit = 'session' and segment_type = 'all' "
            "and step_name = 'purchase' and issue_type = 'step_before_missing'"
        )
        == 0
    )


def test_nps_csat_and_ces_equal_the_answers_given(demo):
    """NPS: the latest answer of a person and month, where no invitation names the wave. CSAT: each answered order or
    ticket is a wave of its own, so survey answers and desk ratings all count."""
    truth, ratings = demo.truth["surveys"]["by_metric"], demo.truth["support"]["ratings"]
    found = {
        name: (n, value)
        for name, n, value in demo.query(
            "select metric_name, response_count, metric_value from mart_cx_metrics where period_type = 'all' "
            "and touchpoint_id = 'all' and channel = 'all' and segment_type = 'all'"
        )
    }
    nps, ces, csat = truth["nps"]["one_per_month"], truth["ces"]["answers"], truth["csat"]["answers"]
    rated = ratings["good"] + ratings["bad"]
    satisfied = csat["value"] * csat["n"] + ratings["good"]
    assert found["nps"] == (nps["n"], pytest.approx(nps["value"], abs=1e-9))
    assert found["ces"] == (ces["n"], pytest.approx(ces["value"], abs=1e-9))
    assert found["csat"] == (csat["n"] + rated, pytest.approx(satisfied / (csat["n"] + rated), abs=1e-9))


def test_named_tickets_have_the_minutes_worked_out_over_clock_changes_and_holidays(demo):
    columns = [name for (name, *_) in demo.query("describe fct_tickets")]
    cases = demo.truth["support_cases"]
    assert len(cases) >= 10
    for name, case in cases.items():
        (row,) = demo.query(f"select * from fct_tickets where source_id = '{case['ticket_id']}'")
        ticket = dict(zip(columns, row, strict=True))
        stated = {k: v for k, v in case.items() if k.endswith("_minutes") or k == "reopen_count"}
        assert {k: ticket[k] for k in stated} == stated, (name, case["why"])


def test_repeat_buyers_are_counted_by_orders_and_by_days(demo):
    truth = demo.truth["repeat_purchase"]
    found = demo.query(
        "select customer_count, repeat_customer_count, repeat_day_customer_count from mart_repeat_purchase "
        "where source_account = 'all'"
    )
    assert found == [(truth["buyers"], truth["with_two_orders"], truth["with_two_order_days"])]


def test_records_of_a_person_and_of_no_other_are_one_customer(demo, record_property):
    """Over pairs of records: precision 1; recall is short only of people whose desk user was removed."""
    truth = demo.truth["identities"]
    person_of = persons_by_record(truth["persons"])
    customers, persons, both = Counter(), Counter(), Counter()
    mixed, parts = defaultdict(set), defaultdict(set)
    for customer_id, account, source_id in demo.build_query(
        "select m.customer_id, c.source_account, c.source_id from intermediate.int_identity__customer_map m "
        "join conformed.cx_customer c using (customer_key)"
    ):
        if person := person_of.get((account, source_id)):
            customers[customer_id] += 1
            persons[person] += 1
            both[customer_id, person] += 1
            mixed[customer_id].add(person)
            parts[person].add(customer_id)
    assert sum(persons.values()) > 12_000, "records of all six systems are known by person"
    right = pairs(both)
    precision, recall = right / pairs(customers), right / pairs(persons)
    record_property("identity_precision", precision)
    record_property("identity_recall", recall)
    assert [people for people in mixed.values() if len(people) > 1] == []
    assert precision == 1
    assert sum(len(ids) > 1 for ids in parts.values()) <= len(demo.truth["support"]["users_removed"])
    assert recall > 0.999


def test_addresses_alone_would_make_one_customer_of_several_persons(demo):
    """The negative control: shared addresses are planted, so joining by any shared value mixes persons."""
    truth = demo.truth["identities"]
    person_of = persons_by_record(truth["persons"])
    holders = defaultdict(set)
    for value, account, source_id in demo.build_query(
        "select i.id_value, c.source_account, c.source_id from conformed.cx_customer_identifier i "
        "join conformed.cx_customer c using (customer_key) where i.id_type = 'email'"
    ):
        if person := person_of.get((account, source_id)):
            holders[value].add(person)
    shared = {value for value, people in holders.items() if len(people) > 1}
    assert shared == {truth["family_address"], truth["role_address"]}


def test_every_id_of_a_customer_is_an_alias_or_current(demo):
    assert demo.value(
        "select count(*) from dim_customers c left join dim_customer_aliases a "
        "on c.customer_id = a.alias_id and a.is_current where a.alias_id is null"
    ) == 0  # fmt: skip
    total, current = demo.query(
        "select count(*), count(*) filter (where is_current) from dim_customer_aliases"
    )[0]
    assert (total > 14_000, current) == (True, demo.value("select count(*) from dim_customers"))


def pairs(counts):
    """Pairs within groups of these sizes."""
    return sum(n * (n - 1) // 2 for n in counts.values())


def persons_by_record(persons):
    """(connection, id in the source) -> person, for every record whose person the truth names alone."""
    found = {}
    by_mail = defaultdict(set)
    for person, ids in persons.items():
        for address in ids["emails"]:
            by_mail[address].add(person)
        found.update({("orders", i): person for i in ids["shop_customer_ids"]})
        found.update({("crm", i): person for i in ids["hubspot_merged_ids"]})
        for account, id_name, written in (
            ("crm", "hubspot_contact_id", "{}"),
            ("support", "zendesk_user_id", "{}"),
            ("stores", "loyalty_card", "{}"),
            ("web", "user_id", "{}"),
            ("surveys", "user_id", "user_id:{}"),
        ):
            if ids[id_name]:
                found[account, written.format(ids[id_name])] = person
    for address, people in by_mail.items():
        if len(people) == 1:
            found["surveys", f"email:{address}"] = next(iter(people))
    return found


def test_every_contact_has_a_touchpoint_or_is_counted_as_unmapped(demo):
    unmapped = demo.query("select coalesce(sum(contact_count), 0) from mart_unmapped_contacts")[0][0]
    found = demo.query(
        "select count(*) filter (where touchpoint_id = 'unmapped'), count(*) from fct_interactions"
    )[0]
    assert found[0] == unmapped
    assert found[1] > 10_000


def test_journeys_and_their_ends_equal_brute_force(demo):
    """Instants in microseconds since 1970; the registry is that of the seeds."""
    registry = briefs.Registry.read(DBT_PROJECT / "seeds" / "business")
    contacts = demo.query(
        "select epoch_us(interaction_at), interaction_key, person_id, touchpoint_id from fct_interactions "
        "where person_id is not null and direction <> 'internal'"
    )
    ((now,),) = demo.build_query("select epoch_us(observed_until_at) from intermediate.int_journey__horizon")
    gap = 14 * 86400 * 10**6
    rules = journey_reference.Registry(
        stages={},
        intended=frozenset((row["touchpoint_id"], row["next_touchpoint_id"]) for row in registry.next_steps),
        goals=frozenset(r["touchpoint_id"] for r in registry.touchpoints if r["is_journey_goal"] == "true"),
    )
    expected = Counter(
        (journey_reference.path(journey, 10), journey_reference.outcome(journey, rules, gap, now))
        for journey in journey_reference.journeys((journey_reference.Contact(*c) for c in contacts), gap)
    )
    assert Counter(demo.query("select path, outcome from fct_journeys")) == expected
    assert expected.total() > 10_000


def test_a_version_is_published_with_its_marts_report_and_manifest(demo):
    current = demo.settings.published / "current"
    assert current.is_symlink()
    manifest = json.loads((current / "manifest.json").read_text())
    for table, described in manifest["tables"].items():
        assert demo.value(f"select count(*) from {table}") == described["rows"], table
        assert (current / "parquet" / f"{table}.parquet").is_file()
    assert (current / "report.html").stat().st_size > 10_000
    assert (current / "checks.html").is_file()


def test_every_record_read_is_loaded_or_rejected(demo):
    read, loaded, rejected = demo.query(
        "select sum(rows_read), sum(rows_total), sum(rows_rejected) from mart_source_freshness"
    )[0]
    assert read == loaded + rejected


def test_every_broken_record_is_counted_with_its_reason(demo):
    planted = {
        (connection, table): sum(kinds.values())
        for connection, tables in demo.truth["broken"]["counts"].items()
        for table, kinds in tables.items()
    }
    published = demo.query(
        "select source_account, source_table, sum(row_count) from mart_rejected_rows group by 1, 2"
    )
    assert {(connection, table): count for connection, table, count in published} == planted
    assert demo.value("select count(*) from mart_rejected_rows where coalesce(trim(reason), '') = ''") == 0


def test_no_contact_data_is_published(demo):
    texts = demo.query(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'marts' and data_type = 'VARCHAR'"
    )
    tables: dict[str, list[str]] = {}
    for table, column in texts:
        tables.setdefault(table, []).append(column)
    for table, columns in tables.items():
        matches = " or ".join(f"regexp_matches(\"{column}\", '[^ @]+@[^ @]+[.][a-z]+')" for column in columns)
        assert demo.value(f"select count(*) from {table} where {matches}") == 0, table


def test_the_unit_tests_of_the_models_pass(demo, tmp_path):
    """The demo company switches every connector on, so every model is there to be tested."""
    demo = copy_of(demo, tmp_path)  # others read the company meanwhile
    prepare_work(demo.settings.published, keep_current=True)
    variables = dbt_build.variables(demo.settings, demo.connections)
    prepared = dbt_build.prepared_environment(demo.settings, demo.connections)
    dbt_build.run_dbt(demo.settings, ["test", "--select", "test_type:unit", "--vars", variables], prepared)
    results = json.loads((demo.settings.dbt_target / "run_results.json").read_text())["results"]
    statuses = [result["status"] for result in results if result["unique_id"].startswith("unit_test.")]
    assert set(statuses) == {"pass"}
    declared = json.loads(dbt_build.manifest_path(demo.settings).read_text())["unit_tests"]
    assert len(statuses) == len(declared) > 25
