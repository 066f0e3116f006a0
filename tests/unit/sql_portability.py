"""Lint of the dbt project's SQL: nothing that only one engine knows or that two engines answer differently.

The models are written once for DuckDB and Spark 3.5. What differs is behind dispatch macros. This lint finds
what slipped past them; each rule is a construct that was tried on both engines and failed on one, or ran on
both and gave other rows.

It reads the files themselves, with Jinja cut out, not compiled SQL, because that

* leaves out what dispatch macros put in (they may say `epoch_us`) without a second set of macros to keep in step,
* sees both arms of every Jinja `if` and the SQL that macros hand to `run_query`; a compile shows one or none,
* needs no database and no vars, and takes a second for the whole project.

Bodies of engine implementations (`duckdb__…`, `spark__…`, `default__…`) are left out. Text inside Jinja
(`{{ last_by('a::int', 'b') }}`) is searched for the rules that need no context.

A line may carry `-- portability: allow <rule>: <reason>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import yaml
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import TokenError
from sqlglot.tokens import Token, TokenType


@dataclass(frozen=True)
class Finding:
    """One place that is not portable."""

    file: str
    line: int
    rule: str
    advice: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}: {self.advice}"


_NOT_STABLE = "gives another value in each run"
_STRUCT = "use struct_of"
_JSON = "use json_text or unnest_json_array"

_ADVICE: tuple[tuple[str, str], ...] = (
    (
        "min_by max_by arg_min arg_max argmin argmax arg_min_null arg_max_null",
        "null values count differently: use first_by or last_by",
    ),
    ("first last", "takes any row: use first_by or last_by with a total order"),
    ("dayofweek weekday isodow dayname", "numbers the days differently: use iso_dow"),
    (
        "regexp_replace regexp_matches regexp_full_match regexp_like rlike",
        "use regexp_replace_all or regexp_like",
    ),
    ("concat", "a null makes Spark's result null: use || or concat_ws"),
    (
        "split string_split str_split string_to_array",
        "Spark splits by a pattern: use split_part or unnest_split",
    ),
    (
        "array_agg list collect_list string_agg group_concat listagg array_join array_to_string",
        "order and nulls differ: use array_agg_ordered or string_agg_ordered",
    ),
    ("list_value list_transform list_filter list_sort list_contains list_aggregate", "DuckDB only"),
    ("array_length cardinality size", "use array_size"),
    (
        "unnest explode posexplode generate_series sequence generate_subscripts",
        "use lateral_unnest, unnest_split, unnest_json_array or date_series",
    ),
    ("struct_pack named_struct struct row map", _STRUCT),
    (
        "json_extract json_extract_string json_extract_path json_value json_each get_json_object from_json to_json "
        "json_object json_keys json_type",
        _JSON,
    ),
    ("log", "base 10 here, natural there: use log10 or ln"),
    ("hash sha256 sha2 sha1", "differs between engines: use md5"),
    (
        "date_diff datediff date_sub datesub timestampdiff age",
        "use days_between or seconds_between",
    ),
    (
        "dateadd timestampadd add_months to_seconds to_minutes to_hours to_days make_interval",
        "write ts + n * interval '1' day",
    ),
    (
        "epoch epoch_us epoch_ms unix_timestamp unix_micros make_timestamp make_timestamptz to_timestamp "
        "timestamp_micros timezone from_utc_timestamp to_utc_timestamp strftime strptime date_format time_bucket",
        "use the macros of macros/dispatch/time.sql",
    ),
    (
        "approx_quantile quantile_cont quantile_disc percentile percentile_approx reservoir_quantile histogram",
        "use percentile_cont(q) within group (order by x)",
    ),
    ("random rand uuid gen_random_uuid", _NOT_STABLE),
    ("starts_with startswith strpos prefix suffix", "use left(), like or position()"),
    (
        "trunc format printf typeof columns read_parquet glob isfinite bar try_divide nvl width_bucket initcap "
        "element_at",
        "not on both engines, or not alike",
    ),
)

FUNCTIONS: dict[str, str] = {name: advice for names, advice in _ADVICE for name in names.split()}
"""Functions, by lower-case name, with what to write instead."""

WORDS: dict[str, str] = {
    "qualify": "Spark 3.5 lacks it: row_number() in a sub-query and a filter outside",
    "asof": "DuckDB only: join on the latest row by row_number()",
    "recursive": "Spark 3.5 lacks it: loop in a macro",
    "ilike": "use lower() and like",
    "glob": "DuckDB only: use like",
    "tablesample": _NOT_STABLE,
}
"""Keywords."""

_BAD_TYPES = (
    "varchar text int8 int4 int2 hugeint uhugeint utinyint usmallint uinteger ubigint float8 float4 timestamptz "
    "timestamp_s timestamp_ms timestamp_ns datetime json uuid blob"
)
BAD_TYPES = frozenset(_BAD_TYPES.split())
"""Types that the other engine lacks or reads otherwise; text is `string` on both."""

EXTRACT_FIELDS = frozenset({"year", "month", "day", "hour", "minute", "week", "quarter"})
"""Fields of extract() that are numbered alike."""

_WHOLE = frozenset({"int", "integer", "bigint", "smallint", "tinyint"})
_FRACTIONS = frozenset({"avg", "median", "percentile_cont", "sqrt", "ln", "exp", "power"})
_ROUNDING = frozenset({"floor", "ceil", "ceiling", "round", "count", "sum", "length"})
_DATE_NAME = re.compile(r"(^|_)date(_local)?$|^current_date$")
_ALLOW = re.compile(r"--\s*portability:\s*allow\s+([a-z_ ]+?)\s*:\s*\S")
_IMPLEMENTATION = re.compile(
    r"\{%-?\s*macro\s+(?:duckdb|spark|default)__.*?\{%-?\s*endmacro\s*-?%\}", re.DOTALL
)
_MARK = "jx"
_SQL_KEYS = frozenset(
    {"expression", "compare_expression", "where", "compare_where", "group_by", "compare_group_by"}
)
_TOKENIZER = DuckDB.Tokenizer()


def lint_project(project: Path) -> list[Finding]:
    """Findings of all models, macros, data tests and test expressions of a dbt project."""
    findings: list[Finding] = []
    for folder in ("models", "macros", "tests"):
        for file in sorted((project / folder).rglob("*.sql")):
            findings += lint_text(file.read_text(encoding="utf-8"), str(file.relative_to(project)))
        for file in sorted((project / folder).rglob("*.yml")):
            for expression in _expressions(yaml.safe_load(file.read_text(encoding="utf-8"))):
                findings += lint_text(expression, str(file.relative_to(project)))
    return findings


def _expressions(node: Any) -> Iterator[str]:
    """SQL in the arguments of data tests."""
    if isinstance(node, list):
        for item in node:
            yield from _expressions(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in _SQL_KEYS and isinstance(value, str):
                yield value
            elif key in _SQL_KEYS and isinstance(value, list):
                yield from (item for item in value if isinstance(item, str))
            elif key != "unit_tests":
                yield from _expressions(value)


def lint_text(text: str, name: str = "sql") -> list[Finding]:
    """Findings of one file: SQL with or without Jinja."""
    text = _IMPLEMENTATION.sub(_blank, text)
    allowed = {
        number: match.group(1).strip()
        for number, line in enumerate(text.split("\n"), 1)
        if (match := _ALLOW.search(line))
    }
    sql, strings = _split(text)
    found = [*_sql_findings(sql), *_jinja_findings(strings)]
    if "{%" in text:  # a loop that writes a list looks like a trailing comma once Jinja is cut out
        found = [finding for finding in found if finding[1] != "trailing comma"]
    return [
        Finding(name, line, rule, advice)
        for line, rule, advice in sorted(set(found))
        if allowed.get(line) != rule
    ]


def _blank(match: re.Match[str]) -> str:
    return "\n" * match.group(0).count("\n")


def _split(text: str) -> tuple[str, list[tuple[int, str]]]:
    """The SQL with a name for each Jinja expression, and the texts inside Jinja with their lines.

    Lines stay where they are. Jinja is read by its own lexer, since a text in it may hold brackets of Jinja.
    """
    sql: list[str] = []
    strings: list[tuple[int, str]] = []
    line = 1
    for number, kind, value in jinja2.Environment().lexer.tokeniter(text, None):
        if number > line:
            sql.append("\n" * (number - line))
            line = number
        if kind == "data":
            sql.append(value)
        elif kind == "variable_begin":
            sql.append(_MARK)
        elif kind in ("block_begin", "comment_begin"):
            sql.append(" ")
        elif kind == "string":
            strings.append((number, value[1:-1]))
        newlines = value.count("\n")
        line += newlines
        if kind != "data":
            sql.append("\n" * newlines)
    return "".join(sql), strings


def _jinja_findings(strings: list[tuple[int, str]]) -> Iterator[tuple[int, str, str]]:
    """Texts inside Jinja are pieces of SQL: the rules that need no context."""
    for line, content in strings:
        if "::" in content:
            yield line, "cast operator", "write cast(x as type)"
        for call in re.finditer(r"([a-z_][a-z0-9_]*)\s*\(", content, re.IGNORECASE):
            function = call.group(1).lower()
            if function in FUNCTIONS and not content[: call.start()].endswith("."):
                yield line, f"function {function}", FUNCTIONS[function]


def _sql_findings(sql: str) -> Iterator[tuple[int, str, str]]:
    try:
        tokens = _TOKENIZER.tokenize(sql)
    except TokenError as error:
        yield 1, "no sql", str(error)
        return
    calls = _enclosing_calls(tokens)
    for at, token in enumerate(tokens):
        for rule, advice in _token_findings(tokens, at, calls):
            yield token.line, rule, advice


@dataclass
class _Call:
    """A pair of brackets: the function before it, where it opens and closes."""

    name: str
    opens: int
    closes: int = -1


def _enclosing_calls(tokens: list[Token]) -> list[_Call | None]:
    """The innermost pair of brackets around each token."""
    inside: list[_Call | None] = []
    stack: list[_Call] = []
    for at, token in enumerate(tokens):
        if token.token_type == TokenType.R_PAREN and stack:
            stack.pop().closes = at
        inside.append(stack[-1] if stack else None)
        if token.token_type == TokenType.L_PAREN:
            stack.append(_Call(tokens[at - 1].text.lower() if at else "", at))
    return inside


def _token_findings(tokens: list[Token], at: int, calls: list[_Call | None]) -> Iterator[tuple[str, str]]:
    token = tokens[at]
    kind, word = token.token_type, token.text.lower()
    before = tokens[at - 1] if at else None
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    after_word = after.text.lower() if after and after.token_type != TokenType.STRING else ""
    is_call = after is not None and after.token_type == TokenType.L_PAREN
    qualified = before is not None and before.token_type == TokenType.DOT

    if kind == TokenType.DCOLON:
        yield "cast operator", "write cast(x as type)"
    elif kind == TokenType.IDENTIFIER:
        yield "double quotes", "Spark reads a text: never quote a name"
    elif kind == TokenType.STRING:
        if "\\" in token.text:
            yield "backslash", "Spark reads an escape"
        if "'" in token.text:
            yield "quote in a text", "Spark 3.5 drops it: put the text into a seed"
    elif kind in (TokenType.L_BRACKET, TokenType.R_BRACKET):
        if kind == TokenType.L_BRACKET:
            yield "square bracket", "list literals are DuckDB's, indexes begin elsewhere on Spark"
    elif kind == TokenType.L_BRACE:
        yield "struct literal", _STRUCT
    elif kind in (TokenType.ARROW, TokenType.DARROW):
        yield "json operator", _JSON
    elif kind == TokenType.DIV or token.text == "//":
        yield "whole division", "use floor(a / b)"
    elif kind in (TokenType.DSTAR, TokenType.CARET):
        yield "power operator", "use power()"
    elif kind == TokenType.COLON_EQ:
        yield "named argument", "DuckDB only"
    elif token.text in ("~", "!~", "~*", "~~", "~~~", "@>", "<@", "^@"):
        yield "operator", "DuckDB only"
    elif kind == TokenType.STAR and after_word in ("exclude", "except", "replace", "rename"):
        yield "star exclude", "list the columns"
    elif kind == TokenType.COMMA and after_word in ("from", ")", "where", "group", "order"):
        yield "trailing comma", "DuckDB only"
    elif kind in (TokenType.DASH, TokenType.PLUS):
        yield from _date_findings(tokens, at, calls)

    if kind in (TokenType.STRING, TokenType.IDENTIFIER) or qualified:
        return
    if word in WORDS and not is_call and (before is None or before.token_type != TokenType.ALIAS):
        yield f"keyword {word}", WORDS[word]
    if is_call and word in FUNCTIONS and not _is_type_or_clause(tokens, at):
        yield f"function {word}", FUNCTIONS[word]
    if word == "distinct" and after_word == "on":
        yield "distinct on", "row_number() in a sub-query and a filter outside"
    if word == "by" and after_word == "name":
        yield "union by name", "list the columns"
    if word == "ignore" and after_word == "nulls":
        yield "ignore nulls", "use last_non_null"
    if word == "as" and after_word in ("materialized", "not"):
        yield "materialized", "DuckDB only"
    if word == "at" and after_word == "time":
        yield "at time zone", "use to_local or from_local"
    if word == "positional" and after_word == "join":
        yield "positional join", "DuckDB only"
    if word == "extract" and is_call and at + 2 < len(tokens):
        field = tokens[at + 2].text.lower()
        if field not in EXTRACT_FIELDS and field != _MARK:
            yield "extract field", f"{field} is numbered or named differently: see macros/dispatch/time.sql"
    if word == "count" and is_call:
        yield from _count_findings(tokens, at)
    if word == "as" and (call := calls[at]) is not None and call.name in ("cast", "try_cast"):
        yield from _cast_findings(tokens, at, call)


def _is_type_or_clause(tokens: list[Token], at: int) -> bool:
    """`map(` after `as` names a type or a CTE's columns, not a call."""
    before = tokens[at - 1].text.lower() if at else ""
    return before in ("as", "with", "recursive") or (before == "," and tokens[at].text.lower() == "row")


def _count_findings(tokens: list[Token], at: int) -> Iterator[tuple[str, str]]:
    if at + 2 >= len(tokens) or tokens[at + 2].text.lower() != "distinct":
        return
    depth = 0
    for index in range(at + 1, len(tokens)):
        text = tokens[index].text
        depth += (text == "(") - (text == ")")
        if depth == 1 and text == ",":
            yield "count distinct of several", "count a row_key of them"
            return
        if depth == 0:
            if index + 1 < len(tokens) and tokens[index + 1].text.lower() == "over":
                yield "count distinct over", "group first, then count"
            return


def _cast_findings(tokens: list[Token], at: int, call: _Call) -> Iterator[tuple[str, str]]:
    type_word = tokens[at + 1].text.lower() if at + 1 < len(tokens) else ""
    if type_word in BAD_TYPES:
        yield f"type {type_word}", "use string, bigint, double, decimal(p,s), boolean, date or timestamp"
    if type_word == "timestamp" and at + 2 < len(tokens) and tokens[at + 2].text.lower() == "with":
        yield "type timestamptz", "instants are UTC timestamps without zone"
    if type_word in _WHOLE:
        inner = tokens[call.opens + 1 : at]
        rounded = bool(inner) and inner[0].text.lower() in _ROUNDING
        words = {token.text.lower() for token in inner}
        literal = any(t.token_type == TokenType.NUMBER and "." in t.text for t in inner)
        if not rounded and ("/" in words or literal or words & _FRACTIONS):
            yield "cast of a fraction", "rounds here, truncates on Spark: wrap it in round() or floor()"


def _date_findings(tokens: list[Token], at: int, calls: list[_Call | None]) -> Iterator[tuple[str, str]]:
    if at == 0 or at + 1 >= len(tokens) or not _ends_as_date(tokens, at - 1):
        return
    if tokens[at].token_type == TokenType.DASH and _starts_as_date(tokens, at + 1, calls):
        yield "date minus date", "an interval on Spark: use days_between"
    following = [token.text.lower() for token in tokens[at + 1 : at + 4]]
    adds_interval = "interval" in following and following[0] not in (",", ")")
    if adds_interval and not _is_cast_to_date(tokens, calls[at]):
        yield "date plus interval", "a timestamp here, a date on Spark: wrap it in cast(… as date)"


def _ends_as_date(tokens: list[Token], at: int) -> bool:
    if tokens[at].token_type == TokenType.R_PAREN:
        return at >= 2 and tokens[at - 1].text.lower() == "date" and tokens[at - 2].text.lower() == "as"
    return bool(_DATE_NAME.search(tokens[at].text.lower()))


def _starts_as_date(tokens: list[Token], at: int, calls: list[_Call | None]) -> bool:
    if tokens[at].text.lower() in ("cast", "try_cast") and at + 2 < len(tokens):
        return _is_cast_to_date(tokens, calls[at + 2])
    while at + 2 < len(tokens) and tokens[at + 1].token_type == TokenType.DOT:
        at += 2
    return bool(_DATE_NAME.search(tokens[at].text.lower()))


def _is_cast_to_date(tokens: list[Token], call: _Call | None) -> bool:
    return (
        call is not None
        and call.name in ("cast", "try_cast")
        and call.closes > 1
        and [tokens[call.closes - 2].text.lower(), tokens[call.closes - 1].text.lower()] == ["as", "date"]
    )
