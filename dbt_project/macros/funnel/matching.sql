{#
  Events of one step of a funnel: unit_id, event_at, event_key, session_key, event_date.
  A session has only the web events in it; a person has also contacts on the timeline.
#}
{% macro step_events(funnel, step, unit) -%}
    {%- set web = step_web_condition(step) -%}
    {%- set contacts = step_contact_condition(step) if unit == 'person' else none -%}
    {%- if web %}
    select
        {{ 'person_id' if unit == 'person' else 'session_key' }} as unit_id
        , event_at
        , web_event_key as event_key
        , session_key
        , event_date_local as event_date
    from {{ ref('int_web__events') }}
    where session_key is not null and {{ web }}
        {%- if funnel.connections %} and source_account in ({{ sql_texts(funnel.connections) }}){% endif %}
    {%- endif %}
    {%- if web and contacts %}
    union all
    {%- endif %}
    {%- if contacts %}
    select customer_id, interaction_at, interaction_key, cast(null as string), interaction_date
    from {{ ref('fct_interactions') }}
    where customer_id is not null and interaction_at is not null and {{ contacts }}
        {%- if funnel.connections %} and source_account in ({{ sql_texts(funnel.connections) }}){% endif %}
    {%- endif %}
    {%- if not web and not contacts %}
    select cast(null as string) as unit_id, cast(null as timestamp) as event_at, cast(null as string) as event_key
        , cast(null as string) as session_key, cast(null as date) as event_date
    where false
    {%- endif %}
{%- endmacro %}

{#
  CTEs <p>_1 … <p>_k of one funnel in order: unit_id, entry_at, previous_at, step_at for the entries that got as far.
  From an entry the earliest event of the next step that is not before the step just reached is taken, which is also
  the way to the longest progress. At equal instants the later step counts as later. The window is half open:
  [entry, entry + window). A person enters again at the first step-1 event after the window of the last entry; a
  session enters once.
#}
{% macro funnel_ordered_ctes(p, funnel, unit) -%}
    {%- set track = steps_overlap(funnel) -%}
    {%- set window = funnel.window_hours -%}
    {%- set order = struct_of({'at_order': 'e.event_at', 'key_order': 'e.event_key'}) -%}
    {%- set last = last_step(funnel, unit) -%}
, {{ p }}_starts as (
    {{ step_events(funnel, funnel.steps[0], unit) }}
)
, {{ p }}_entries as (
    {% if unit == 'person' and window -%}
    select entered.unit_id, entry.entry_at
    from (
        select unit_id, {{ spaced_instants('event_at', window) }} as entries
        from {{ p }}_starts
        group by unit_id
    ) as entered
    {{ lateral_unnest('entered.entries', 'entry', 'entry_at') }}
    {%- else -%}
    select unit_id, min(event_at) as entry_at
    from {{ p }}_starts
    group by unit_id
    {%- endif %}
)
, {{ p }}_1 as (
    select
        s.unit_id
        , s.entry_at
        , s.entry_at as previous_at
        , s.entry_at as step_at
        , {% if unit == 'session' %}s.unit_id{% else %}{{ first_by('e.session_key', 'e.event_key') }}{% endif %} as session_key
        , {% if unit == 'session' %}min(e.event_date){% else %}{{ first_by('e.event_date', 'e.event_key') }}{% endif %} as entry_date
        {%- if track %}
        , min(e.event_key) as used_1
        {%- endif %}
    from {{ p }}_entries as s
    join {{ p }}_starts as e on s.unit_id = e.unit_id and s.entry_at = e.event_at
    group by s.unit_id, s.entry_at
)
    {%- for i in range(2, last + 1) %}
, {{ p }}_{{ i }} as (
    select
        s.unit_id
        , s.entry_at
        , min(s.step_at) as previous_at
        , min(e.event_at) as step_at
        {%- if track %}
        {%- for j in range(1, i) %}
        , min(s.used_{{ j }}) as used_{{ j }}
        {%- endfor %}
        , {{ first_by('e.event_key', order) }} as used_{{ i }}
        {%- endif %}
    from {{ p }}_{{ i - 1 }} as s
    join (
        {{ step_events(funnel, funnel.steps[i - 1], unit) }}
    ) as e
        on s.unit_id = e.unit_id and e.event_at >= s.step_at
        {%- if window %} and e.event_at < s.entry_at + {{ window }} * interval '1' hour{% endif %}
        {%- if track %}{% for j in range(1, i) %} and e.event_key <> s.used_{{ j }}{% endfor %}{% endif %}
    group by s.unit_id, s.entry_at
)
    {%- endfor %}
{%- endmacro %}

{# Rows of one funnel in order, from the CTEs above: one per entry and step reached. #}
{% macro funnel_ordered_rows(p, funnel, unit) -%}
    {%- set last = last_step(funnel, unit) -%}
    {%- for i in range(1, last + 1) %}
    {%- if not loop.first %}
    union all
    {%- endif %}
    select
        '{{ funnel.id }}' as funnel_id
        , '{{ unit }}' as unit
        , 'ordered' as order_mode
        , s.unit_id
        , s.entry_at
        , o.entry_date
        , o.session_key
        , cast({{ i }} as bigint) as step_order
        , s.step_at
        , {% if i > 1 %}{{ seconds_between('s.previous_at', 's.step_at') }}{% else %}cast(null as double){% endif %} as seconds_to_step
        , {% if i < last %}n.unit_id is not null{% else %}false{% endif %} as is_advanced
        , true as is_from_start
        , {% if funnel.window_hours %}cast({{ funnel.window_hours }} as bigint){% else %}cast(null as bigint){% endif %} as window_hours
    from {{ p }}_{{ i }} as s
    join {{ p }}_1 as o on s.unit_id = o.unit_id and s.entry_at = o.entry_at
        {%- if i < last %}
    left join {{ p }}_{{ i + 1 }} as n on s.unit_id = n.unit_id and s.entry_at = n.entry_at
        {%- endif %}
    {%- endfor %}
{%- endmacro %}

{#
  CTE <p>_any of one funnel in any order: one row per unit that has an event of any step, with the steps it has. A
  step counts whether or not the unit did the others, and without a window: a session as a whole, a person over all
  history.
#}
{% macro funnel_any_ctes(p, funnel, unit) -%}
    {%- set last = last_step(funnel, unit) -%}
, {{ p }}_any as (
    select
        unit_id
        , min(event_at) as entry_at
        , min(event_date) as entry_date
        , {% if unit == 'session' %}unit_id{% else %}{{ first_by('session_key', struct_of({'at_order': 'event_at', 'key_order': 'event_key'})) }}{% endif %} as session_key
        {%- for i in range(1, last + 1) %}
        , bool_or(step_order = {{ i }}) as has_{{ i }}
        {%- endfor %}
    from (
        {%- for step in funnel.steps[:last] %}
        {%- if not loop.first %}
        union all
        {%- endif %}
        select *, {{ loop.index }} as step_order from (
            {{ step_events(funnel, step, unit) }}
        ) as step_{{ loop.index }}
        {%- endfor %}
    ) as matches
    group by unit_id
)
{%- endmacro %}

{% macro funnel_any_rows(p, funnel, unit) -%}
    {%- set last = last_step(funnel, unit) -%}
    {%- for i in range(1, last + 1) %}
    {%- if not loop.first %}
    union all
    {%- endif %}
    select
        '{{ funnel.id }}' as funnel_id
        , '{{ unit }}' as unit
        , 'any' as order_mode
        , unit_id
        , entry_at
        , entry_date
        , session_key
        , cast({{ i }} as bigint) as step_order
        , cast(null as timestamp) as step_at
        , cast(null as double) as seconds_to_step
        , {% if i < last %}has_{{ i + 1 }}{% else %}false{% endif %} as is_advanced
        , has_1 as is_from_start
        , cast(null as bigint) as window_hours
    from {{ p }}_any
    where has_{{ i }}
    {%- endfor %}
{%- endmacro %}
