{# Mappings onto `entity` among the tables of the files and sql connectors (var generic_tables). #}
{% macro generic_mappings(entity) %}
    {%- set found = [] -%}
    {%- for table in var('generic_tables') -%}
        {%- for mapping in table.entities if mapping.entity == entity -%}
            {%- do found.append({'table': table, 'mapping': mapping}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{# Body of cx_<entity>__generic. #}
{% macro generic_entity(entity) %}
    select 1 as todo
{% endmacro %}
