{#- The graph is reduced to edges that can join: strong ones on identifiers with two records or more. -#}
{{ config(
    materialized='incremental'
    , pre_hook="{{ forget_scope('node_key', 'component_key') }}"
    , post_hook="{{ drop_helper_tables(this, ['pairs', 'nodes', 'edges', 'labels_0', 'labels_1', 'cut_0', 'cut_1']) }}") }}
{%- set edges_sql = 'select node_a, node_b from ' ~ ref('int_identity__edges') ~ ' where is_strong and is_bridge and ' ~ in_scope('node_a') -%}
{%- set never_sql = 'select md5(left_customer_ref) as node_a, md5(right_customer_ref) as node_b from ' ~ ref('identity_never_merge') -%}
{%- if is_building() -%}
    {%- set graph = connected_components(this, edges_sql) -%}
    {%- set cut = cut_components(this, graph, never_sql) -%}
select
    cast(n.node_key as string) as node_key
    , cast(root.node_key as string) as component_key
    , cast(coalesce(seed.node_key, root.node_key) as string) as cluster_key
    , cut.seed_id is not null as is_cut
from {{ graph.nodes }} as n
join {{ graph.labels }} as l on n.node_id = l.node_id
join {{ graph.nodes }} as root on l.parent = root.node_id
left join {{ cut }} as cut on n.node_id = cut.node_id
left join {{ graph.nodes }} as seed on cut.seed_id = seed.node_id
{%- else -%}
select
    cast(null as string) as node_key
    , cast(null as string) as component_key
    , cast(null as string) as cluster_key
    , false as is_cut
where false
{%- endif %}
