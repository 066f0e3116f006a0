{#- Every record has an id that it would have alone; in a cluster all but the anchor's are aliases. -#}
{{ config(
    materialized='incremental'
    , pre_hook="{{ forget_scope('customer_key') }}"
    , post_hook=["{{ close_scope() }}", "{{ drop_helper_tables(this, ['nodes', 'links_0', 'links_1']) }}"]
) }}
{%- set nodes = helper_table(this, 'nodes') -%}
{%- set links_sql -%}
    select
        greatest(a.node_id, b.node_id) as junior
        , least(a.node_id, b.node_id) as senior
        -- Evidence without a time was there from the start.
        , coalesce(l.linked_at, timestamp '0001-01-01 00:00:00') as linked_at
        , l.link_key
    from {{ ref('int_identity__links') }} as l
    join {{ nodes }} as a on l.customer_key = a.customer_key
    join {{ nodes }} as b on l.other_customer_key = b.customer_key
    where {{ in_scope('l.customer_key') }}
{%- endset -%}
{%- if is_building() -%}
    {%- do create_helper_table(nodes, 'select row_number() over (order by cluster_key, seniority) as node_id, customer_key from '
        ~ ref('int_identity__customer_map') ~ ' where ' ~ in_scope('customer_key')) -%}
    {%- set history = merge_history(this, links_sql)[0] -%}
with joined as (
    select
        junior.customer_key
        , senior.customer_key as senior_customer_key
        , h.linked_at
        , h.link_key
    from {{ history }} as h
    join {{ nodes }} as junior on h.junior = junior.node_id
    join {{ nodes }} as senior on h.senior = senior.node_id
)
{%- else -%}
with joined as (
    select
        cast(null as string) as customer_key
        , cast(null as string) as senior_customer_key
        , cast(null as timestamp) as linked_at
        , cast(null as string) as link_key
    where false
)
{%- endif %}

select
    cast(md5('customer|' || m.customer_key) as string) as alias_id
    , cast(m.customer_id as string) as customer_id
    , m.seniority = 1 as is_current
    , cast(m.customer_key as string) as customer_key
    , cast(coalesce(c.source_created_at, c.first_seen_at) as timestamp) as known_from
    , cast({{ known_instant('j.linked_at') }} as timestamp) as merged_at
    , cast(md5('customer|' || j.senior_customer_key) as string) as merged_into_id
    , cast(j.link_key as string) as link_key
from {{ ref('int_identity__customer_map') }} as m
join {{ ref('cx_customer') }} as c on m.customer_key = c.customer_key
left join joined as j on m.customer_key = j.customer_key
where {{ in_scope('m.customer_key') }}
