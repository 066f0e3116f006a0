{%- set reach = identity_setting('identity_anonymous_reach_days') -%}
with spans as (
    select
        source_account
        , anonymous_id
        , span_no
        , person_id
        , customer_id
        , first_login_at
        , last_login_at
        , lag(person_id) over (partition by source_account, anonymous_id order by span_no) as previous_person_id
        , lead(person_id) over (partition by source_account, anonymous_id order by span_no) as next_person_id
        , lead(first_login_at) over (partition by source_account, anonymous_id order by span_no) as next_login_at
    from {{ ref('int_identity__web_logins') }}
)

-- The latest login owns what follows, up to the next login; only the first owner of a device also owns what came
-- before the login. Spans of one person lie more than two reaches apart, so their windows cannot overlap.
, windows as (
    select
        source_account
        , anonymous_id
        , span_no
        , person_id
        , customer_id
        , case
            when previous_person_id is null or previous_person_id = person_id
                then first_login_at - {{ reach }} * interval '1' day
            else first_login_at
        end as valid_from
        , case
            when next_person_id <> person_id
                then least(last_login_at + {{ reach }} * interval '1' day, next_login_at)
            else last_login_at + {{ reach }} * interval '1' day
        end as valid_to
    from spans
)

select
    cast({{ row_key(['source_account', 'anonymous_id', 'span_no']) }} as string) as web_user_map_key
    , cast(source_account as string) as source_account
    , cast(anonymous_id as string) as anonymous_id
    , cast(valid_from as timestamp) as valid_from
    , cast(valid_to as timestamp) as valid_to
    , cast(customer_id as string) as customer_id
    , cast(person_id as string) as person_id
from windows
where valid_from < valid_to
