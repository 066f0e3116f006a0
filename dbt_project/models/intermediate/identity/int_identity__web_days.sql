with days as (
    select
        source_account
        , anonymous_id
        , user_id
        , cast(event_at as date) as login_date
        , min(event_at) as first_login_at
        , max(event_at) as last_login_at
        , count(*) as event_count
    from {{ ref('cx_web_event') }}
    where anonymous_id is not null and user_id is not null
        and {{ is_counted_event() }}
    group by source_account, anonymous_id, user_id, cast(event_at as date)
)

, devices_of_users as (
    select source_account, user_id, login_date, count(*) as device_count
    from days
    group by source_account, user_id, login_date
)

select
    cast({{ row_key(['d.source_account', 'd.anonymous_id', 'd.user_id', 'd.login_date']) }} as string) as web_day_key
    , cast(d.source_account as string) as source_account
    , cast(d.anonymous_id as string) as anonymous_id
    , cast(d.user_id as string) as user_id
    , cast(d.login_date as date) as login_date
    , cast(d.first_login_at as timestamp) as first_login_at
    , cast(d.last_login_at as timestamp) as last_login_at
    , cast(d.event_count as bigint) as event_count
    , cast(u.customer_id as string) as customer_id
    , cast(u.person_id as string) as person_id
    , cast(c.device_count as bigint) as device_count
    , c.device_count > {{ identity_setting('identity_max_anonymous_ids_per_user_day') }} as is_crowded
from days as d
join {{ ref('int_identity__user_map') }} as u on d.user_id = u.user_id
join devices_of_users as c
    on d.source_account = c.source_account and d.user_id = c.user_id and d.login_date = c.login_date
