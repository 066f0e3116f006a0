-- The same session, touchpoint and funnel tables in one hand-written script, straight from the same Parquet.
-- No dbt, no staging, no contract, no test, no other connector: about the least work that gives these rows.
-- Who a visitor is takes the identity graph of all systems, so columns and funnel rows about persons are left out.
-- $events, $files_seen: globs of the lake; $seeds: folder of the business lists. One GA4 connection named web, EUR.

create temp table events as
with newest as (
    select file as _cx_file, max_by(_dlt_load_id, cast(_dlt_load_id as double)) as _dlt_load_id
    from read_parquet('$files_seen') where source_table = 'events' group by 1
)
, landed as (
    select e.* from read_parquet('$events', union_by_name = true) as e join newest using (_cx_file, _dlt_load_id)
)
-- An event can stand twice only on a day that more than one file holds.
, shared_days as (
    select event_date from landed group by 1 having count(distinct _cx_file) > 1
)
, doubled as (
    select _dlt_load_id, _cx_row from landed where event_date in (from shared_days)
    qualify row_number() over (partition by event_key order by _cx_file desc, _cx_file_row desc, _cx_row desc) > 1
)
, bots as (
    select distinct b.browser
    from (select distinct browser from landed) as b
    join read_csv('$seeds/maps/map_bots.csv') as mark
        on mark.source_system = 'ga4_export' and mark.source_field = 'browser' and contains(lower(b.browser), mark.pattern)
)
select
    md5('ga4_export|web|events|' || event_key) as event_key
    , coalesce(names.event_name, 'other') as event_name
    , landed.event_name as raw_event_name
    , cast(event_at as timestamp) as event_at
    , event_date
    , coalesce(user_pseudo_id, user_id, '') as device_id
    , coalesce('device|' || user_pseudo_id, 'user|' || user_id) as stream_id
    , user_pseudo_id
    , user_id is not null as is_logged_in
    , ga_session_id
    , page_path
    , referrer_host
    , lower(source) as source
    , lower(medium) as medium
    , campaign
    , coalesce(devices.device_type, case when device_category is not null then 'other' end) as device_type
    , operating_system as os
    , browser
    , country
    , coalesce(purchase_revenue, value) as value
    , currency
    , transaction_id
from landed
anti join doubled using (_dlt_load_id, _cx_row)
anti join bots using (browser)
left join read_csv('$seeds/maps/map_web_events.csv') as names
    on names.source_system = 'ga4_export' and landed.event_name = names.raw_event_name
left join read_csv('$seeds/maps/map_devices.csv') as devices
    on devices.source_system = 'ga4_export' and lower(landed.device_category) = devices.source_value;

-- A session id of the source is unique within its device; without one, a gap of more than 30 minutes ends a session.
create temp table keyed as
with gaps as (
    select *, lag(event_at) over (partition by stream_id order by event_at, event_key) as previous_at
    from events where ga_session_id is null and stream_id is not null
)
, numbered as (
    select *, sum(case when event_at <= previous_at + interval 30 minute then 0 else 1 end) over (
        partition by stream_id order by event_at, event_key rows unbounded preceding
    ) as session_no
    from gaps
)
, timed as (
    select
        * exclude (previous_at, session_no)
        , md5('web|' || stream_id || '|' || epoch_us(min(event_at) over (partition by stream_id, session_no))) as session_key
    from numbered
)
, given as (
    select *, md5('web|' || device_id || '|' || ga_session_id) as session_key from events where ga_session_id is not null
)
select * from given union all select * from timed;

-- Longer than a day is a monitor or a kiosk.
delete from keyed where session_key in (
    select session_key from keyed group by 1 having max(event_at) > min(event_at) + interval 24 hour
);

create table sessions as
with purchases as (
    select session_key, value, currency from keyed where event_name = 'purchase'
    qualify row_number() over (partition by coalesce(transaction_id, event_key) order by event_at, event_key) = 1
)
, bought as (
    select
        session_key
        , count(*) as purchase_count
        , sum(value) filter (where coalesce(currency, 'EUR') = 'EUR') as purchase_value
    from purchases group by 1
)
, horizon as (
    select max(event_at) as last_event_at from events
)
, spans as (
    select
        session_key
        , arg_min_null(event_date, (event_at, event_key)) as session_date
        , min(event_at) as started_at
        , max(event_at) as ended_at
        , count(*) as event_count
        , count(*) filter (where event_name = 'page_view') as page_view_count
        , count(*) filter (where event_name in ('purchase', 'sign_up', 'form_submit')) as conversion_count
        , bool_or(is_logged_in) as has_login
        , arg_min_null(device_type, (event_at, event_key)) as device_type
        , arg_min_null(os, (event_at, event_key)) as os
        , arg_min_null(browser, (event_at, event_key)) as browser
        , arg_min_null(country, (event_at, event_key)) as country
        , arg_min_null(referrer_host, (event_at, event_key)) as referrer_host
        , arg_min(page_path, (event_at, event_key)) as landing_page_path
        , arg_min_null((source, medium, campaign), (event_at, event_key))
            filter (where source is not null or medium is not null) as traffic
        , min(user_pseudo_id) as anonymous_id
    from keyed group by 1
)
, combinations as (
    select distinct
        coalesce(traffic[1], '(direct)') as source
        , coalesce(traffic[2], '(none)') as medium
        , lower(coalesce(traffic[3], '')) as campaign
    from spans
)
, channels as (
    select c.*, coalesce(arg_min(r.channel_group, r.priority), 'Unassigned') as channel_group
    from combinations as c
    left join read_csv('$seeds/web/web_source_categories.csv') as k on c.source = k.source
    left join read_csv('$seeds/web/web_channel_rules.csv', all_varchar = true) as rule
        on (rule.source_category is null or rule.source_category = k.source_category)
        and (rule.source_pattern is null or regexp_matches(c.source, rule.source_pattern))
        and (rule.medium_pattern is null or regexp_matches(c.medium, rule.medium_pattern))
        and (rule.campaign_pattern is null or regexp_matches(c.campaign, rule.campaign_pattern))
    left join lateral (select rule.channel_group, cast(rule.priority as bigint) as priority) as r on true
    group by all
)
select
    spans.* exclude (traffic)
    , coalesce(purchase_count, 0) as purchase_count
    , purchase_value
    , ended_at + interval 30 minute < last_event_at as is_closed
    , coalesce(traffic[1], '(direct)') as source
    , coalesce(traffic[2], '(none)') as medium
    , traffic[3] as campaign
    , channel_group
from spans
cross join horizon
left join bought using (session_key)
left join channels
    on coalesce(traffic[1], '(direct)') = channels.source and coalesce(traffic[2], '(none)') = channels.medium
    and lower(coalesce(traffic[3], '')) = channels.campaign;

create table touches as
with patterns as (
    select distinct event_name, page_path from keyed
)
, rules as (
    select rule_id, touchpoint_id, match_field, operator, lower(match_value) as match_value, cast(priority as bigint) as priority
    from read_csv('$seeds/business/touchpoint_rules.csv', all_varchar = true)
    where interaction_type in ('*', 'web_touch') and channel in ('*', 'web')
)
, matched as (
    select
        p.event_name
        , p.page_path
        , coalesce(arg_min(r.touchpoint_id, (r.priority, r.rule_id)), 'unmapped') as touchpoint_id
    from patterns as p
    left join rules as r on case r.operator
        when 'any' then true
        when 'equals' then lower(case r.match_field when 'page_path' then p.page_path when 'event_name' then p.event_name end) = r.match_value
        when 'prefix' then starts_with(
            lower(case r.match_field when 'page_path' then p.page_path when 'event_name' then p.event_name end), r.match_value
        )
        when 'contains' then contains(
            lower(case r.match_field when 'page_path' then p.page_path when 'event_name' then p.event_name end), r.match_value
        )
    end
    group by all
)
select session_key, touchpoint_id, min(event_at) as first_event_at, max(event_at) as last_event_at, count(*) as event_count
from keyed join matched on keyed.event_name = matched.event_name and keyed.page_path is not distinct from matched.page_path
group by all;

-- Funnel of sessions: the first view, then the earliest event of each further step; and which steps a session has at all.
create temp table step_events as
select session_key, event_at, event_date, event_key, step_order
from (
    select *, case
        when event_name = 'view_item' then 1
        when raw_event_name in ('view_reviews', 'compare_items', 'add_to_wishlist') then 2
        when event_name = 'add_to_cart' then 3
        when event_name = 'begin_checkout' then 4
        when event_name = 'purchase' then 5
        when event_name = 'feedback_submitted' then 6
    end as step_order
    from keyed
)
where step_order is not null;

create temp table progress as
with s1 as (select session_key, min(event_at) as t1, arg_min(event_date, (event_at, event_key)) as entry_date
            from step_events where step_order = 1 group by 1)
, s2 as (select session_key, min(event_at) as t2 from step_events join s1 using (session_key) where step_order = 2 and event_at >= t1 group by 1)
, s3 as (select session_key, min(event_at) as t3 from step_events join s2 using (session_key) where step_order = 3 and event_at >= t2 group by 1)
, s4 as (select session_key, min(event_at) as t4 from step_events join s3 using (session_key) where step_order = 4 and event_at >= t3 group by 1)
, s5 as (select session_key, min(event_at) as t5 from step_events join s4 using (session_key) where step_order = 5 and event_at >= t4 group by 1)
, s6 as (select session_key, min(event_at) as t6 from step_events join s5 using (session_key) where step_order = 6 and event_at >= t5 group by 1)
, in_order as (
    select session_key, entry_date, [t1, t2, t3, t4, t5, t6] as times
    from s1 left join s2 using (session_key) left join s3 using (session_key) left join s4 using (session_key)
    left join s5 using (session_key) left join s6 using (session_key)
)
, ordered_rows as (
    select 'ordered' as order_mode, session_key, entry_date, step_order, times[step_order] as step_at
        , (epoch_us(times[step_order]) - epoch_us(times[step_order - 1])) / 1000000.0 as seconds_to_step
        , step_order < 6 and times[step_order + 1] is not null as is_advanced
        , true as is_from_start
    from in_order cross join range(1, 7) as r(step_order)
    where times[step_order] is not null
)
, present as (
    select session_key, min(event_date) as entry_date, list(distinct step_order) as steps from step_events group by 1
)
, any_rows as (
    select 'any', session_key, entry_date, step_order, null::timestamp, null::double
        , step_order < 6 and list_contains(steps, step_order + 1), list_contains(steps, 1)
    from (select session_key, entry_date, steps, unnest(steps) as step_order from present)
)
select p.*, s.is_closed, coalesce(s.device_type, 'unknown') as device_type, coalesce(s.channel_group, 'unknown') as channel
from (select * from ordered_rows union all select * from any_rows) as p
join sessions as s using (session_key);

create table funnel as
select
    order_mode
    , entry_date
    , step_order
    , case when grouping(device_type) = 0 then 'device_type' when grouping(channel) = 0 then 'channel' else 'all' end as segment_type
    , case when grouping(device_type) = 0 then device_type when grouping(channel) = 0 then channel else 'all' end as segment_value
    , count(*) as reached_count
    , count(*) filter (where not is_closed) as in_progress_count
    , count(*) filter (where is_closed) as entered_count
    , count(*) filter (where is_closed and is_advanced) as advanced_count
    , count(*) filter (where is_closed and is_from_start) as from_start_count
    , median(seconds_to_step) filter (where is_closed) as median_seconds_to_step
    , quantile_cont(seconds_to_step, 0.9) filter (where is_closed) as p90_seconds_to_step
from progress
group by grouping sets (
    (order_mode, entry_date, step_order)
    , (order_mode, entry_date, step_order, device_type)
    , (order_mode, entry_date, step_order, channel)
    , (order_mode, step_order)
    , (order_mode, step_order, device_type)
    , (order_mode, step_order, channel)
);
