{#
  Long form of the ticket metrics, one row per ticket and metric that is known, so that one aggregation serves them all.
  A first answer counts in the period in which the ticket was opened, everything about a solution in the period of
  that solution. Args: relation with the columns of fct_tickets and customer_segment.
#}
{% macro ticket_measures(relation) -%}
    {%- set durations = {
        'first_response_calendar_minutes': 'opened_date',
        'first_response_business_minutes': 'opened_date',
        'first_resolution_calendar_minutes': 'first_solved_date',
        'first_resolution_business_minutes': 'first_solved_date',
        'full_resolution_calendar_minutes': 'last_solved_date',
        'full_resolution_business_minutes': 'last_solved_date',
    } -%}
    {%- set shares = {
        'fcr_repeat': ['fcr_repeat', 'first_solved_date'],
        'fcr_one_touch': ['fcr_one_touch', 'first_solved_date'],
        'fcr_customer_replies_zero': ['fcr_customer_replies_zero', 'first_solved_date'],
        'reopen_rate': ['is_reopened_in_window', 'first_solved_date'],
    } -%}
    {%- set scopes = 'touchpoint_id, channel, customer_segment, reason_code, source_account' -%}
    (
        {% for metric, date in durations.items() -%}
        select
            '{{ metric }}' as metric_name
            , 'minutes' as unit
            , {{ metric }} as minutes
            , cast(null as boolean) as is_hit
            , {{ date }} as period_date
            , {{ scopes }}
        from {{ relation }}
        where {{ metric }} is not null
        union all
        {% endfor -%}
        {% for metric, (column, date) in shares.items() -%}
        select
            '{{ metric }}'
            , 'share'
            , cast(null as double)
            , {{ column }}
            , {{ date }}
            , {{ scopes }}
        from {{ relation }}
        where {{ column }} is not null
        {% if not loop.last %}union all{% endif %}
        {% endfor -%}
    ) as measures
{%- endmacro %}
