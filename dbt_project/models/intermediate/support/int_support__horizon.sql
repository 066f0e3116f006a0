-- "Now" of every maturity rule: the latest thing seen in the source. The wall clock would change figures without new data.
select
    source_account
    , max(seen_at) as observed_until_at
from (
    select source_account, opened_at as seen_at from {{ ref('cx_support_ticket') }}
    union all
    select source_account, closed_at from {{ ref('cx_support_ticket') }}
    union all
    select source_account, occurred_at from {{ ref('cx_ticket_event') }}
    union all
    select source_account, sent_at from {{ ref('cx_message') }} where ticket_key is not null
) as seen
where seen_at is not null
group by source_account
