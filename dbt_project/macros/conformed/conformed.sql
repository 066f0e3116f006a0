{#
  Body of cx_<entity>: the union of the mappings cx_<entity>__<connector> of the connectors switched on, in the
  columns and types of the model's YAML, which is the one definition of the entity.
  A mapping gives the columns it can fill; the others are null (is_deleted and is_test: false).
  No mapping switched on: a typed table without rows.
  Args: condition: macro that gives a condition on the rows of a connector's mapping, by its name; none for all rows.
#}
{% macro conformed(entity, connectors, condition=none) %}
    {%- set mappings = [] -%}
    {%- for connector in connectors -%}
        {%- if connector in var('connectors') or (connector == 'generic' and generic_mappings(entity)) -%}
            {%- do mappings.append(ref('cx_' ~ entity ~ '__' ~ connector)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not mappings -%}
        {{ typed_empty(model.columns) }}
    {%- else -%}
        {%- for mapping in mappings -%}
            {{ conformed_branch(mapping, model.columns) }}
            {%- if condition %}
            where {{ condition(mapping.identifier.split('__')[1]) }}
            {%- endif %}
            {%- if not loop.last %}
            union all
            {% endif -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{% macro conformed_branch(mapping, columns) -%}
    {%- set given = [] -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(mapping) -%}
            {%- do given.append(column.name | lower) -%}
        {%- endfor -%}
        {%- set unknown = given | reject('in', columns.keys() | list) | list -%}
        {%- if unknown -%}
            {{ exceptions.raise_compiler_error(
                mapping.identifier ~ ' has columns that ' ~ model.name ~ ' does not know: ' ~ unknown | join(', ')
                ~ '. Name them as in models/conformed/' ~ model.name ~ '.yml.') }}
        {%- endif -%}
        {%- if not given and flags.WHICH in ['run', 'build'] -%}
            {{ exceptions.raise_compiler_error(
                mapping.identifier ~ ' is not built. Build it first: dbt build --select +' ~ model.name) }}
        {%- endif -%}
    {%- endif -%}
            select
            {%- for name, column in columns.items() %}
                {% if not loop.first %}, {% endif -%}
                {%- if name in given -%} cast({{ name }} as {{ column.data_type }}) as {{ name }}
                {%- elif name in ['is_deleted', 'is_test'] -%} false as {{ name }}
                {%- else -%} cast(null as {{ column.data_type }}) as {{ name }}
                {%- endif -%}
            {%- endfor %}
            from {{ mapping }}
{%- endmacro %}

{# Table without rows in the columns of a YAML. #}
{% macro typed_empty(columns) -%}
    select
    {%- for name, column in columns.items() %}
        {% if not loop.first %}, {% endif %}cast(null as {{ column.data_type }}) as {{ name }}
    {%- else %}
        1 as nothing
    {%- endfor %}
    where false
{%- endmacro %}
