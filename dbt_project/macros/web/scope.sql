{#
  Which web events a build has to work through again. Sessions and touches depend on the events of one device (or login)
  alone, so what changed is told by devices, and what follows from it by sessions and persons:

    cx_web_event__changed   devices with an event that came, changed or went, or whose owner changed
    int_web__scope          the same as this build works it through; none in a build from scratch
    int_web__scope__reached sessions and persons that these devices have now or had before

  Incremental models delete what they said of the scope and say it anew. Both lists of changes are emptied by the last
  model, int_web__increment: after a build that broke off, all that waits is worked through again with what came since.
  A row without a connection in cx_web_event__changed stands for everything: the events were written from scratch.
#}

{# The device of an event, else its login; '' for an event of nobody. One device can carry ids of both kinds. #}
{% macro web_device(alias=none) -%}
    {%- set p = alias ~ '.' if alias else '' -%}
    coalesce({{ p }}anonymous_id, {{ p }}user_id, '')
{%- endmacro %}

{% macro changed_web_events() %}
    {{ return(relation_beside('cx_web_event', 'cx_web_event__changed')) }}
{% endmacro %}

{% macro reached_by_web() %}
    {{ return(relation_beside('int_web__events', 'int_web__scope__reached')) }}
{% endmacro %}

{# Owners of devices and logins as of the last build that ended: 'devices' or 'users'. #}
{% macro owners_before(which) %}
    {{ return(relation_beside('int_web__events', 'int_web__scope__' ~ which)) }}
{% endmacro %}

{# Relation of a helper table in the schema of a model. #}
{% macro relation_beside(model_name, identifier) %}
    {%- set node = graph.nodes['model.cx.' ~ model_name] if execute else {} -%}
    {{ return(api.Relation.create(database=node.database, schema=node.schema, identifier=identifier)) }}
{% endmacro %}

{# Whether web models can add to what an earlier build left: all lists are there, and none stands for everything. #}
{% macro is_web_resumed() %}
    {%- if not is_building() -%}{{ return(false) }}{%- endif -%}
    {%- for table in [changed_web_events(), reached_by_web(), owners_before('devices'), owners_before('users')] -%}
        {%- if not is_there(table) -%}{{ return(false) }}{%- endif -%}
    {%- endfor -%}
    {{ return(first_value_of('select count(*) from ' ~ changed_web_events() ~ ' where source_account is null') == 0) }}
{% endmacro %}

{#
  Adds devices whose owner is another than in the last build that ended to those that changed. They stay there until a
  build ends, so that a change that is taken back after a build broke off is not taken for none.
#}
{% macro note_changed_owners() %}
    {%- do run_query("
        insert into " ~ changed_web_events() ~ "
        select source_account, anonymous_id
        from (" ~ changed_rows(ref('int_identity__web_user_map'), owners_before('devices'),
            ['source_account', 'anonymous_id', 'valid_from', 'valid_to', 'customer_id', 'person_id']) ~ ") as owned
        union
        select source_account, " ~ web_device() ~ "
        from " ~ ref('cx_web_event') ~ "
        where user_id in (
            select user_id
            from (" ~ changed_rows(ref('int_identity__user_map'), owners_before('users'), ['user_id', 'customer_id', 'person_id']) ~ ") as known
        )") -%}
{% endmacro %}

{#
  Condition: the row is of a device in the scope. Always true in a build from scratch.
  Args: alias: of the relation; device: its device, as web_device gives it.
#}
{% macro in_web_scope(alias=none, device=none) -%}
    {%- if is_resumed() -%}
        ({{ alias ~ '.' if alias else '' }}source_account, {{ device or web_device(alias) }}) in (
            select source_account, device_id from {{ relation_beside('int_web__events', 'int_web__scope') }}
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{# Condition: the session or person is reached. Args: kind: 'session' or 'person'. #}
{% macro is_reached(kind, column) -%}
    {%- if is_resumed() -%}
        {{ column }} in (select reached_key from {{ reached_by_web() }} where kind = '{{ kind }}')
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{# Pre hooks: delete what the model said of the scope, or of what it reaches. #}
{% macro forget_devices() -%}
    {%- if is_resumed() -%}
        delete from {{ this }} where {{ in_web_scope(device='device_id') }}
    {%- endif -%}
{%- endmacro %}

{% macro forget_reached(kind, column) -%}
    {%- if is_resumed() -%}
        delete from {{ this }} where {{ is_reached(kind, column) }}
    {%- endif -%}
{%- endmacro %}

{# Hook of int_web__events: sessions and persons of the devices in the scope, before the change and after it. #}
{% macro reach_sessions_and_persons() -%}
    {%- if is_resumed() %}
        insert into {{ reached_by_web() }}
        select kind, reached_key
        from (
            select 'session' as kind, session_key as reached_key from {{ this }} where {{ in_web_scope(device='device_id') }}
            union
            select 'person', person_id from {{ this }} where {{ in_web_scope(device='device_id') }}
        ) as found
        where reached_key is not null
            and not exists (
                select 1 from {{ reached_by_web() }} as known
                where known.kind = found.kind and known.reached_key = found.reached_key
            )
    {%- elif is_building() %}
        {%- do create_helper_table(reached_by_web(), 'select cast(null as string) as kind, cast(null as string) as reached_key where false') -%}
        insert into {{ changed_web_events() }} values (null, null)
    {%- endif -%}
{%- endmacro %}

{# Post hook of the last model: all that changed is worked through. #}
{% macro close_web_scope() -%}
    {%- if is_building() -%}
        {%- do create_helper_table(owners_before('users'), 'select user_id, customer_id, person_id from ' ~ ref('int_identity__user_map')) -%}
        {%- do create_helper_table(owners_before('devices'),
            'select source_account, anonymous_id, valid_from, valid_to, customer_id, person_id from ' ~ ref('int_identity__web_user_map')) -%}
        {%- do run_query('delete from ' ~ reached_by_web()) -%}
        delete from {{ changed_web_events() }}
    {%- endif -%}
{%- endmacro %}
