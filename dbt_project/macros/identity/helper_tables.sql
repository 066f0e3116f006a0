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

{#
  Replaces a helper table by next_sql(table) while open_sql(table) counts anything; both get the further arguments too.
  Args: tables: the table to begin with and a spare one; what: word for what is counted.
  Returns [result, spare table]. Raises a compiler error after identity_max_rounds.
#}
{% macro repeat_while_open(owner, tables, what, open_sql, next_sql) %}
    {%- set state = namespace(here=tables[0], spare=tables[1], open=first_value_of(open_sql(tables[0], *varargs)), rounds=0) -%}
    {%- for round in range(identity_setting('identity_max_rounds')) if state.open != 0 -%}
        {%- do create_helper_table(state.spare, next_sql(state.here, *varargs)) -%}
        {%- set kept = state.here -%}
        {%- set state.here = state.spare -%}
        {%- set state.spare = kept -%}
        {%- set state.rounds = round + 1 -%}
        {%- set state.open = first_value_of(open_sql(state.here, *varargs)) -%}
    {%- endfor -%}
    {%- if state.open != 0 -%}
        {{ exceptions.raise_compiler_error(
            owner.identifier ~ ': ' ~ state.open ~ ' ' ~ what ~ ' are still open after ' ~ state.rounds
            ~ ' rounds. Raise the var identity_max_rounds.') }}
    {%- endif -%}
    {{ log(owner.identifier ~ ': ' ~ what ~ ' closed after ' ~ state.rounds ~ ' rounds') }}
    {{ return([state.here, state.spare]) }}
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
