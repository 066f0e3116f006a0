-- Open seconds before each local day. With it the business time between two instants is the difference of two
-- look-ups, however many days lie between them.
with days as (
    select {{ date_series("'" ~ var('calendar_from', '2009-01-01') ~ "'", "'" ~ var('calendar_to', '2030-12-31') ~ "'") }} as local_date
)

, calendars as (
    select calendar_id, min(coalesce(time_zone, '{{ var("company_time_zone") }}')) as time_zone
    from {{ ref('business_hours') }}
    group by calendar_id
)

, open_time as (
    select calendar_id, local_date, sum(open_seconds) as open_seconds
    from {{ ref('int_support__business_intervals') }}
    group by calendar_id, local_date
)

, per_day as (
    select
        calendars.calendar_id
        , calendars.time_zone
        , days.local_date
        , coalesce(open_time.open_seconds, 0) as open_seconds
    from days
    cross join calendars
    left join open_time
        on calendars.calendar_id = open_time.calendar_id and days.local_date = open_time.local_date
)

select
    {{ row_key(['calendar_id', 'local_date']) }} as business_day_key
    , calendar_id
    , time_zone
    , local_date
    , cast(open_seconds as bigint) as open_seconds
    , cast(
        sum(open_seconds) over (
            partition by calendar_id order by local_date rows between unbounded preceding and current row
        ) - open_seconds as bigint
    ) as open_seconds_before
from per_day
