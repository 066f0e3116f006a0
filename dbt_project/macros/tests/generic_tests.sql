{# Generic tests. Each selects the rows that break the rule. #}

{# The columns together occur once. `where`: restrict to these rows. #}
{% test unique_combination(model, columns) %}
    select {{ columns | join(', ') }}, count(*) as row_count
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}

{# A key occurs once and is never null; for large tables: counts by an 8-byte hash first, exact only where it collides. #}
{% test unique_key(model, column_name) %}
    {{ adapter.dispatch('duplicate_keys', 'cx')(model, column_name) }}
{% endtest %}
{% macro default__duplicate_keys(model, column_name) %}
    select {{ column_name }}, count(*) as row_count
    from {{ model }}
    group by {{ column_name }}
    having count(*) > 1 or {{ column_name }} is null
{% endmacro %}
{% macro duckdb__duplicate_keys(model, column_name) %}
    select {{ column_name }}, count(*) as row_count
    from {{ model }}
    where {{ column_name }} is null or hash({{ column_name }}) in (
        select hash({{ column_name }}) from {{ model }} group by hash({{ column_name }}) having count(*) > 1
    )
    group by {{ column_name }}
    having count(*) > 1 or {{ column_name }} is null
{% endmacro %}

{% test not_negative(model, column_name) %}
    select {{ column_name }} from {{ model }} where {{ column_name }} < 0
{% endtest %}

{# min_value <= column <= max_value; either may be left out; null passes. #}
{% test between(model, column_name, min_value=none, max_value=none) %}
    select {{ column_name }}
    from {{ model }}
    where false
    {% if min_value is not none %} or {{ column_name }} < {{ min_value }}{% endif %}
    {% if max_value is not none %} or {{ column_name }} > {{ max_value }}{% endif %}
{% endtest %}

{# A boolean expression holds for every row; null counts as broken. #}
{% test holds(model, expression) %}
    select * from {{ model }} where not coalesce({{ expression }}, false)
{% endtest %}

{# No text column holds '' or blanks: unknown is null. One scan for all text columns of the YAML. #}
{% test no_blank_text(model) %}
    {%- set texts = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.relation_name == model | string -%}
            {%- for name, column in node.columns.items() if column.data_type in ['string', 'varchar'] -%}
                {%- do texts.append(name) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    select *
    from {{ model }}
    where false
    {%- for name in texts %}
        or {{ name }} = ''
    {%- endfor %}
{% endtest %}

{#
  An aggregate of the model equals an aggregate of another relation, per group.
  Args: expression, compare_expression: aggregates; compare_model: ref(...); group_by, compare_group_by: lists of
  expressions (equal length, may be empty); where, compare_where: row filters; tolerance: absolute difference allowed.
  A group that only one side has is an error unless its aggregate is 0 or null.
#}
{% test reconciles(model, expression, compare_model, compare_expression=none, group_by=[], compare_group_by=none,
                   where='true', compare_where='true', tolerance=0) %}
    {%- set other_expression = compare_expression or expression -%}
    {%- set other_group = group_by if compare_group_by is none else compare_group_by -%}
    with here as (
        select
            {% for g in group_by %}coalesce(cast({{ g }} as string), '~') as group_{{ loop.index }}, {% endfor -%}
            cast({{ expression }} as decimal(38, 6)) as amount
        from {{ model }}
        where {{ where }}
        {% if group_by %}group by {% for g in group_by %}{{ loop.index }}{% if not loop.last %}, {% endif %}{% endfor %}{% endif %}
    )
    , there as (
        select
            {% for g in other_group %}coalesce(cast({{ g }} as string), '~') as group_{{ loop.index }}, {% endfor -%}
            cast({{ other_expression }} as decimal(38, 6)) as amount
        from {{ compare_model }}
        where {{ compare_where }}
        {% if other_group %}group by {% for g in other_group %}{{ loop.index }}{% if not loop.last %}, {% endif %}{% endfor %}{% endif %}
    )
    select
        {% for g in group_by %}coalesce(here.group_{{ loop.index }}, there.group_{{ loop.index }}) as group_{{ loop.index }}, {% endfor -%}
        here.amount as amount
        , there.amount as compare_amount
    from here
    full outer join there
        on true
        {%- for g in group_by %} and here.group_{{ loop.index }} = there.group_{{ loop.index }}{% endfor %}
    where abs(coalesce(here.amount, 0) - coalesce(there.amount, 0)) > {{ tolerance }}
{% endtest %}

{# Every non-null value exists in `field` of another relation (as `relationships`, by anti join on distinct values). #}
{% test exists_in(model, column_name, to, field) %}
    select distinct child.{{ column_name }}
    from {{ model }} as child
    left join {{ to }} as parent on child.{{ column_name }} = parent.{{ field }}
    where child.{{ column_name }} is not null and parent.{{ field }} is null
{% endtest %}
