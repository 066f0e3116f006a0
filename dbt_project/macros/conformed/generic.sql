{#
  The files and sql connectors: tables and their mapping onto entities come from the connections file (var generic_tables).
  Expressions of a mapping are SQL over the typed columns of the table, in the dialect of the build engine.
#}

{# Mappings onto `entity`: list of {table, mapping}. #}
{% macro generic_mappings(entity) %}
    {%- set found = [] -%}
    {%- for table in var('generic_tables') -%}
        {%- for mapping in table.entities if mapping.entity == entity -%}
            {%- do found.append({'table': table, 'mapping': mapping}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{# Body of cx_<entity>__generic. #}
{% macro generic_entity(entity) %}
    {%- set columns = graph.nodes['model.' ~ project_name ~ '.cx_' ~ entity].columns if execute else {} -%}
    {#- Names the sources, so that dbt knows them as parents. -#}
    {%- set metrics = source('lake', 'load_metrics') -%}
    {%- set files_seen = source('lake', 'files_seen') -%}
    {%- for found in generic_mappings(entity) %}
        {{ generic_branch(entity, found.table, found.mapping, columns, metrics, files_seen) }}
        {% if not loop.last %}union all{% endif %}
    {%- endfor -%}
{% endmacro %}

{% macro generic_branch(entity, table, mapping, columns, metrics, files_seen) %}
    {%- set given = {} -%}
    {%- do given.update(generic_defaults(entity)) -%}
    {%- for name, value in mapping.columns.items() if value is not none -%}
        {%- if value is mapping -%}
            {%- do given.update({name: entity_key("'" ~ table.source_system ~ "'", "'" ~ table.connection ~ "'", "'" ~ value.source_object ~ "'", 'cast(' ~ value.id ~ ' as string)')}) -%}
        {%- else -%}
            {%- do given.update({name: value}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set grouped = mapping.group_by | length > 0 -%}
    {%- if 'is_deleted' not in given and table.deletes -%}
        {%- do given.update({'is_deleted': 'bool_and(row_is_deleted)' if grouped else 'row_is_deleted', 'deleted_at': 'max(row_deleted_at)' if grouped else 'row_deleted_at'}) -%}
    {%- endif -%}
    {%- if entity == 'customer_identifier' -%}
        {#- One record holds several identifiers, so its id alone is no key. -#}
        {%- do given.update({
            'id_value': 'case when ' ~ given.id_type ~ " = 'email' then lower(trim(" ~ given.id_value ~ ")) else nullif(trim(cast(" ~ given.id_value ~ " as string)), '') end",
            'source_id': 'cast(' ~ given.source_id ~ " as string) || '|' || " ~ given.id_type ~ " || '|' || lower(trim(cast(" ~ given.id_value ~ ' as string)))'}) -%}
    {%- endif -%}
    {%- if entity == 'web_event' -%}
        {%- do given.setdefault('raw_event_name', given.event_name) -%}
        {%- do given.setdefault('event_name', given.raw_event_name) -%}
        {%- do given.setdefault('event_date_local', 'cast(' ~ to_local(given.event_at, "'" ~ var('company_time_zone') ~ "'") ~ ' as date)') -%}
        {%- do given.setdefault('time_zone', "'" ~ var('company_time_zone') ~ "'") -%}
    {%- endif %}
select
    {{ entity_key("'" ~ table.source_system ~ "'", "'" ~ table.connection ~ "'", "'" ~ mapping.source_object ~ "'", 'given.source_id') }} as {{ entity }}_key
    , '{{ table.source_system }}' as source_system
    , '{{ table.connection }}' as source_account
    , '{{ mapping.source_object }}' as source_object
    {%- for name, column in columns.items() if name not in [entity ~ '_key', 'source_system', 'source_account', 'source_object'] %}
        {%- if name == 'event_name' and entity == 'web_event' %}
    , coalesce(canonical.event_name, 'other') as event_name
        {%- elif name == 'is_bot' and 'user_agent' in given %}
    , {% if 'is_bot' in given %}coalesce(given.is_bot, false) or {% endif %}bots.user_agent is not null as is_bot
        {%- elif name in given or name in ['extracted_at', 'dlt_load_id'] %}
    , given.{{ name }}
        {%- elif name in ['is_deleted', 'is_test'] %}
    , false as {{ name }}
        {%- else %}
    , cast(null as {{ column.data_type }}) as {{ name }}
        {%- endif %}
    {%- endfor %}
from (
    select
        {{ 'max(extracted_at)' if grouped else 'extracted_at' }} as extracted_at
        , {{ last_by('_dlt_load_id', load_order()) if grouped else '_dlt_load_id' }} as dlt_load_id
        {%- for name, expression in given.items() %}
        , cast({{ expression }} as {{ columns[name].data_type if name in columns else 'string' }}) as {{ name }}
        {%- endfor %}
    from {{ generic_current(table, metrics, files_seen) }} as landed
    {%- if mapping.where %}
    where {{ mapping.where }}
    {%- endif %}
    {%- if grouped %}
    group by {{ mapping.group_by | join(', ') }}
    {%- endif %}
) as given
    {%- if entity == 'web_event' %}
left join (select distinct event_name from {{ ref('map_web_events') }}) as canonical
    on given.event_name = canonical.event_name
    {%- endif %}
    {%- if 'user_agent' in given %}
-- User agents are few: the patterns are looked for once for each, not once per event.
left join (
    select agents.user_agent
    from (select distinct cast({{ given.user_agent }} as string) as user_agent from {{ generic_relation(table) }}) as agents
    join {{ ref('map_bots') }} as marks
        on marks.source_system = '*' and marks.source_field = 'user_agent'
        and contains(lower(agents.user_agent), marks.pattern)
    group by agents.user_agent
) as bots on given.user_agent = bots.user_agent
    {%- endif %}
where given.source_id is not null
    {%- if entity == 'customer_identifier' %} and given.id_value <> ''{% endif %}
{% endmacro %}

{# Values of columns that must not be null, where a mapping says nothing. #}
{% macro generic_defaults(entity) %}
    {{ return({
        'customer': {'customer_type': "'person'"},
        'order': {'order_type': "'order'", 'status': "'paid'", 'currency': "'" ~ var('company_currency') ~ "'"},
        'order_line': {'line_type': "'sale'"},
        'order_adjustment': {'currency': "'" ~ var('company_currency') ~ "'"},
        'survey': {'metric_type': "'custom'"},
        'survey_response': {'completion': "'complete'"},
        'ticket_event': {'field': "'status'"},
    }.get(entity, {})) }}
{% endmacro %}

{#
  Current rows of a generic table, as a sub-query: the newest load of each file (files), the newest load (snapshots), the
  latest version of each key. Adds row_is_deleted and row_deleted_at where tombstones are landed.
#}
{% macro generic_current(table, metrics, files_seen) -%}
    {%- set raw = generic_relation(table) -%}
    {%- set columns = generic_columns(table).keys() | list -%}
    {#- Names are the company's own, so they are quoted. -#}
    {%- if table.per_file -%}
        {#- By path, not by load: the same files give the same rows in whatever order they arrive. -#}
        {%- set order = '_cx_file desc, _cx_file_row desc' -%}
    {%- else -%}
        {%- set order = load_order() ~ ' desc, _cx_row desc' -%}
    {%- endif -%}
    (
        select
            current_rows.*
            {%- if table.deletes %}
            , tombstones.source_id is not null as row_is_deleted
            , tombstones.deleted_at as row_deleted_at
            {%- endif %}
        from (
            select
                {% for column in columns %}loaded.{{ adapter.quote(column) }}, {% endfor -%}
                loaded._dlt_load_id, loaded._cx_row, loaded.extracted_at, loaded.source_account
                {%- if table.key %}
                , row_number() over (
                    partition by {% for k in table.key %}loaded.{{ adapter.quote(k) }}{{ ', ' if not loop.last }}{% endfor %}
                    order by {% if table.version_column %}loaded.{{ adapter.quote(table.version_column) }} desc nulls last, {% endif %}{{ order }}
                ) as version_rank
                {%- else %}
                , 1 as version_rank
                {%- endif %}
            from {{ raw }} as loaded
            {%- if table.per_file %}
            inner join (
                select file as newest_file, {{ last_by('_dlt_load_id', load_order()) }} as newest_load_id
                from {{ files_seen }}
                where dataset = '{{ table.dataset }}' and source_table = '{{ table.table }}'
                group by 1
            ) as newest
                on loaded._cx_file = newest.newest_file and loaded._dlt_load_id = newest.newest_load_id
            {%- elif table.snapshot %}
            inner join (
                select {{ last_by('_dlt_load_id', load_order()) }} as newest_load_id
                from {{ metrics }}
                where dataset = '{{ table.dataset }}' and source_table = '{{ table.table }}'
            ) as newest
                on loaded._dlt_load_id = newest.newest_load_id
            {%- endif %}
        ) as current_rows
        {%- if table.deletes %}
        left join (
            select
                source_id
                , max({{ load_order() }}) as tombstone_load
                , max(coalesce(deleted_at, detected_at)) as deleted_at
            from {{ generic_relation(table, '__deletes') }}
            group by 1
        ) as tombstones
            on {{ generic_id(table, 'current_rows') }} = tombstones.source_id
            {#- Landed again after its tombstone: it lives. #}
            and {{ load_order('current_rows._dlt_load_id') }} <= tombstones.tombstone_load
        {%- endif %}
        where current_rows.version_rank = 1
    )
{%- endmacro %}

{# Id of a row as tombstones write it: the parts of the key joined by '|'. #}
{% macro generic_id(table, alias) -%}
    {% for k in table.key %}cast({{ alias }}.{{ adapter.quote(k) }} as string){{ " || '|' || " if not loop.last }}{% endfor %}
{%- endmacro %}
