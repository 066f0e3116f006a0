-- A contact has at most one rate, and a rate says how much of which currency from when on.
select rate.interaction_type, rate.channel, rate.direction, rate.valid_from, 'overlaps another rate' as problem
from {{ ref('handling_costs') }} as rate
inner join {{ ref('handling_costs') }} as other
    on rate.interaction_type = other.interaction_type
    and rate.channel = other.channel
    and rate.direction = other.direction
    and rate.valid_from >= other.valid_from
    and (other.valid_to is null or rate.valid_from < other.valid_to)
group by rate.interaction_type, rate.channel, rate.direction, rate.valid_from
having count(*) > 1

union all

select interaction_type, channel, direction, valid_from, 'says no amount, no currency or no first day'
from {{ ref('handling_costs') }}
where (cost_per_contact is null and cost_per_minute is null) or currency is null or valid_from is null
    or cost_per_contact < 0 or cost_per_minute < 0 or interaction_type is null or channel is null
    or coalesce(direction, '') not in ('inbound', 'outbound', 'internal')
