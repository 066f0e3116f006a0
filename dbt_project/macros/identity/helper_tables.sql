{# Helper table of a model that computes in rounds: <model>__<suffix>, beside the model. #}
{% macro helper_table(owner, suffix) %}
    {{ return(api.Relation.create(database=owner.database, schema=owner.schema, identifier=owner.identifier ~ '__' ~ suffix)) }}
{% endmacro %}

{% macro create_helper_table(relation, sql) %}
    {%- do run_query('drop table if exists ' ~ relation) -%}
    {%- do run_query('create table ' ~ relation ~ ' as ' ~ sql) -%}
{% endmacro %}

{% macro first_value_of(sql) %}
    {{ return(run_query(sql).columns[0].values()[0]) }}
{% endmacro %}

{# Rounds are only computed when a model is built: parsing, compiling and documenting read no data. #}
{% macro is_building() %}
    {{ return(execute and flags.WHICH in ['run', 'build']) }}
{% endmacro %}

{# Post hook: drops the helper tables of a model. #}
{% macro drop_helper_tables(owner, suffixes) %}
    {%- if is_building() -%}
        {%- for suffix in suffixes -%}
            {%- do run_query('drop table if exists ' ~ helper_table(owner, suffix)) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
