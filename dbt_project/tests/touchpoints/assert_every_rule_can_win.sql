-- A rule that never decides looks as if its touchpoint were covered: two rules of one priority, a rule after one that takes
-- all its contacts, a rule that looks at a field its contacts do not have, a rule for a channel that does not exist.
{%- set web_fields = "('page_path', 'event_name')" %}
with rules as (
    select
        rule_id
        , touchpoint_id
        , interaction_type
        , channel
        , match_field
        , operator
        , lower(match_value) as match_value
        , priority
    from {{ ref('touchpoint_rules') }}
)

select later.rule_id as subject, 'it has the priority of rule ' || earlier.rule_id as problem
from rules as earlier
inner join rules as later
    on earlier.rule_id < later.rule_id and earlier.priority = later.priority

union all

select later.rule_id, 'rule ' || earlier.rule_id || ' takes all its contacts'
from rules as earlier
inner join rules as later
    on earlier.priority < later.priority
    and (earlier.interaction_type = '*' or earlier.interaction_type = later.interaction_type)
    and (earlier.channel = '*' or earlier.channel = later.channel)
    and case
        when earlier.operator = 'any' then true
        when later.operator = 'any' or earlier.match_field <> later.match_field then false
        when earlier.operator = 'equals' then later.operator = 'equals' and later.match_value = earlier.match_value
        when earlier.operator = 'prefix'
            then later.operator in ('equals', 'prefix')
                and substring(later.match_value, 1, length(earlier.match_value)) = earlier.match_value
        else contains(later.match_value, earlier.match_value)
    end

union all

select rule_id, 'its contacts have no field ' || match_field
from rules
where operator <> 'any' and (
    match_field = '*' or match_value is null
    or (interaction_type = 'web_touch' and match_field not in {{ web_fields }})
    or (interaction_type not in ('web_touch', '*') and match_field in {{ web_fields }})
)

union all

select rules.rule_id, 'no channel ' || rules.channel
from rules
left join {{ ref('channels') }} as channel on rules.channel = channel.channel
where rules.channel <> '*' and channel.channel is null
