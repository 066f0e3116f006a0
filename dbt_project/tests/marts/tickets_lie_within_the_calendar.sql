-- Business minutes are null outside vars calendar_from to calendar_to: widen them, and seed holidays, when a row appears.
select ticket_key, opened_at, first_solved_at
from {{ ref('fct_tickets') }}
where (first_resolution_calendar_minutes is not null and first_resolution_business_minutes is null)
    or (first_response_calendar_minutes is not null and first_response_business_minutes is null)
