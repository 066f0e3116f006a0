{# Periods that a figure is given for: a row counts in each type once. #}

{# Sub-query in brackets with one row (period_type) per type; by default those of the CX metrics. #}
{% macro period_types(types=none) -%}
    (
        {% for type in types or var('cx_metric_periods', ['month', 'week', 'all']) -%}
        select '{{ type }}' as period_type{% if not loop.last %} union all {% endif %}
        {%- endfor %}
    )
{%- endmacro %}

{# First day of the period of a local date; null for all time. #}
{% macro period_start(date, period_type='period.period_type') -%}
    case {{ period_type }}
        when 'month' then cast(date_trunc('month', {{ date }}) as date)
        when 'week' then cast(date_trunc('week', {{ date }}) as date)
    end
{%- endmacro %}
