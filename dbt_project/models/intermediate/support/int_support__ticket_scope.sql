-- What a ticket is about and whether it counts: reason code, and the reason it is left out of metrics (null: it counts).
with tickets as (
    select
        support_ticket_key as ticket_key
        , category
        , tags
        , status
        , merged_into_ticket_key
    from {{ ref('cx_support_ticket') }}
    where not is_deleted and not is_test
)

, reasons_by_tag as (
    select
        tickets.ticket_key
        , min(reason.reason_code) as reason_code
    from tickets
    inner join {{ ref('reason_codes') }} as reason
        on contains(lower(tickets.tags), '"' || reason.source_category || '"')
    where tickets.category is null
    group by tickets.ticket_key
)

select
    tickets.ticket_key
    , coalesce(reason.reason_code, lower(tickets.category), reasons_by_tag.reason_code) as reason_code
    , case
        when tickets.status = 'deleted' then 'deleted'
        when tickets.merged_into_ticket_key is not null then 'merged'
        {% for tag in var('ticket_exclusion_tags', ['closed_by_merge', 'spam', 'internal']) -%}
        when contains(lower(coalesce(tickets.tags, '')), '"{{ tag }}"') then 'tag {{ tag }}'
        {% endfor -%}
        when times.is_bot_only then 'bot only'
    end as exclusion_reason
from tickets
left join {{ ref('reason_codes') }} as reason on lower(tickets.category) = reason.source_category
left join reasons_by_tag on tickets.ticket_key = reasons_by_tag.ticket_key
left join {{ ref('int_support__ticket_times') }} as times on tickets.ticket_key = times.ticket_key
