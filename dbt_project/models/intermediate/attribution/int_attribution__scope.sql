{{ config(materialized='incremental', pre_hook="{{ change_everything() }}", post_hook="{{ keep_conversions() }}") }}
-- depends_on: {{ ref('int_web__events') }} {{ ref('int_attribution__conversions') }}
{%- set resumed = is_resumed() %}
with persons as (
    {%- if resumed %}
    select reached_key as person_id from {{ reached_by_web() }} where kind = 'person'
    union
    select person_id
    from ({{ changed_rows(ref('int_attribution__conversions'), conversions_before(), conversion_path_columns()) }}) as changed
    where person_id is not null
    {%- else %}
    select cast(null as string) as person_id where false
    {%- endif %}
)

select cast(p.person_id as string) as person_id
from persons as p
{%- if resumed %}
left join {{ this }} as waiting on p.person_id = waiting.person_id
where waiting.person_id is null
{%- endif %}
