{#
  Touchpoint of each pattern by the registry (seed touchpoint_rules): the rule of lowest priority that fits wins, ties
  go to the smaller rule_id; what fits no rule is 'unmapped', so that nothing is dropped.
  Args: relation: one row per pattern with the columns `key`, interaction_type, channel and `fields`;
  key: its unique column; fields: columns a rule may look at.
  Gives a sub-query in brackets: key, touchpoint_id, rule_id; exactly one row per key.
  Match patterns, not events: rules × patterns is a nested loop.
#}
{% macro match_touchpoints(relation, key, fields) -%}
    (
        select
            {{ key }}
            , coalesce(touchpoint_id, 'unmapped') as touchpoint_id
            , rule_id
        from (
            select
                pattern.{{ key }}
                , rule.touchpoint_id
                , rule.rule_id
                , row_number() over (
                    partition by pattern.{{ key }}
                    order by rule.priority asc nulls last, rule.rule_id asc nulls last
                ) as rule_rank
            from {{ relation }} as pattern
            left join {{ ref('touchpoint_rules') }} as rule
                on (rule.interaction_type = '*' or rule.interaction_type = pattern.interaction_type)
                and (rule.channel = '*' or rule.channel = pattern.channel)
                and case rule.operator
                    when 'any' then true
                    when 'equals' then {{ _match_field(fields) }} = lower(rule.match_value)
                    when 'prefix'
                        then substring({{ _match_field(fields) }}, 1, length(rule.match_value)) = lower(rule.match_value)
                    when 'contains' then contains({{ _match_field(fields) }}, lower(rule.match_value))
                    else false
                end
        ) as ranked
        where rule_rank = 1
    )
{%- endmacro %}

{% macro _match_field(fields) -%}
    case rule.match_field{% for field in fields %} when '{{ field }}' then lower(pattern.{{ field }}){% endfor %} end
{%- endmacro %}
