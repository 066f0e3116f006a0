with days as (
    select {{ date_series("'" ~ var('calendar_from', '2009-01-01') ~ "'", "'" ~ var('calendar_to', '2030-12-31') ~ "'") }} as calendar_date
)

select
    days.calendar_date
    , cast(date_trunc('week', days.calendar_date) as date) as week_start_date
    , cast(date_trunc('month', days.calendar_date) as date) as month_start_date
    , {{ month_label('days.calendar_date') }} as month_label
    , cast(extract(year from days.calendar_date) as bigint) as calendar_year
    , cast(extract(month from days.calendar_date) as bigint) as month_of_year
    , cast({{ iso_dow('days.calendar_date') }} as bigint) as iso_weekday
    , holiday.holiday_name
    , coalesce(business_day.open_seconds, 0) > 0 as is_business_day
    , cast(coalesce(business_day.open_seconds, 0) / 60 as double) as open_business_minutes
from days
left join {{ ref('holidays') }} as holiday
    on days.calendar_date = holiday.holiday_date and holiday.country = '{{ var("company_country") }}'
left join {{ ref('int_support__business_days') }} as business_day
    on days.calendar_date = business_day.local_date
    and business_day.calendar_id = '{{ var("business_calendar", "default") }}'
