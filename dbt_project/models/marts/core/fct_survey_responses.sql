{%- set zone = "'" ~ var('company_time_zone') ~ "'" -%}

with responses as (
    select
        response.*
        , survey.name as survey_name
        , contact.customer_id
        , contact.channel as contact_channel
        , contact.order_key as about_order_key
        , contact.ticket_key as about_ticket_key
        , contact.interaction_at
        , coalesce(touchpoint.touchpoint_id, 'unmapped') as touchpoint_id
        , coalesce(response.score_metric, survey.metric_type) as asked_metric
    from {{ ref('cx_survey_response') }} as response
    left join {{ ref('cx_survey') }} as survey on response.survey_key = survey.survey_key
    inner join {{ ref('int_journey__contacts') }} as contact
        on contact.interaction_type = 'survey_response' and response.survey_response_key = contact.record_key
    left join {{ ref('int_journey__contact_touchpoints') }} as touchpoint
        on contact.interaction_key = touchpoint.interaction_key
)

, scored as (
    select
        responses.*
        , scale.scale_version
        , scale.scale_version is not null and responses.score between responses.scale_min and responses.scale_max
            as is_valid_score
        -- Stars are read as a satisfaction scale; everything else keeps its name.
        , case when responses.asked_metric = 'star' then 'csat' else responses.asked_metric end as metric
        , case
            when scale.higher_is_better then responses.score >= scale.positive_from
            when not scale.higher_is_better then responses.score <= scale.positive_from
        end as is_above
        , case
            when scale.higher_is_better then responses.score <= scale.negative_to
            when not scale.higher_is_better then responses.score >= scale.negative_to
        end as is_below
        , cast({{ to_local('responses.interaction_at', zone) }} as date) as responded_date
        -- One answer per person, wave and touchpoint counts. An invitation is answered once, so an invited response is
        -- its own wave; answers to an open link share the wave of what they are about: ticket, order, else the month.
        , case
            when responses.invited_at is not null then 'invitation ' || responses.survey_response_key
            when responses.about_ticket_key is not null then 'ticket ' || responses.about_ticket_key
            when responses.about_order_key is not null then 'order ' || responses.about_order_key
            else 'month ' || {{ month_label(to_local('responses.interaction_at', zone)) }}
        end as survey_wave
        , coalesce(responses.customer_id, responses.respondent_ref, responses.survey_response_key) as respondent
    from responses
    left join {{ ref('score_scales') }} as scale
        on responses.asked_metric = scale.score_metric
        and responses.scale_min = scale.scale_min
        and responses.scale_max = scale.scale_max
)

, ranked as (
    select
        *
        , row_number() over (
            partition by metric, source_account, survey_key, touchpoint_id, respondent, survey_wave, coalesce(is_valid_score, false)
            order by interaction_at desc, survey_response_key desc
        ) as wave_rank
    from scored
)

select
    ranked.survey_response_key
    , ranked.survey_key
    , ranked.survey_name
    , ranked.customer_id
    , ranked.metric
    , ranked.score
    , ranked.scale_min
    , ranked.scale_max
    , case when ranked.is_valid_score then ranked.scale_version end as scale_version
    , coalesce(ranked.is_valid_score, false) as is_valid_score
    , case when ranked.is_valid_score then ranked.is_above end as is_positive
    , case when ranked.is_valid_score then ranked.is_below end as is_negative
    , case
        when not coalesce(ranked.is_valid_score, false) then null
        when ranked.metric = 'nps' then case when ranked.is_above then 'promoter' when ranked.is_below then 'detractor' else 'passive' end
        when ranked.metric = 'csat' then case when ranked.is_above then 'satisfied' when ranked.is_below then 'dissatisfied' else 'neutral' end
        when ranked.metric = 'ces' then case when ranked.is_above then 'easy' when ranked.is_below then 'difficult' else 'neutral' end
    end as score_class
    , ranked.survey_wave
    , coalesce(ranked.is_valid_score, false) and ranked.wave_rank = 1 as is_counted
    , ranked.completion
    , ranked.contact_channel as channel
    , ranked.touchpoint_id
    , case
        when ranked.about_order_key is null and ranked.about_ticket_key is null
            and coalesce(stage.journey_stage, 'evaluation') = 'evaluation'
            then 'relationship'
        else 'transactional'
    end as survey_kind
    , ranked.language
    , ranked.device_type
    , ranked.about_order_key as order_key
    , ranked.about_ticket_key as ticket_key
    , ranked.invited_at
    , ranked.submitted_at
    , ranked.interaction_at as responded_at
    , ranked.responded_date
    , {{ seconds_between('ranked.invited_at', 'ranked.submitted_at') }} as response_seconds
    , ranked.comment_text is not null as has_comment
    , ranked.source_system
    , ranked.source_account
    , ranked.source_id
from ranked
left join {{ ref('touchpoints') }} as stage on ranked.touchpoint_id = stage.touchpoint_id
