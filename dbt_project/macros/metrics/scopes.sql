{#
  Every row of `relation` once per scope it counts in: touchpoint each or all, channel each or all, every segment
  type, and period month, week and all. Aggregating by the scope columns gives all-up figures from rows, never from
  averages of averages.
  Args: relation; measures: columns carried along; date: local date that puts a row in a period;
  segments: {segment_type: column}; touchpoint, channel: columns.
  Segments are crossed with touchpoints but not with channels: nine scopes a row and segment type would be empty cells.
  Gives the measures and scope_columns().
#}
{% macro scoped_rows(relation, measures, date='period_date', segments={}, touchpoint='touchpoint_id', channel='channel') -%}
    (
        select
            {% for m in measures %}{{ m }}
            , {% endfor -%}
            case when scope.touchpoint_scope = 'each' then {{ touchpoint }} else 'all' end as touchpoint_id
            , case when scope.channel_scope = 'each' then {{ channel }} else 'all' end as channel
            , scope.segment_type
            , case scope.segment_type
                when 'all' then 'all'
                {% for type, column in segments.items() %}when '{{ type }}' then {{ column }}
                {% endfor -%}
            end as segment_value
            , period.period_type
            , {{ period_start(date) }} as period_start
        from {{ relation }}
        cross join (
            select 'all' as touchpoint_scope, 'all' as channel_scope, 'all' as segment_type
            union all select 'each', 'all', 'all'
            union all select 'all', 'each', 'all'
            union all select 'each', 'each', 'all'
            {% for type in segments -%}
            union all select 'all', 'all', '{{ type }}'
            union all select 'each', 'all', '{{ type }}'
            {% endfor -%}
        ) as scope
        cross join {{ period_types() }} as period
        where scope.segment_type = 'all'
            {% for type, column in segments.items() -%}
            or (scope.segment_type = '{{ type }}' and {{ column }} is not null)
            {% endfor %}
    )
{%- endmacro %}

{% macro scope_columns() -%}
    touchpoint_id, channel, segment_type, segment_value, period_type, period_start
{%- endmacro %}

{# Why a figure is withheld, or null. Fewer rows than `minimum` is the first reason. #}
{% macro too_few(n, minimum) -%}
    case when {{ n }} < {{ minimum }} then 'fewer than {{ minimum }} responses' end
{%- endmacro %}
