{# Text and JSON. Arguments are SQL expressions; patterns and paths are texts. #}

{# Text at a path ('a.b', '[0].name') of a JSON text; null when absent or JSON null. #}
{% macro json_text(json, path) %}{{ return(adapter.dispatch('json_text', 'cx')(json, path)) }}{% endmacro %}
{% macro duckdb__json_text(json, path) -%} json_extract_string({{ json }}, '{{ json_path(path) }}') {%- endmacro %}
{% macro spark__json_text(json, path) -%} get_json_object({{ json }}, '{{ json_path(path) }}') {%- endmacro %}

{% macro json_path(path) -%} ${{ '' if path[0] == '[' else '.' }}{{ path }} {%- endmacro %}

{#
  JSON array text -> one row per element, as text (objects as JSON text). Goes after a relation in FROM:
  from t {{ unnest_json_array('t.tags', 'e', 'tag') }}
#}
{% macro unnest_json_array(json, table_alias, column) %}{{ return(adapter.dispatch('unnest_json_array', 'cx')(json, table_alias, column)) }}{% endmacro %}
{% macro duckdb__unnest_json_array(json, table_alias, column) -%}
    cross join unnest(json_extract_string({{ json }}, '$[*]')) as {{ table_alias }}({{ column }})
{%- endmacro %}
{% macro spark__unnest_json_array(json, table_alias, column) -%}
    lateral view explode(from_json({{ json }}, 'array<string>')) {{ table_alias }} as {{ column }}
{%- endmacro %}

{# The same with the position of the element, from 1 (bigint). #}
{% macro unnest_json_array_ordered(json, table_alias, column, position) %}{{ return(adapter.dispatch('unnest_json_array_ordered', 'cx')(json, table_alias, column, position)) }}{% endmacro %}
{% macro duckdb__unnest_json_array_ordered(json, table_alias, column, position) -%}
    cross join lateral (
        select
            json_extract_string({{ json }}, '$[' || cast(i - 1 as varchar) || ']') as {{ column }}
            , i as {{ position }}
        from unnest(generate_series(1, cast(coalesce(json_array_length({{ json }}), 0) as bigint))) as s(i)
    ) as {{ table_alias }}
{%- endmacro %}
{% macro spark__unnest_json_array_ordered(json, table_alias, column, position) -%}
    cross join lateral (
        select col as {{ column }}, cast(pos + 1 as bigint) as {{ position }}
        from (select posexplode(from_json({{ json }}, 'array<string>')))
    ) as {{ table_alias }}
{%- endmacro %}

{# Text split at a literal separator -> one row per piece. Goes after a relation in FROM. #}
{% macro unnest_split(text, separator, table_alias, column) %}{{ return(adapter.dispatch('unnest_split', 'cx')(text, separator, table_alias, column)) }}{% endmacro %}
{% macro duckdb__unnest_split(text, separator, table_alias, column) -%}
    cross join unnest(string_split({{ text }}, '{{ separator }}')) as {{ table_alias }}({{ column }})
{%- endmacro %}
{% macro spark__unnest_split(text, separator, table_alias, column) -%}
    lateral view explode(split({{ text }}, '\\Q{{ separator }}\\E')) {{ table_alias }} as {{ column }}
{%- endmacro %}

{# Replaces every match of a regular expression. #}
{% macro regexp_replace_all(text, pattern, replacement) %}{{ return(adapter.dispatch('regexp_replace_all', 'cx')(text, pattern, replacement)) }}{% endmacro %}
{% macro duckdb__regexp_replace_all(text, pattern, replacement) -%} regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g') {%- endmacro %}
{% macro spark__regexp_replace_all(text, pattern, replacement) -%} regexp_replace({{ text }}, r'{{ pattern }}', '{{ replacement }}') {%- endmacro %}

{# True when a regular expression matches somewhere in the text; null text gives null. `pattern` is an SQL expression. #}
{% macro regexp_like(text, pattern) %}{{ return(adapter.dispatch('regexp_like', 'cx')(text, pattern)) }}{% endmacro %}
{% macro duckdb__regexp_like(text, pattern) -%} regexp_matches({{ text }}, {{ pattern }}) {%- endmacro %}
{% macro spark__regexp_like(text, pattern) -%} ({{ text }} rlike {{ pattern }}) {%- endmacro %}

{# Trimmed text, null when nothing is left: unknown is null, never ''. #}
{% macro blank_to_null(text) -%} nullif(trim({{ text }}), '') {%- endmacro %}
