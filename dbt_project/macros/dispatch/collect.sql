{# Ordered aggregates, arrays, structs, windows. `o` must be a total order within the group. #}

{# Value of x in the first / last row by o, also when that value is null. #}
{% macro first_by(x, o) %}{{ return(adapter.dispatch('first_by', 'cx')(x, o)) }}{% endmacro %}
{% macro duckdb__first_by(x, o) -%} arg_min_null({{ x }}, {{ o }}) {%- endmacro %}
{% macro spark__first_by(x, o) -%} min_by({{ x }}, {{ o }}) {%- endmacro %}
{% macro last_by(x, o) %}{{ return(adapter.dispatch('last_by', 'cx')(x, o)) }}{% endmacro %}
{% macro duckdb__last_by(x, o) -%} arg_max_null({{ x }}, {{ o }}) {%- endmacro %}
{% macro spark__last_by(x, o) -%} max_by({{ x }}, {{ o }}) {%- endmacro %}

{# Array of the non-null x, in order of o. #}
{% macro array_agg_ordered(x, o) %}{{ return(adapter.dispatch('array_agg_ordered', 'cx')(x, o)) }}{% endmacro %}
{% macro duckdb__array_agg_ordered(x, o) -%} list({{ x }} order by {{ o }}) filter (where {{ x }} is not null) {%- endmacro %}
{% macro spark__array_agg_ordered(x, o) -%}
    transform(array_sort(collect_list(named_struct('o', {{ o }}, 'v', {{ x }})) filter (where {{ x }} is not null)), s -> s.v)
{%- endmacro %}

{# Text of the non-null x joined with a literal separator, in order of o. #}
{% macro string_agg_ordered(x, separator, o) %}{{ return(adapter.dispatch('string_agg_ordered', 'cx')(x, separator, o)) }}{% endmacro %}
{% macro duckdb__string_agg_ordered(x, separator, o) -%} string_agg({{ x }}, '{{ separator }}' order by {{ o }}) {%- endmacro %}
{% macro spark__string_agg_ordered(x, separator, o) -%}
    nullif(array_join({{ spark__array_agg_ordered(x, o) }}, '{{ separator }}'), '')
{%- endmacro %}

{# Number of elements, null for a null array (bigint). #}
{% macro array_size(a) %}{{ return(adapter.dispatch('array_size', 'cx')(a)) }}{% endmacro %}
{% macro duckdb__array_size(a) -%} len({{ a }}) {%- endmacro %}
{% macro spark__array_size(a) -%} cast(case when {{ a }} is not null then size({{ a }}) end as bigint) {%- endmacro %}

{# Array -> one row per element; goes after a relation in FROM. #}
{% macro lateral_unnest(a, table_alias, column) %}{{ return(adapter.dispatch('lateral_unnest', 'cx')(a, table_alias, column)) }}{% endmacro %}
{% macro duckdb__lateral_unnest(a, table_alias, column) -%} cross join unnest({{ a }}) as {{ table_alias }}({{ column }}) {%- endmacro %}
{% macro spark__lateral_unnest(a, table_alias, column) -%} lateral view explode({{ a }}) {{ table_alias }} as {{ column }} {%- endmacro %}

{# Struct of {'name': 'expression'}; compares field by field, so it serves as a total order in first_by. #}
{% macro struct_of(fields) %}{{ return(adapter.dispatch('struct_of', 'cx')(fields)) }}{% endmacro %}
{% macro duckdb__struct_of(fields) -%}
    struct_pack({% for k, v in fields.items() %}{{ k }} := {{ v }}{% if not loop.last %}, {% endif %}{% endfor %})
{%- endmacro %}
{% macro spark__struct_of(fields) -%}
    named_struct({% for k, v in fields.items() %}'{{ k }}', {{ v }}{% if not loop.last %}, {% endif %}{% endfor %})
{%- endmacro %}

{# Last non-null x in the window `w` (text of the over clause without brackets). #}
{% macro last_non_null(x, w) %}{{ return(adapter.dispatch('last_non_null', 'cx')(x, w)) }}{% endmacro %}
{% macro duckdb__last_non_null(x, w) -%} last_value({{ x }} ignore nulls) over ({{ w }}) {%- endmacro %}
{% macro spark__last_non_null(x, w) -%} last_value({{ x }}) ignore nulls over ({{ w }}) {%- endmacro %}

{# Quantile q (0-1) by linear interpolation; exact on both engines. #}
{% macro quantile(x, q) -%} percentile_cont({{ q }}) within group (order by {{ x }}) {%- endmacro %}
