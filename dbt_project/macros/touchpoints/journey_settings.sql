{# Parameters of journeys and paths. A project var of the same name replaces the value given here. #}
{% macro journey_setting(name) %}
    {%- set defaults = {
        'journey_gap_days': 14,
        'journey_path_steps': 10,
        'journey_path_limit': 100,
    } -%}
    {#-
      journey_gap_days     a longer silence begins a new journey. Demo company: with 14 days 98 % of the tickets and 99.8 % of
                           the survey answers about an order lie in the journey of that order (7 days: 82 and 83 %; 30
                           days: all, but the longest hundredth of customers' journeys grows from 22 to 39 steps).
      journey_path_steps   steps of a path that are told apart: 94 % of the demo customers' journeys have no more.
      journey_path_limit   paths listed per audience; the others are one row, so that counts add up.
    -#}
    {{ return(var(name, defaults[name])) }}
{% endmacro %}

{# Known customers and unknown visitors go different ways: their journeys are never mixed in one rate. #}
{% macro journey_audience(customer_id='customer_id') -%}
    case when {{ customer_id }} is null then 'visitors' else 'customers' end
{%- endmacro %}
