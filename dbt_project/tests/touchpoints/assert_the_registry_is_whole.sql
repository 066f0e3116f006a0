-- Every touchpoint has its words, a stage, a channel, an owner of today and a rule; next steps and rules name touchpoints.
with touchpoints as (
    select
        touchpoint.*
        , owner.owner_id is not null as has_owner
        , stage.journey_stage is not null as has_stage
        , channel.channel is not null as has_channel
        , rule.touchpoint_id is not null as has_rule
    from {{ ref('touchpoints') }} as touchpoint
    left join {{ ref('owners') }} as owner on touchpoint.owner_id = owner.owner_id and owner.valid_to is null
    left join {{ ref('journey_stages') }} as stage on touchpoint.journey_stage = stage.journey_stage
    left join {{ ref('channels') }} as channel on touchpoint.channel = channel.channel
    left join (select distinct touchpoint_id from {{ ref('touchpoint_rules') }}) as rule
        on touchpoint.touchpoint_id = rule.touchpoint_id
)

select touchpoint_id as subject, 'no owner who is valid today' as problem from touchpoints where not has_owner
union all
select touchpoint_id, 'no stage of seed journey_stages' from touchpoints where not has_stage
union all
select touchpoint_id, 'no channel of seed channels' from touchpoints where not has_channel
union all
select touchpoint_id, 'no rule in seed touchpoint_rules' from touchpoints where not has_rule
union all
select touchpoint_id, 'no name, goal, data_needed, expected_outcome or next_action'
from touchpoints
where touchpoint_name is null or goal is null or data_needed is null or expected_outcome is null or next_action is null
union all
select step.touchpoint_id, 'its next step is itself or no touchpoint'
from {{ ref('touchpoint_next_steps') }} as step
left join touchpoints as here on step.touchpoint_id = here.touchpoint_id
left join touchpoints as following on step.next_touchpoint_id = following.touchpoint_id
where here.touchpoint_id is null or following.touchpoint_id is null or step.touchpoint_id = step.next_touchpoint_id
