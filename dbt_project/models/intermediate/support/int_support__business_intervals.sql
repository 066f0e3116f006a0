-- Open hours of every calendar as UTC intervals, one per local day and opening. Clock changes are inside the
-- conversion of the two ends, so a day of 23 or 25 hours has the length it really had.
with days as (
    select {{ date_series("'" ~ var('calendar_from', '2009-01-01') ~ "'", "'" ~ var('calendar_to', '2030-12-31') ~ "'") }} as local_date
)

, calendars as (
    select
        calendar_id
        , iso_weekday
        , cast(split_part(opens_at, ':', 1) as bigint) * 60 + cast(split_part(opens_at, ':', 2) as bigint) as open_minute
        , cast(split_part(closes_at, ':', 1) as bigint) * 60 + cast(split_part(closes_at, ':', 2) as bigint) as close_minute
        , coalesce(time_zone, '{{ var("company_time_zone") }}') as time_zone
        , coalesce(country, '{{ var("company_country") }}') as country
        , valid_from
        , valid_to
    from {{ ref('business_hours') }}
)

, openings as (
    select
        calendars.calendar_id
        , days.local_date
        , calendars.time_zone
        , cast(days.local_date as timestamp) + calendars.open_minute * interval '1' minute as opens_local_at
        , cast(days.local_date as timestamp) + calendars.close_minute * interval '1' minute as closes_local_at
    from calendars
    inner join days
        on {{ iso_dow('days.local_date') }} = calendars.iso_weekday
        and days.local_date >= calendars.valid_from
        and (calendars.valid_to is null or days.local_date < calendars.valid_to)
    left join {{ ref('holidays') }} as holiday
        on days.local_date = holiday.holiday_date and calendars.country = holiday.country
    where holiday.holiday_date is null
)

, in_utc as (
    select
        calendar_id
        , local_date
        , {{ from_local('opens_local_at', 'time_zone') }} as opened_at
        , {{ from_local('closes_local_at', 'time_zone') }} as closed_at
    from openings
)

select
    {{ row_key(['calendar_id', 'opened_at']) }} as business_interval_key
    , calendar_id
    , local_date
    , opened_at
    , closed_at
    , cast({{ seconds_between('opened_at', 'closed_at') }} as bigint) as open_seconds
from in_utc
where closed_at > opened_at
