-- The stays of a ticket leave no gap and do not overlap: together they last from the first to the last known change.
select
    ticket_key
    , sum(calendar_seconds) as span_seconds
    , {{ seconds_between('min(started_at)', 'max(started_at)') }} as history_seconds
from {{ ref('int_support__status_spans') }}
group by ticket_key
having abs(coalesce(cast(sum(calendar_seconds) as double), 0) - {{ seconds_between('min(started_at)', 'max(started_at)') }}) > 0.001
    or count(*) filter (where is_current) <> 1
