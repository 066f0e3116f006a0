{#
  Which rows of cx_web_event an increment writes anew.

  A daily export is restated by day: the days whose files, or their loads, are others than those of the build before.
  A table of the files and sql connectors is compared row by row: key, load, and what a tombstone changes; rows that a
  mapping groups are compared as a whole, because their load is only the last of several.
#}

{% macro web_event_helper(suffix) %}
    {{ return(relation_beside('cx_web_event', 'cx_web_event__' ~ suffix)) }}
{% endmacro %}

{# Creates the helper tables: days_wanted; in an increment also changed_days and changed_keys. #}
{% macro find_changed_web_events() %}
    {%- do create_helper_table(web_event_helper('days_wanted'), exported_days_sql()) -%}
    {%- if is_resumed() -%}
        {%- do create_helper_table(web_event_helper('changed_days'), "
            select coalesce(w.source_account, b.source_account) as source_account, coalesce(w.event_date, b.event_date) as event_date
            from " ~ web_event_helper('days_wanted') ~ " as w
            full outer join " ~ web_event_helper('days_built') ~ " as b
                on w.source_account = b.source_account and w.event_date = b.event_date
            where w.day_version is distinct from b.day_version") -%}
        {%- do create_helper_table(web_event_helper('changed_keys'), changed_keys_sql()) -%}
    {%- endif -%}
{% endmacro %}

{% macro exported_days_sql() -%}
    {%- if 'ga4_export' in var('connectors') -%}
        {%- set file = "events._cx_file || '|' || events._dlt_load_id || '|' || cast(events.event_count as string)" -%}
        select source_account, event_date, {{ string_agg_ordered(file, ';', file) }} as day_version
        from (
            select e.source_account, e.event_date, e._cx_file, e._dlt_load_id, count(*) as event_count
            from {{ source('ga4_export', 'events') }} as e
            join ({{ newest_ga4_loads() }}) as newest
                on e.source_account = newest.source_account and e._cx_file = newest._cx_file and e._dlt_load_id = newest._dlt_load_id
            group by 1, 2, 3, 4
        ) as events
        group by 1, 2
    {%- else -%}
        select cast(null as string) as source_account, cast(null as date) as event_date, cast(null as string) as day_version where false
    {%- endif -%}
{%- endmacro %}

{% macro changed_keys_sql() -%}
    {%- set mappings = generic_mappings('web_event') -%}
    {%- set is_grouped = mappings | selectattr('mapping.group_by') | list | length > 0 -%}
    {%- set version = row_key(model.columns.keys() | list) if is_grouped else row_key(['dlt_load_id', 'is_deleted', 'deleted_at']) -%}
    select coalesce(w.web_event_key, b.web_event_key) as web_event_key
    from (
        {%- if mappings %}
        select web_event_key, {{ version }} as row_version from ({{ conformed_branch(ref('cx_web_event__generic'), model.columns) }}) as given
        {%- else %}
        select cast(null as string) as web_event_key, cast(null as string) as row_version where false
        {%- endif %}
    ) as w
    full outer join (
        select web_event_key, {{ version }} as row_version from {{ this }} where source_system <> 'ga4_export'
    ) as b on w.web_event_key = b.web_event_key
    where w.row_version is distinct from b.row_version
{%- endmacro %}

{#
  Condition on columns of cx_web_event or of a mapping: the row is written anew. Of an export only the parts of files that
  hold a changed day are read, if the days are given as dates and not as a query.
#}
{% macro is_changed_web_event(system=none) -%}
    {%- set is_day = '(source_account, event_date_local) in (select source_account, event_date from ' ~ web_event_helper('changed_days') ~ ')' -%}
    {%- if system == 'ga4_export' -%}
        {%- set days = run_query('select distinct event_date from ' ~ web_event_helper('changed_days') ~ ' order by 1 limit 401').columns[0].values() -%}
        {%- if days | length <= 400 -%}
            {%- set ns = namespace(dates=["date '0001-01-01'"]) -%}
            {%- for day in days -%}{%- do ns.dates.append("date '" ~ day ~ "'") -%}{%- endfor -%}
            {%- set is_day = 'event_date_local in (' ~ ns.dates | join(', ') ~ ') and ' ~ is_day -%}
        {%- endif -%}
    {%- endif -%}
    {%- set is_key = 'web_event_key in (select web_event_key from ' ~ web_event_helper('changed_keys') ~ ')' -%}
    {%- if system == 'ga4_export' -%}{{ is_day }}
    {%- elif system == 'generic' -%}{{ is_key }}
    {%- else -%}case when source_system = 'ga4_export' then {{ is_day }} else {{ is_key }} end
    {%- endif -%}
{%- endmacro %}

{# Hook before and after: notes the devices of rows that go and of rows that came. #}
{% macro note_changed_devices() -%}
    {%- if is_resumed() %}
        insert into {{ changed_web_events() }}
        select distinct source_account, {{ web_device() }} from {{ this }} where {{ is_changed_web_event() }}
    {%- endif -%}
{%- endmacro %}

{% macro forget_changed_web_events() -%}
    {%- if is_resumed() -%}
        delete from {{ this }} where {{ is_changed_web_event() }}
    {%- endif -%}
{%- endmacro %}

{# Last hook: the days as they are built now; after a build from scratch everything counts as changed. #}
{% macro keep_built_days() -%}
    {%- if is_building() -%}
        {%- if not is_resumed() -%}
            {%- do create_helper_table(changed_web_events(), 'select cast(null as string) as source_account, cast(null as string) as device_id') -%}
        {%- endif -%}
        {%- do create_helper_table(web_event_helper('days_built'), 'select * from ' ~ web_event_helper('days_wanted')) -%}
    {%- endif -%}
{%- endmacro %}

{# Newest load of each export file: source_account, _cx_file, _dlt_load_id. #}
{% macro newest_ga4_loads() -%}
    select
        source_account
        , file as _cx_file
        , {{ last_by('_dlt_load_id', load_order()) }} as _dlt_load_id
    from {{ source('ga4_export', 'files_seen') }}
    where source_table = 'events'
    group by 1, 2
{%- endmacro %}
