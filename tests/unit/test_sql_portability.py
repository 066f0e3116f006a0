"""The project's SQL is portable, and the lint that says so finds what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.settings import PROJECT_ROOT
from tests.unit.sql_portability import lint_project, lint_text

NOT_PORTABLE = [
    ("select a::int from t", "cast operator"),
    ("select {{ last_by('a::int', 'b') }} from t", "cast operator"),
    ('select "a" from t', "double quotes"),
    ("select * from t qualify row_number() over (order by a) = 1", "keyword qualify"),
    ("select regexp_replace(a, 'x', '', 'g') from t", "function regexp_replace"),
    ("select concat(a, b) from t", "function concat"),
    ("select split(a, '.') from t", "function split"),
    ("select tags[1] from t", "square bracket"),
    ("select [1, 2] as a", "square bracket"),
    ("select {'a': 1} as b", "struct literal"),
    ("select min_by(a, b) from t", "function min_by"),
    ("select MAX_BY(a, b) from t", "function max_by"),
    ("select dayofweek(d) from t", "function dayofweek"),
    ("select weekday(d) from t", "function weekday"),
    ("select extract(dow from d) from t", "extract field"),
    ("select extract(epoch from ts) from t", "extract field"),
    ("select log(a) from t", "function log"),
    ("select hash(a) from t", "function hash"),
    ("select start_date - end_date from t", "date minus date"),
    ("select t.order_date - u.first_date from t", "date minus date"),
    ("select cast(a as date) - cast(b as date) from t", "date minus date"),
    ("select order_date + interval '1' day from t", "date plus interval"),
    ("select cast(a as date) + 7 * interval '1' day from t", "date plus interval"),
    ("select date_diff('day', a, b) from t", "function date_diff"),
    ("select datediff(day, a, b) from t", "function datediff"),
    ("select * exclude (a) from t", "star exclude"),
    ("select t.* replace (a + 1 as a) from t", "star exclude"),
    ("select * from t asof join u on t.a >= u.a", "keyword asof"),
    ("with recursive r as (select 1) select * from r", "keyword recursive"),
    ("select array_agg(a) from t", "function array_agg"),
    ("select string_agg(a, ',' order by b) from t", "function string_agg"),
    ("select unnest(a) from t", "function unnest"),
    ("select {{ first_by('epoch_us(a)', 'b') }} from t", "function epoch_us"),
    ("select cast(a as varchar) from t", "type varchar"),
    ("select try_cast(a as text) from t", "type text"),
    ("select cast(a as timestamp with time zone) from t", "type timestamptz"),
    ("select cast(a / 2 as bigint) from t", "cast of a fraction"),
    ("select cast(avg(a) as integer) from t", "cast of a fraction"),
    ("select a at time zone 'UTC' from t", "at time zone"),
    ("select a from t union all by name select a from u", "union by name"),
    ("select distinct on (a) a, b from t", "distinct on"),
    ("select last_value(a ignore nulls) over (order by b) from t", "ignore nulls"),
    ("select count(distinct a, b) from t", "count distinct of several"),
    ("select count(distinct a) over (partition by b) from t", "count distinct over"),
    ("select j ->> 'a' from t", "json operator"),
    ("select a // 2 from t", "whole division"),
    ("select a ** 2 from t", "power operator"),
    ("select a from t where a ilike 'x%'", "keyword ilike"),
    ("select 'it''s' as a", "quote in a text"),
    ("select a from t where a like '\\_x'", "backslash"),
    ("select a, from t", "trailing comma"),
    ("with a as materialized (select 1) select * from a", "materialized"),
    ("select random() from t", "function random"),
    ("select struct_pack(a := 1) from t", "function struct_pack"),
    ("{% macro shared() %}select a::int{% endmacro %}", "cast operator"),
    ("{% set sql %}select strftime(a, '%Y') from t{% endset %}", "function strftime"),
]

PORTABLE = [
    "select cast(a as string), cast(b as decimal(18, 4)), cast(c as bigint) from t",
    "select cast(round(a / 2) as bigint), cast(floor(avg(a)) as bigint) from t",
    "select cast(order_date + interval '1' day as date) from t",
    "select ordered_at - interval '30' minute, ordered_at - opened_at from t",
    "select concat_ws(' ', a, b), split_part(a, '.', 1), log10(a), ln(a), a || b from t",
    "select extract(year from a), date_trunc('month', a), greatest(a, b), md5(a) from t",
    "select first_value(a) over (partition by b order by c, d), any_value(e) from t group by 1",
    "select text, position, map.text as label from survey_question as map",
    "select count(distinct a), count(*) filter (where b > 0) from t",
    "select {{ json_text('params', '[0].name') }}, {{ last_by('a', 'b') }} from {{ ref('x') }}",
    "{# a::int and qualify #} select 1 as a -- b::int, qualify",
    "{% macro duckdb__f(x) %}epoch_us(x)::bigint{% endmacro %}{% macro spark__f(x) %}unix_micros(x){% endmacro %}",
    "select percentile_cont(0.9) within group (order by a) from t",
    "select '{{ var(\"currency\") }}' as currency, 'order' as kind, 'from' as side",
]


def test_the_project_is_portable() -> None:
    findings = lint_project(PROJECT_ROOT / "dbt_project")
    assert not findings, "\n".join(str(finding) for finding in findings)


@pytest.mark.parametrize(
    ("sql", "rule"), NOT_PORTABLE, ids=[rule + ": " + sql[:40] for sql, rule in NOT_PORTABLE]
)
def test_the_lint_finds_what_is_not_portable(sql: str, rule: str) -> None:
    assert rule in {finding.rule for finding in lint_text(sql)}


@pytest.mark.parametrize("sql", PORTABLE)
def test_the_lint_leaves_portable_sql_alone(sql: str) -> None:
    assert lint_text(sql) == []


def test_expressions_in_yaml_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    content = (
        "models:\n  - name: m\n    data_tests:\n      - holds: {arguments: {expression: 'a::int > 0'}}\n"
    )
    (tmp_path / "models" / "m.yml").write_text(content, encoding="utf-8")
    assert [finding.rule for finding in lint_project(tmp_path)] == ["cast operator"]


def test_a_finding_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.sql").write_text(
        "{#- first line -#}\n\nselect\n    a::int\nfrom t\n", encoding="utf-8"
    )
    assert [str(f) for f in lint_project(tmp_path)] == [
        "models/a.sql:4: cast operator: write cast(x as type)"
    ]


def test_a_line_can_be_allowed_with_a_reason() -> None:
    reason = "select a::int from t -- portability: allow cast operator: DuckDB reads this file only"
    assert lint_text(reason) == []
    assert [f.rule for f in lint_text("select a::int from t -- portability: allow cast operator:")] == [
        "cast operator"
    ]
