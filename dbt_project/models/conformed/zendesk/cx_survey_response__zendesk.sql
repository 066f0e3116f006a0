-- An offer that nobody answered is no response. The answer changes the rating in place, so its time is the last change.
select
    {{ source_columns('survey_response', 'zendesk', 'satisfaction_ratings', 'ratings.zendesk_rating_id', 'ratings') }}
    , {{ source_key('zendesk', 'satisfaction_ratings', "'satisfaction'", 'ratings') }} as survey_key
    , {{ source_key('zendesk', 'users', 'ratings.zendesk_requester_id', 'ratings') }} as customer_key
    , ratings.zendesk_requester_id as respondent_ref
    , ratings.updated_at as submitted_at
    , 'complete' as completion
    , coalesce(channels.channel, case when tickets.via_channel is not null then 'other' end) as channel
    , scores.score
    , scores.score_metric
    , scores.scale_min
    , scores.scale_max
    , ratings.comment_text
    , {{ source_key('zendesk', 'tickets', 'ratings.zendesk_ticket_id', 'ratings') }} as ticket_key
    , tickets.order_number as order_ref
    , ratings.created_at as source_created_at
    , ratings.updated_at as source_updated_at
from {{ ref('stg_zendesk__satisfaction_ratings') }} as ratings
inner join {{ ref('map_survey_scores') }} as scores
    on scores.source_system = 'zendesk'
    and ratings.score = scores.source_value
left join {{ ref('stg_zendesk__tickets') }} as tickets
    on ratings.source_account = tickets.source_account
    and ratings.zendesk_ticket_id = tickets.zendesk_ticket_id
left join {{ ref('map_channels') }} as channels
    on channels.source_system = 'zendesk'
    and tickets.via_channel = channels.source_value
