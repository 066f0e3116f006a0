{# Condition on int_web__events of a step; none when the step has no web events. #}
{% macro step_web_condition(step) %}
    {%- set parts = [] -%}
    {%- for column, values in [
        ('event_name', step.event_names), ('raw_event_name', step.raw_event_names), ('touchpoint_id', step.touchpoint_ids)
    ] if values -%}
        {%- do parts.append(column ~ ' in (' ~ sql_texts(values) ~ ')') -%}
    {%- endfor -%}
    {{ return('(' ~ parts | join(' or ') ~ ')' if parts else none) }}
{% endmacro %}

{# Condition on fct_interactions of a step; none when the step has no contacts. Web touches are web events already. #}
{% macro step_contact_condition(step) %}
    {%- set parts = [] -%}
    {%- for column, values in [('interaction_type', step.interaction_types), ('touchpoint_id', step.touchpoint_ids)] if values -%}
        {%- do parts.append(column ~ ' in (' ~ sql_texts(values) ~ ')') -%}
    {%- endfor -%}
    {{ return("(interaction_type <> 'web_touch' and (" ~ parts | join(' or ') ~ '))' if parts else none) }}
{% endmacro %}

{# True when any funnel asks for a segment type. #}
{% macro funnels_use_segment(segment) %}
    {%- set found = [] -%}
    {%- for funnel in var('funnels') if segment in funnel.segments -%}{%- do found.append(1) -%}{%- endfor -%}
    {{ return(found | length > 0) }}
{% endmacro %}

{#
  True when one event may match two steps; then the events used are carried along so that none serves twice.
  Steps on one column with lists apart cannot.
#}
{% macro steps_overlap(funnel) %}
    {%- set state = namespace(overlap=false, columns=[], seen=[]) -%}
    {%- for step in funnel.steps -%}
        {%- for column, values in [
            ('event_name', step.event_names), ('raw_event_name', step.raw_event_names),
            ('touchpoint_id', step.touchpoint_ids), ('interaction_type', step.interaction_types)
        ] -%}
            {%- for value in values or [] -%}
                {#- A contact is never a web event, and a canonical name is compared with raw names as well: the raw
                    name of an event may be in one list and its canonical name in the other. -#}
                {%- if column != 'interaction_type' and column not in state.columns -%}{%- do state.columns.append(column) -%}{%- endif -%}
                {%- set mark = column ~ '|' ~ value -%}
                {%- if mark in state.seen -%}{%- set state.overlap = true -%}{%- endif -%}
                {%- do state.seen.append(mark) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(state.overlap or state.columns | length > 1) }}
{% endmacro %}

{# Number of the step at which the unit has bought: the first with purchase in its lists or its name, else the last. #}
{% macro conversion_step(funnel) %}
    {%- set state = namespace(found=none) -%}
    {%- for step in funnel.steps if state.found is none -%}
        {%- if step.name == 'purchase' or 'purchase' in (step.event_names or []) or 'purchase' in (step.raw_event_names or []) -%}
            {%- set state.found = loop.index -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(state.found or funnel.steps | length) }}
{% endmacro %}

{# Greatest step_order of a unit that has any events: a session ends with its web events. #}
{% macro last_step(funnel, unit) %}
    {%- set state = namespace(last=0) -%}
    {%- for step in funnel.steps if unit == 'person' or step_web_condition(step) -%}
        {%- set state.last = loop.index -%}
    {%- endfor -%}
    {{ return(state.last) }}
{% endmacro %}

{# True when a step must follow the one before it within a time of its own. #}
{% macro has_step_windows(funnel) %}
    {{ return(funnel.steps | selectattr('within_minutes') | list | length > 0) }}
{% endmacro %}

{# True when any funnel counts this unit. #}
{% macro funnels_use_unit(unit) %}
    {%- set found = [] -%}
    {%- for funnel in var('funnels') if unit in funnel.units -%}{%- do found.append(1) -%}{%- endfor -%}
    {{ return(found | length > 0) }}
{% endmacro %}
