-- A ticket as other systems name it: by number or by id. A name that fits several tickets (two desks) fits none.
with names as (
    select support_ticket_key as ticket_key, ticket_number as ticket_ref
    from {{ ref('cx_support_ticket') }}
    where not is_deleted and not is_test

    union all

    select support_ticket_key, source_id
    from {{ ref('cx_support_ticket') }}
    where not is_deleted and not is_test
)

select
    ticket_ref
    , min(ticket_key) as ticket_key
from names
where ticket_ref is not null
group by ticket_ref
having count(distinct ticket_key) = 1
