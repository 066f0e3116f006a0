{# Parameters of sessions. A project var of the same name replaces the value given here. #}
{% macro web_setting(name) %}
    {%- set defaults = {
        'session_timeout_minutes': 30,
        'session_max_hours': 24,
        'session_engaged_seconds': 10,
        'session_conversion_events': ['purchase', 'sign_up', 'form_submit'],
        'web_clock_tolerance_hours': 24,
        'session_attribution_days': 30,
    } -%}
    {#-
      session_timeout_minutes     default of the web analytics field; a gap of exactly this length stays in the session.
      session_max_hours           no person reads a shop for a day without a half-hour break: monitors and kiosks do.
      session_engaged_seconds     Google's own limit of an engaged session.
      session_conversion_events   events that make a session engaged however short it was.
      web_clock_tolerance_hours   events dated later than this after their extraction have a wrong clock and do not
                                  move the horizon up to which the data is complete.
      session_attribution_days    how long a visit explains the direct visits after it; Google's look-back of acquisitions.
    -#}
    {{ return(var(name, defaults[name])) }}
{% endmacro %}

{# Events that count: what the source deleted, marked as a test or as a bot is left out and counted. #}
{% macro is_counted_event(alias=none) -%}
    {%- set p = alias ~ '.' if alias else '' -%}
    (not {{ p }}is_deleted and not {{ p }}is_test and not coalesce({{ p }}is_bot, false))
{%- endmacro %}

{# Session key of an event with a session id of its source: such an id is unique only within device and account. #}
{% macro source_session_key(account, device, session) -%}
    md5({{ account }} || '|' || coalesce({{ device }}, '') || '|' || {{ session }})
{%- endmacro %}
