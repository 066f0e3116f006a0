{#
  CTEs funnel_web and funnel_contacts: the events of units that are written anew and that any step or exclusion asks for,
  in a build from scratch of all units. Steps read them many times, so the events themselves are read once.
#}
{% macro funnel_event_ctes() -%}
    {%- set web = [] -%}
    {%- set contacts = [] -%}
    {%- for funnel in var('funnels') -%}
        {%- for rule in funnel.steps + (funnel.exclusions or []) -%}
            {%- for found, condition in [(web, step_web_condition(rule)), (contacts, step_contact_condition(rule))] -%}
                {%- if condition and condition not in found -%}{%- do found.append(condition) -%}{%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
, funnel_web as (
    select
        web_event_key
        , source_account
        , session_key
        , person_id
        , event_name
        , raw_event_name
        , touchpoint_id
        , event_at
        , event_date_local
        , {{ is_reached('session', 'session_key') }} as is_session_reached
        , {{ is_reached('person', 'person_id') }} as is_person_reached
    from {{ ref('int_web__events') }}
    where session_key is not null and ({{ web | join(' or ') or 'false' }})
        and ({{ is_reached('session', 'session_key') }} or {{ is_reached('person', 'person_id') }})
)
, funnel_contacts as (
    select
        interaction_key
        , source_account
        , customer_id
        , interaction_type
        , touchpoint_id
        , interaction_at
        , interaction_date
    from {{ ref('fct_interactions') }}
    where customer_id is not null and interaction_at is not null and ({{ contacts | join(' or ') or 'false' }})
        and {{ is_reached('person', 'customer_id') }}
)
{%- endmacro %}

{#
  Events of a unit: unit_id, event_at, event_key, session_key, event_date. A session and a cart have only the web
  events in them; a person has also contacts on the timeline.
  Args: web, contacts: conditions on int_web__events and fct_interactions, none for neither.
#}
{% macro unit_events(funnel, unit, web, contacts) -%}
    {%- set contacts = contacts if unit == 'person' else none -%}
    {%- if web %}
    select
        {{ {'person': 'e.person_id', 'session': 'e.session_key', 'cart': 'c.cart_key'}[unit] }} as unit_id
        , e.event_at
        , e.web_event_key as event_key
        , e.session_key
        , e.event_date_local as event_date
    from funnel_web as e
    {%- if unit == 'cart' %}
    join {{ ref('int_funnel__cart_events') }} as c
        on e.web_event_key = c.web_event_key and c.window_hours = {{ funnel_setting('cart_windows_hours')[0] }}
    {%- endif %}
    where {{ web }} and e.{{ 'is_session_reached' if unit == 'session' else 'is_person_reached' }}
        {%- if funnel.connections %} and e.source_account in ({{ sql_texts(funnel.connections) }}){% endif %}
    {%- endif %}
    {%- if web and contacts %}
    union all
    {%- endif %}
    {%- if contacts %}
    select customer_id as unit_id, interaction_at as event_at, interaction_key as event_key, cast(null as string) as session_key
        , interaction_date as event_date
    from funnel_contacts
    where {{ contacts }}
        {%- if funnel.connections %} and source_account in ({{ sql_texts(funnel.connections) }}){% endif %}
    {%- endif %}
    {%- if not web and not contacts %}
    select cast(null as string) as unit_id, cast(null as timestamp) as event_at, cast(null as string) as event_key
        , cast(null as string) as session_key, cast(null as date) as event_date
    where false
    {%- endif %}
{%- endmacro %}

{# Events of one step, or of an exclusion. #}
{% macro step_events(funnel, step, unit) -%}
    {{ unit_events(funnel, unit, step_web_condition(step), step_contact_condition(step)) }}
{%- endmacro %}

{# Events of the steps other than i and i + 1: on the way from i to i + 1 they are a detour. #}
{% macro detour_events(funnel, i, unit) -%}
    {%- set ns = namespace(web=[], contacts=[], own_web=[], own_contacts=[]) -%}
    {%- for step in funnel.steps -%}
        {%- set is_own = loop.index in (i, i + 1) -%}
        {%- set web = step_web_condition(step) -%}
        {%- set contacts = step_contact_condition(step) -%}
        {%- if web -%}{%- do (ns.own_web if is_own else ns.web).append(web) -%}{%- endif -%}
        {%- if contacts -%}{%- do (ns.own_contacts if is_own else ns.contacts).append(contacts) -%}{%- endif -%}
    {%- endfor -%}
    {%- set web = '(' ~ ns.web | join(' or ') ~ ')' ~ (' and not (' ~ ns.own_web | join(' or ') ~ ')' if ns.own_web else '') if ns.web else none -%}
    {%- set contacts = '(' ~ ns.contacts | join(' or ') ~ ')' ~ (' and not (' ~ ns.own_contacts | join(' or ') ~ ')' if ns.own_contacts else '') if ns.contacts else none -%}
    {{ unit_events(funnel, unit, web, contacts) }}
{%- endmacro %}

{#
  CTEs <p>_1 … <p>_k of one funnel in order: unit_id, entry_at, previous_at, step_at for the entries that got as far.
  At equal instants the later step counts as later. The window is half open: [entry, entry + window). A person enters
  again at the first step-1 event after the window of the last entry; a session and a cart enter once.
#}
{% macro funnel_ordered_ctes(p, funnel, unit) -%}
    {%- set window = funnel.window_hours -%}
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
        {%- if steps_overlap(funnel) %}
        , min(e.event_key) as used_1
        {%- endif %}
    from {{ p }}_entries as s
    join {{ p }}_starts as e on s.unit_id = e.unit_id and s.entry_at = e.event_at
    group by s.unit_id, s.entry_at
)
    {{- funnel_linked_ctes(p, funnel, unit) if has_step_windows(funnel) else funnel_earliest_ctes(p, funnel, unit) }}
    {{- funnel_exclusion_cte(p, funnel, unit) if funnel.exclusions }}
{%- endmacro %}

{#
  Steps 2 … k without windows of their own: the earliest event of the next step that is not before the step just
  reached, which is also the way to the longest progress.
#}
{% macro funnel_earliest_ctes(p, funnel, unit) -%}
    {%- set track = steps_overlap(funnel) -%}
    {%- set order = struct_of({'at_order': 'e.event_at', 'key_order': 'e.event_key'}) -%}
    {%- for i in range(2, last_step(funnel, unit) + 1) %}
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
        {%- if funnel.window_hours %} and e.event_at < s.entry_at + {{ funnel.window_hours }} * interval '1' hour{% endif %}
        {%- if track %}{% for j in range(1, i) %} and e.event_key <> s.used_{{ j }}{% endfor %}{% endif %}
    group by s.unit_id, s.entry_at
)
    {%- endfor %}
{%- endmacro %}

{#
  Steps 2 … k where a step has a window of its own. The earliest cart may be too far from the checkout that a later
  cart is near to, so every event of a step that can be reached is carried on (<p>_w<i>, at_1 … at_i), each with the
  way whose steps are earliest, the last compared first. Of the longest ways of an entry the one that ends earliest is
  its way. One event never serves two steps: only events of one instant could, so the keys used at it are carried.
#}
{% macro funnel_linked_ctes(p, funnel, unit) -%}
    {%- set track = steps_overlap(funnel) -%}
    {%- set last = last_step(funnel, unit) -%}
, {{ p }}_w1 as (
    select unit_id, entry_at, entry_at as at_1{% if track %}, '|' || used_1 || '|' as used{% endif %}
    from {{ p }}_1
)
    {%- for i in range(2, last + 1) %}
    {%- set within = funnel.steps[i - 1].within_minutes -%}
    {%- set at_before = 's.at_' ~ (i - 1) -%}
    {%- set fields = {} -%}
    {%- for j in range(i - 1, 0, -1) %}{%- do fields.update({'at_' ~ j: 's.at_' ~ j}) -%}{% endfor -%}
    {%- if track %}{%- do fields.update({'used': 's.used'}) -%}{% endif -%}
    {%- set used = "case when e.event_at = " ~ at_before ~ " then s.used else '|' end || e.event_key || '|'" %}
, {{ p }}_w{{ i }} as (
    select
        s.unit_id
        , s.entry_at
        {%- for j in range(1, i) %}
        , {{ first_by('s.at_' ~ j, struct_of(fields)) }} as at_{{ j }}
        {%- endfor %}
        , e.event_at as at_{{ i }}
        {%- if track %}
        , {{ used }} as used
        {%- endif %}
    from {{ p }}_w{{ i - 1 }} as s
    join (
        {{ step_events(funnel, funnel.steps[i - 1], unit) }}
    ) as e
        on s.unit_id = e.unit_id and e.event_at >= {{ at_before }}
        {%- if within %} and e.event_at < {{ at_before }} + {{ within }} * interval '1' minute{% endif %}
        {%- if funnel.window_hours %} and e.event_at < s.entry_at + {{ funnel.window_hours }} * interval '1' hour{% endif %}
        {%- if track %} and position('|' || e.event_key || '|' in s.used) = 0{% endif %}
    group by s.unit_id, s.entry_at, e.event_at{% if track %}, {{ used }}{% endif %}
)
    {%- endfor %}
, {{ p }}_way as (
    select *
    from (
        select
            ways.*
            , row_number() over (
                partition by unit_id, entry_at
                order by depth desc{% for j in range(last, 0, -1) %}, at_{{ j }} nulls last{% endfor %}{% if track %}, used{% endif %}
            ) as place
        from (
            {%- for i in range(1, last + 1) %}
            {%- if not loop.first %}
            union all
            {%- endif %}
            select unit_id, entry_at, {{ i }} as depth
                {%- for j in range(1, last + 1) %}, {% if j > i %}cast(null as timestamp) as {% endif %}at_{{ j }}{% endfor %}
                {%- if track %}, used{% endif %}
            from {{ p }}_w{{ i }}
            {%- endfor %}
        ) as ways
    ) as ranked
    where place = 1
)
    {%- for i in range(2, last + 1) %}
, {{ p }}_{{ i }} as (
    select unit_id, entry_at, at_{{ i - 1 }} as previous_at, at_{{ i }} as step_at
    from {{ p }}_way
    where depth >= {{ i }}
)
    {%- endfor %}
{%- endmacro %}

{# CTE <p>_excluded: entries with an event of an exclusion between its two steps, instants of the steps not included. #}
{% macro funnel_exclusion_cte(p, funnel, unit) -%}
    {%- set names = funnel.steps | map(attribute='name') | list -%}
    {%- set last = last_step(funnel, unit) %}
, {{ p }}_excluded as (
    {%- for exclusion in funnel.exclusions %}
    {%- set after = names.index(exclusion.after or names[0]) + 1 -%}
    {%- set before = names.index(exclusion.before or names[-1]) + 1 -%}
    {%- if not loop.first %}
    union
    {%- endif %}
    {%- if after > last %}
    select unit_id, entry_at from {{ p }}_1 where false
    {%- else %}
    select distinct a.unit_id, a.entry_at
    from {{ p }}_{{ after }} as a
    {%- if before <= last %}
    left join {{ p }}_{{ before }} as b on a.unit_id = b.unit_id and a.entry_at = b.entry_at
    {%- endif %}
    join (
        {{ step_events(funnel, exclusion, unit) }}
    ) as e
        on a.unit_id = e.unit_id and e.event_at > a.step_at
        {%- if funnel.window_hours %} and e.event_at < a.entry_at + {{ funnel.window_hours }} * interval '1' hour{% endif %}
        {%- if before <= last %} and (b.step_at is null or e.event_at < b.step_at){% endif %}
    {%- endif %}
    {%- endfor %}
)
{%- endmacro %}

{# CTEs <p>_s2 … <p>_sk: the way in order up to its first detour, an event of another step between two steps. #}
{% macro funnel_strict_ctes(p, funnel, unit) -%}
    {%- for i in range(2, last_step(funnel, unit) + 1) %}
, {{ p }}_s{{ i }} as (
    select n.unit_id, n.entry_at, n.previous_at, n.step_at
    from {{ p }}_{{ i }} as n
    {%- if i > 2 %}
    join {{ p }}_s{{ i - 1 }} as s on n.unit_id = s.unit_id and n.entry_at = s.entry_at
    {%- endif %}
    where not exists (
        select 1
        from (
            {{ detour_events(funnel, i - 1, unit) }}
        ) as e
        where e.unit_id = n.unit_id and e.event_at > n.previous_at and e.event_at < n.step_at
    )
)
    {%- endfor %}
{%- endmacro %}

{# Rows of one funnel in order or strict, from the CTEs above: one per entry and step reached. #}
{% macro funnel_walked_rows(p, funnel, unit, order_mode) -%}
    {%- set last = last_step(funnel, unit) -%}
    {%- set q = p ~ ('_s' if order_mode == 'strict' else '_') -%}
    {%- for i in range(1, last + 1) %}
    {%- if not loop.first %}
    union all
    {%- endif %}
    select
        '{{ funnel.id }}' as funnel_id
        , '{{ unit }}' as unit
        , '{{ order_mode }}' as order_mode
        , s.unit_id
        , s.entry_at
        , o.entry_date
        , o.session_key
        , cast({{ i }} as bigint) as step_order
        , s.step_at
        , {% if i > 1 %}{{ seconds_between('s.previous_at', 's.step_at') }}{% else %}cast(null as double){% endif %} as seconds_to_step
        , {% if i < last %}n.unit_id is not null{% else %}false{% endif %} as is_advanced
        , true as has_previous_step
        , true as is_from_start
        , {% if funnel.exclusions %}x.unit_id is not null{% else %}false{% endif %} as is_excluded
        , {% if funnel.window_hours %}cast({{ funnel.window_hours }} as bigint){% else %}cast(null as bigint){% endif %} as window_hours
    from {{ q if i > 1 else p ~ '_' }}{{ i }} as s
    join {{ p }}_1 as o on s.unit_id = o.unit_id and s.entry_at = o.entry_at
        {%- if i < last %}
    left join {{ q }}{{ i + 1 }} as n on s.unit_id = n.unit_id and s.entry_at = n.entry_at
        {%- endif %}
        {%- if funnel.exclusions %}
    left join {{ p }}_excluded as x on s.unit_id = x.unit_id and s.entry_at = x.entry_at
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
        , {% if i > 1 %}has_{{ i - 1 }}{% else %}true{% endif %} as has_previous_step
        , has_1 as is_from_start
        , false as is_excluded
        , cast(null as bigint) as window_hours
    from {{ p }}_any
    where has_{{ i }}
    {%- endfor %}
{%- endmacro %}
