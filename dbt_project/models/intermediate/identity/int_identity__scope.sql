{{ config(
    materialized='incremental'
    , post_hook="{{ drop_helper_tables(this, ['pairs', 'reached', 'reached_nodes', 'frontier', 'records']) }}"
) }}
-- depends_on: {{ ref('int_identity__held') }} {{ ref('cx_customer') }} {{ ref('identity_refused_values') }} {{ ref('identity_anchor_rank') }}
-- depends_on: {{ ref('identity_always_merge') }} {{ ref('identity_never_merge') }}
{%- set resumed = is_resumed() -%}
{%- if is_building() -%}
    {%- do create_helper_table(rules_table('wanted'), "select '" ~ identity_rules_version() ~ "' as rules_version") -%}
{%- endif -%}
{%- set reached = reach_scope(this) if is_building() and resumed else none %}
with changed as (
    {%- if reached is not none %}
    select customer_key from {{ reached }}
    {%- else %}
    select customer_key from {{ ref('cx_customer') }}
    {%- if is_building() and is_built('int_identity__customer_map') %}
    union
    select customer_key from {{ api.Relation.create(database=this.database, schema=this.schema, identifier='int_identity__customer_map') }}
    {%- endif %}
    {%- endif %}
)

select cast(changed.customer_key as string) as customer_key
from changed
{%- if resumed %}
left join {{ this }} as waiting on changed.customer_key = waiting.customer_key
where waiting.customer_key is null
{%- endif %}
