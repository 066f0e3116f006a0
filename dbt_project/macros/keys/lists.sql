{# Lists of texts and columns as SQL. #}

{# 'a', 'b' as an SQL list of texts. #}
{% macro sql_texts(values) -%}
    {%- for v in values -%}'{{ v | replace("'", "''") }}'{%- if not loop.last %}, {% endif -%}{%- endfor -%}
{%- endmacro %}

{# a.x, a.y #}
{% macro columns_of(alias, columns) -%}
    {%- for c in columns -%}{{ alias }}.{{ c }}{% if not loop.last %}, {% endif %}{%- endfor -%}
{%- endmacro %}

{# a.x = b.x and a.y = b.y #}
{% macro same_columns(a, b, columns) -%}
    {%- for c in columns -%}{{ a }}.{{ c }} = {{ b }}.{{ c }}{% if not loop.last %} and {% endif %}{%- endfor -%}
{%- endmacro %}


{# Rows that one of two relations has and the other has not. #}
{% macro changed_rows(left, right, columns) -%}
    select * from (select {{ columns | join(', ') }} from {{ left }} except select {{ columns | join(', ') }} from {{ right }}) as came
    union all
    select * from (select {{ columns | join(', ') }} from {{ right }} except select {{ columns | join(', ') }} from {{ left }}) as went
{%- endmacro %}
