{# Time. Instants are naive timestamps in UTC on every engine. Arguments are SQL expressions. #}

{# UTC instant -> wall-clock timestamp in `zone` (an IANA name as SQL expression, e.g. "'Europe/Warsaw'"). #}
{% macro to_local(instant, zone) %}{{ return(adapter.dispatch('to_local', 'cx')(instant, zone)) }}{% endmacro %}
{% macro duckdb__to_local(instant, zone) -%} timezone({{ zone }}, timezone('UTC', {{ instant }})) {%- endmacro %}
{% macro spark__to_local(instant, zone) -%} from_utc_timestamp({{ instant }}, {{ zone }}) {%- endmacro %}

{# Wall-clock timestamp in `zone` -> UTC instant. #}
{% macro from_local(local, zone) %}{{ return(adapter.dispatch('from_local', 'cx')(local, zone)) }}{% endmacro %}
{% macro duckdb__from_local(local, zone) -%} timezone('UTC', timezone({{ zone }}, {{ local }})) {%- endmacro %}
{% macro spark__from_local(local, zone) -%} to_utc_timestamp({{ local }}, {{ zone }}) {%- endmacro %}

{# Seconds from `a` to `b`, with microseconds (double). #}
{% macro seconds_between(a, b) %}{{ return(adapter.dispatch('seconds_between', 'cx')(a, b)) }}{% endmacro %}
{% macro duckdb__seconds_between(a, b) -%} ((epoch_us({{ b }}) - epoch_us({{ a }})) / 1000000.0) {%- endmacro %}
{% macro spark__seconds_between(a, b) -%} ((unix_micros({{ b }}) - unix_micros({{ a }})) / 1000000.0) {%- endmacro %}

{# Days from date `a` to date `b` (bigint). #}
{% macro days_between(a, b) %}{{ return(adapter.dispatch('days_between', 'cx')(a, b)) }}{% endmacro %}
{% macro duckdb__days_between(a, b) -%} date_diff('day', cast({{ a }} as date), cast({{ b }} as date)) {%- endmacro %}
{% macro spark__days_between(a, b) -%} cast(datediff(cast({{ b }} as date), cast({{ a }} as date)) as bigint) {%- endmacro %}

{# Microseconds / milliseconds / seconds since 1970 (bigint) -> instant. #}
{% macro from_epoch_us(x) %}{{ return(adapter.dispatch('from_epoch_us', 'cx')(x)) }}{% endmacro %}
{% macro duckdb__from_epoch_us(x) -%} make_timestamp(cast({{ x }} as bigint)) {%- endmacro %}
{% macro spark__from_epoch_us(x) -%} timestamp_micros(cast({{ x }} as bigint)) {%- endmacro %}
{% macro from_epoch_ms(x) -%} {{ from_epoch_us('cast(' ~ x ~ ' as bigint) * 1000') }} {%- endmacro %}
{% macro from_epoch_s(x) -%} {{ from_epoch_us('cast(' ~ x ~ ' as bigint) * 1000000') }} {%- endmacro %}

{# Instant -> microseconds since 1970 (bigint). #}
{% macro to_epoch_us(x) %}{{ return(adapter.dispatch('to_epoch_us', 'cx')(x)) }}{% endmacro %}
{% macro duckdb__to_epoch_us(x) -%} epoch_us({{ x }}) {%- endmacro %}
{% macro spark__to_epoch_us(x) -%} unix_micros({{ x }}) {%- endmacro %}

{# Day of the week, 1 = Monday … 7 = Sunday (bigint). #}
{% macro iso_dow(d) %}{{ return(adapter.dispatch('iso_dow', 'cx')(d)) }}{% endmacro %}
{% macro duckdb__iso_dow(d) -%} isodow({{ d }}) {%- endmacro %}
{% macro spark__iso_dow(d) -%} cast(weekday({{ d }}) + 1 as bigint) {%- endmacro %}

{# Text 2026-01 of a date or timestamp. #}
{% macro month_label(d) %}{{ return(adapter.dispatch('month_label', 'cx')(d)) }}{% endmacro %}
{% macro duckdb__month_label(d) -%} strftime({{ d }}, '%Y-%m') {%- endmacro %}
{% macro spark__month_label(d) -%} date_format({{ d }}, 'yyyy-MM') {%- endmacro %}

{#
  Dates from `first` to `last` (both included), one row each, as a select-list item:
  select {{ date_series('a', 'b') }} as calendar_date from …
#}
{% macro date_series(first, last, days=1) %}{{ return(adapter.dispatch('date_series', 'cx')(first, last, days)) }}{% endmacro %}
{% macro duckdb__date_series(first, last, days) -%}
    cast(unnest(generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval '{{ days }}' day)) as date)
{%- endmacro %}
{% macro spark__date_series(first, last, days) -%}
    explode(sequence(cast({{ first }} as date), cast({{ last }} as date), interval '{{ days }}' day))
{%- endmacro %}

{# Null for instants that stand for "unknown" (year 1, the epoch's zero date and the like). #}
{% macro known_instant(x) -%}
    case when {{ x }} >= timestamp '1900-01-01 00:00:00' then {{ x }} end
{%- endmacro %}
