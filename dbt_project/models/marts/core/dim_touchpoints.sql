-- The registry plus the row for everything that matches no rule.
with registry as (
    select
        touchpoint_id
        , touchpoint_name
        , channel
        , journey_stage
        , owner_id
        , is_critical
        , goal
        , data_needed
        , expected_outcome
        , next_action
        , is_journey_goal
        , conversion_event
        , active_from
        , active_to
    from {{ ref('touchpoints') }}

    union all

    select
        'unmapped'
        , 'No touchpoint'
        , 'unknown'
        , cast(null as string)
        , cast(null as string)
        , false
        , 'Every contact has a touchpoint'
        , 'rules in seed touchpoint_rules'
        , cast(null as string)
        , cast(null as string)
        , false
        , cast(null as string)
        , cast('2000-01-01' as date)
        , cast(null as date)
)

select
    registry.touchpoint_id
    , registry.touchpoint_name
    , registry.channel
    , registry.journey_stage
    , stage.stage_name
    , cast(stage.stage_order as bigint) as stage_order
    , registry.owner_id
    , owner.owner_name
    , owner.team as owner_team
    , owner.owner_id is not null as has_owner
    , cast(registry.is_critical as boolean) as is_critical
    , registry.goal
    , registry.data_needed
    , registry.expected_outcome
    , registry.next_action
    , cast(registry.is_journey_goal as boolean) as is_journey_goal
    , registry.conversion_event
    , cast(registry.active_from as date) as active_from_date
    , cast(registry.active_to as date) as active_to_date
from registry
left join {{ ref('journey_stages') }} as stage on registry.journey_stage = stage.journey_stage
left join {{ ref('owners') }} as owner on registry.owner_id = owner.owner_id and owner.valid_to is null
