{#
  Common columns of a conformed row that every mapping fills alike.
  Args: entity ('customer'); system, object: texts; id: SQL expression. Reads source_account, extracted_at and
  _dlt_load_id of the staging model; `alias` names it where there is a join.
#}
{% macro source_columns(entity, system, object, id, alias=none) -%}
    {%- set p = alias ~ '.' if alias else '' -%}
    {{ source_key(system, object, id, alias) }} as {{ entity }}_key
    , '{{ system }}' as source_system
    , {{ p }}source_account
    , '{{ object }}' as source_object
    , {{ id }} as source_id
    , {{ p }}extracted_at
    , {{ p }}_dlt_load_id as dlt_load_id
{%- endmacro %}

{# Key of an entity of the same source (a foreign key); null when the id is null. #}
{% macro source_key(system, object, id, alias=none) -%}
    {{ entity_key("'" ~ system ~ "'", (alias ~ '.' if alias else '') ~ 'source_account', "'" ~ object ~ "'", id) }}
{%- endmacro %}
