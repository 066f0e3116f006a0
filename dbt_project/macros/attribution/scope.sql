{#
  Whose paths an increment works through again: int_attribution__scope. A path depends on the sessions and conversions of
  one person alone. Sessions that changed reach their persons (macros/web/scope.sql); conversions also come, go and change
  without a web event, so they are compared with the copy that the scope keeps.

  Persons are added to the scope, and the copy is replaced, in one transaction; the last model of the chain empties the
  scope. After a build that broke off, all that waits is worked through again, even what was taken back since.
#}

{# Conversions as of the last time that the scope looked at them. #}
{% macro conversions_before() %}
    {{ return(relation_beside('int_attribution__scope', 'int_attribution__scope__conversions')) }}
{% endmacro %}

{# What paths say of a conversion. #}
{% macro conversion_path_columns() %}
    {{ return(['conversion_key', 'person_id', 'converted_at', 'revenue']) }}
{% endmacro %}

{# Condition: the person is in the scope. Always true in a build from scratch. #}
{% macro in_attribution_scope(column) -%}
    {%- if is_resumed() -%}
        {{ column }} in (select person_id from {{ relation_beside('int_attribution__scope', 'int_attribution__scope') }})
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{# Pre hook: deletes what the model said of the persons in the scope. #}
{% macro forget_persons(column) -%}
    {%- if is_resumed() -%}
        delete from {{ this }} where {{ in_attribution_scope(column) }}
    {%- endif -%}
{%- endmacro %}

{# Pre hook of the scope: without a copy to compare with, everything counts as changed. #}
{% macro change_everything() -%}
    {%- if is_building() and not is_resumed() and is_there(changed_web_events()) -%}
        insert into {{ changed_web_events() }} values (null, null)
    {%- endif -%}
{%- endmacro %}

{# Post hook of the scope. #}
{% macro keep_conversions() -%}
    {%- if is_building() -%}
        {%- do create_helper_table(conversions_before(),
            'select ' ~ conversion_path_columns() | join(', ') ~ ' from ' ~ ref('int_attribution__conversions')) -%}
    {%- endif -%}
{%- endmacro %}

{# Post hook of the last model: all persons in the scope are worked through. #}
{% macro close_attribution_scope() -%}
    {%- if is_building() -%}
        delete from {{ relation_beside('int_attribution__scope', 'int_attribution__scope') }}
    {%- endif -%}
{%- endmacro %}
