{%- set fields = [
    'category', 'team', 'tags', 'survey_name', 'survey_metric', 'ticket_channel', 'has_order', 'order_type', 'store_id',
    'visit_type', 'queue', 'source_system', 'source_account',
] -%}
-- Touchpoint of every contact: the one the source states, if the registry knows it, else the first rule that fits.
with contacts as (
    select
        interaction_key
        , interaction_type
        , record_key
        , stated_touchpoint_id
        , {{ row_key(['interaction_type', 'channel'] + fields) }} as pattern_key
    from {{ ref('int_journey__contacts') }}
)

, patterns as (
    select distinct
        {{ row_key(['interaction_type', 'channel'] + fields) }} as pattern_key
        , interaction_type
        , channel
        , {{ fields | join('\n        , ') }}
    from {{ ref('int_journey__contacts') }}
)

select
    contacts.interaction_key
    , contacts.interaction_type
    , contacts.record_key
    , contacts.pattern_key
    , coalesce(stated.touchpoint_id, matched.touchpoint_id) as touchpoint_id
    , case when stated.touchpoint_id is null then matched.rule_id end as rule_id
from contacts
left join {{ ref('touchpoints') }} as stated on contacts.stated_touchpoint_id = stated.touchpoint_id
inner join {{ match_touchpoints('patterns', 'pattern_key', fields) }} as matched
    on contacts.pattern_key = matched.pattern_key
