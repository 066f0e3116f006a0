{# dbt calls this for each model with a contract; its own macro writes the message when a column differs. #}
{% macro duckdb__get_assert_columns_equivalent(sql) %}
    {%- do check_columns(sql) -%}
{% endmacro %}

{#
  Stops the build unless the query has the columns and types that the model's YAML declares, and the table that stands, if
  one is given, has them too. One statement; dbt's own check plans the query, then compares column by column in Jinja.
#}
{% macro check_columns(sql, standing=none) %}
    {%- set declared -%}
        select
            {% for column in model.columns.values() -%}
            cast(null as {{ column.data_type }}) as {{ adapter.quote(column.name) if column.quote else column.name }}{{ ', ' if not loop.last }}
            {% endfor %}
    {%- endset -%}
    {%- if not model.columns or differing_columns(sql, declared) -%}
        {{ default__get_assert_columns_equivalent(sql) }}
    {%- elif standing is not none and differing_columns('from ' ~ standing, declared) -%}
        {{ exceptions.raise_compiler_error(standing ~ " has other columns than its model declares now: build with --full-refresh") }}
    {%- endif -%}
{% endmacro %}

{# Number of columns that only one of two queries has, or both have in different types. #}
{% macro differing_columns(left, right) %}
    {%- set found -%}
        select count(*)
        from (describe select * from (
            {{ left }}
        ) as q) as l
        full join (describe {{ right }}) as r on lower(l.column_name) = lower(r.column_name)
        where l.column_type is distinct from r.column_type
    {%- endset -%}
    {{ return(run_query(found)[0][0]) }}
{% endmacro %}
