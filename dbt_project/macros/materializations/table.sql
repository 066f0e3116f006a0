{#
  Tables, views and increments as DuckDB writes them: dropped and created in one transaction, so that a failure leaves what
  stood. The adapter's own materializations build beside, rename twice and drop, and copy an increment into a temporary
  table first. docs/decisions/dbt-runs.md
#}
{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set target = this.incorporate(type='table') -%}
    {%- do begin_model() -%}
    {%- if model.language == 'python' -%}
        {%- do run_query(drop_standing() or 'select 1') -%}
        {# dbt runs Python in a materialization's own statement only. #}
        {% call statement('main', language='python') -%}
            {{- create_table_as(False, target, compiled_code, 'python') -}}
        {%- endcall %}
    {%- else -%}
        {%- do replace_table(target) -%}
    {%- endif -%}
    {{ return(end_model(target)) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb', supported_languages=['sql'] %}
    {%- set target = this.incorporate(type='view') -%}
    {%- do begin_model() -%}
    {% call statement('main') -%}
        {{ drop_standing() }}
        {{ get_create_view_as_sql(target, compiled_code) }}
    {%- endcall %}
    {{ return(end_model(target)) }}
{% endmaterialization %}

{# Appends; what is to be said anew was deleted by the pre hook. #}
{% materialization incremental, adapter='duckdb', supported_languages=['sql'] %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set standing = load_cached_relation(this) -%}
    {%- do begin_model() -%}
    {%- if standing is none or standing.is_view or should_full_refresh() -%}
        {%- do replace_table(target) -%}
    {%- else -%}
        {%- do check_columns(compiled_code, target) -%}
        {% call statement('main') -%}
            insert into {{ target }} {{ get_column_names() }} (
                {{ get_select_subquery(compiled_code) }}
            )
        {%- endcall %}
    {%- endif -%}
    {{ return(end_model(target)) }}
{% endmaterialization %}

{# Before the model's statement, which opens the transaction if no hook did. #}
{% macro begin_model() %}
    {%- do run_hooks(pre_hooks, inside_transaction=False) -%}
    {%- do run_hooks(pre_hooks, inside_transaction=True) -%}
{% endmacro %}

{# After it; gives what a materialization returns. #}
{% macro end_model(target) %}
    {%- do run_hooks(post_hooks, inside_transaction=True) -%}
    {%- do adapter.commit() -%}
    {%- do run_hooks(post_hooks, inside_transaction=False) -%}
    {{ return({'relations': [target]}) }}
{% endmacro %}

{% macro replace_table(target) %}
    {% call statement('main') -%}
        {{ drop_standing() }}
        {{ create_table_as(False, target, compiled_code, 'sql') }}
    {%- endcall %}
{% endmacro %}

{# Statement that drops what stands under the model's name, if anything does. #}
{% macro drop_standing() %}
    {%- set standing = load_cached_relation(this) -%}
    {%- if standing is not none -%}drop {{ standing.type }} {{ standing }};{%- endif -%}
{% endmacro %}
