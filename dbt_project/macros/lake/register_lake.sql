{% macro register_lake() %}{% endmacro %}
