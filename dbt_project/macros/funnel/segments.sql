{#
  segment_type and segment_value of a row that is grouped by grouping sets of one segment column each, or of none ('all').
  Args: types: segment columns; alias: of their relation.
#}
{% macro segment_columns(types, alias=none) -%}
    {%- set prefix = alias ~ '.' if alias else '' -%}
    case
        {%- for type in types %}
        when grouping({{ prefix }}{{ type }}) = 0 then '{{ type }}'
        {%- endfor %}
        else 'all'
    end as segment_type
    , case
        {%- for type in types %}
        when grouping({{ prefix }}{{ type }}) = 0 then {{ prefix }}{{ type }}
        {%- endfor %}
        else 'all'
    end as segment_value
{%- endmacro %}
