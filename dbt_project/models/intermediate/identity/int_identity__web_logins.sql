{%- set reach = identity_setting('identity_anonymous_reach_days') -%}
{%- set max_users = identity_setting('identity_max_users_per_anonymous_id') -%}
with days as (
    select source_account, anonymous_id, user_id, login_date, first_login_at, last_login_at, customer_id, person_id
    from {{ ref('int_identity__web_days') }}
    where not is_crowded
)

-- A form or a CRM record that names the browser speaks for its owner as a login does. What the tracking itself says
-- about a browser is already in the days.
, named_browsers as (
    select
        w.source_account
        , i.id_value as anonymous_id
        , m.customer_id
        , i.identifier_edge_key as tie_key
        , i.observed_at as first_login_at
        , greatest(coalesce(i.valid_to, i.observed_at), i.observed_at) as last_login_at
    from {{ ref('int_identity__identifiers') }} as i
    join {{ ref('int_identity__customer_map') }} as m on i.customer_key = m.customer_key
    join (
        select distinct source_account, anonymous_id from {{ ref('cx_web_event') }} where anonymous_id is not null
    ) as w on i.id_value = w.anonymous_id and i.source_account <> w.source_account
    where i.id_kind = 'anonymous_id' and i.reject_reason is null and i.observed_at is not null
)

, devices as (
    select source_account, anonymous_id, count(*) as person_count
    from (
        select source_account, anonymous_id, person_id from days
        union
        select source_account, anonymous_id, customer_id from named_browsers
    ) as owners
    group by source_account, anonymous_id
    having count(*) <= {{ max_users }}
)

-- Days are enough for a device with one owner. On a shared device the order of single events decides.
, points as (
    select
        d.source_account
        , d.anonymous_id
        , d.person_id
        , d.customer_id
        , d.first_login_at
        , d.last_login_at
        , cast(d.login_date as string) || '|' || d.user_id as tie_key
    from days as d
    join devices as v on d.source_account = v.source_account and d.anonymous_id = v.anonymous_id
    where v.person_count = 1
    union all
    select e.source_account, e.anonymous_id, d.person_id, d.customer_id, e.event_at, e.event_at, e.web_event_key
    from {{ ref('cx_web_event') }} as e
    join devices as v on e.source_account = v.source_account and e.anonymous_id = v.anonymous_id
    join days as d
        on e.source_account = d.source_account and e.anonymous_id = d.anonymous_id and e.user_id = d.user_id
        and cast(e.event_at as date) = d.login_date
    where v.person_count > 1
        and {{ is_counted_event('e') }}
    union all
    select
        b.source_account
        , b.anonymous_id
        , b.customer_id
        , b.customer_id
        , b.first_login_at
        , case when v.person_count = 1 then b.last_login_at else b.first_login_at end
        , b.tie_key
    from named_browsers as b
    join devices as v on b.source_account = v.source_account and b.anonymous_id = v.anonymous_id
)

, followed as (
    select
        points.*
        , lag(person_id) over (
            partition by source_account, anonymous_id order by first_login_at, last_login_at, tie_key
        ) as previous_person_id
        , max(last_login_at) over (
            partition by source_account, anonymous_id order by first_login_at, last_login_at, tie_key
            rows between unbounded preceding and 1 preceding
        ) as previous_login_at
    from points
)

, numbered as (
    select
        followed.*
        , sum(case
            when previous_person_id = person_id
                and first_login_at <= previous_login_at + {{ 2 * reach }} * interval '1' day then 0
            else 1
        end) over (
            partition by source_account, anonymous_id order by first_login_at, last_login_at, tie_key
            rows between unbounded preceding and current row
        ) as span_no
    from followed
)

select
    cast({{ row_key(['source_account', 'anonymous_id', 'span_no']) }} as string) as login_span_key
    , cast(source_account as string) as source_account
    , cast(anonymous_id as string) as anonymous_id
    , cast(span_no as bigint) as span_no
    , cast(min(person_id) as string) as person_id
    , cast(min(customer_id) as string) as customer_id
    , cast(min(first_login_at) as timestamp) as first_login_at
    , cast(max(last_login_at) as timestamp) as last_login_at
from numbered
group by source_account, anonymous_id, span_no
