{#
  Makes the Parquet lake readable as dbt sources: one view per source table, over the files of completed loads only.

  Runs once, at the start of a run: all models of the run see the same loads, whatever finishes meanwhile, and a torn or
  unfinished file is never opened. A load is complete when its marker `_dlt_loads/…__<load_id>.jsonl` exists (dlt writes
  it last); data files are named <load_id>.<file_id>.parquet.

  Each view has the columns and types of the source's YAML (missing in the files: typed null; no file: no rows), and
    dataset, source_system (common tables only), source_account, _dlt_load_id, _cx_row, extracted_at.
#}
{% macro register_lake() %}
    {%- if execute and flags.WHICH in ['run', 'build', 'test', 'seed', 'run-operation'] -%}
        {%- set files = adapter.dispatch('completed_files', 'cx')(env_var('CX_LAKE', '')) -%}
        {#- A connection taken out of the connections file leaves its data in the lake, but not in the models. -#}
        {%- for dataset in files.keys() | list if var('datasets') and dataset not in var('datasets') -%}
            {%- do files.pop(dataset) -%}
        {%- endfor -%}
        {%- for source in graph.sources.values() | sort(attribute='unique_id') if source.config.meta.lake is defined -%}
            {%- set relation = api.Relation.create(database=source.database, schema=source.schema, identifier=source.identifier) -%}
            {%- set found = [] -%}
            {%- for dataset in files | sort -%}
                {%- if source.config.meta.lake in ['*', dataset.split('__')[0]] and files[dataset][source.identifier] is defined -%}
                    {%- do found.append({'dataset': dataset, 'files': files[dataset][source.identifier]}) -%}
                {%- endif -%}
            {%- endfor -%}
            {%- do adapter.dispatch('create_lake_view', 'cx')(relation, lake_columns(source.columns), found, source.config.meta.lake == '*') -%}
        {%- endfor -%}
        {%- for table in var('generic_tables') -%}
            {%- do register_generic(files, table, '', generic_columns(table)) -%}
            {%- if table.deletes -%}
                {%- do register_generic(files, table, '__deletes', {'source_id': 'string', 'deleted_at': 'timestamp', 'detected_at': 'timestamp', 'method': 'string'}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{% macro register_generic(files, table, suffix, types) %}
    {%- set found = [] -%}
    {%- if files[table.dataset] is defined and files[table.dataset][table.table ~ suffix] is defined -%}
        {%- do found.append({'dataset': table.dataset, 'files': files[table.dataset][table.table ~ suffix]}) -%}
    {%- endif -%}
    {%- do adapter.dispatch('create_lake_view', 'cx')(generic_relation(table, suffix), types, found, false) -%}
{% endmacro %}

{# View of the raw rows of a table of the files or sql connector. #}
{% macro generic_relation(table, suffix='') %}
    {{ return(api.Relation.create(database=target.database, schema='raw_generic', identifier=table.dataset ~ '__' ~ table.table ~ suffix)) }}
{% endmacro %}

{# {name: type} of a source's YAML columns. #}
{% macro lake_columns(columns) %}
    {%- set types = {} -%}
    {%- for column in columns.values() -%}
        {%- do types.update({column.name: column.data_type}) -%}
    {%- endfor -%}
    {{ return(types) }}
{% endmacro %}

{# {name: type} of a generic table: declared types of ingestion -> SQL types. #}
{% macro generic_columns(table) %}
    {%- set sql_types = {'text': 'string', 'json': 'string', 'decimal': 'decimal(18,4)'} -%}
    {%- set types = {} -%}
    {%- for name, type in table.columns.items() -%}
        {%- do types.update({name: sql_types.get(type, type)}) -%}
    {%- endfor -%}
    {%- for name, type in table.get('system_columns', {}).items() if name not in ['_dlt_load_id', '_cx_row'] -%}
        {%- do types.update({name: sql_types.get(type, type)}) -%}
    {%- endfor -%}
    {{ return(types) }}
{% endmacro %}

{# Files of completed loads: {dataset: {table: 'path', 'path', … as SQL list items}}. #}
{% macro duckdb__completed_files(lake_root) %}
    {%- set found = {} -%}
    {%- if lake_root -%}
        {%- set rows = run_query("
            with parts as (
                select
                    file
                    , split_part(substr(file, length('" ~ lake_root ~ "') + 2), '/', 1) as dataset
                    , split_part(substr(file, length('" ~ lake_root ~ "') + 2), '/', 2) as table_name
                    , split_part(substr(file, length('" ~ lake_root ~ "') + 2), '/', 3) as file_name
                from glob('" ~ lake_root ~ "/*/*/*')
            )
            , completed as (
                select distinct dataset, regexp_extract(file_name, '__([0-9]+[.][0-9]+)[.]jsonl$', 1) as load_id
                from parts
                where table_name = '_dlt_loads'
            )
            select parts.dataset, parts.table_name
                , string_agg('''' || replace(parts.file, '''', '''''') || '''', ', ' order by parts.file) as files
            from parts
            inner join completed
                on parts.dataset = completed.dataset
                and regexp_extract(parts.file_name, '^([0-9]+[.][0-9]+)[.]', 1) = completed.load_id
            where parts.table_name not like '\\_dlt%' escape '\\' and parts.file_name like '%.parquet'
                and completed.load_id <> ''
            group by 1, 2") -%}
        {%- for row in rows -%}
            {%- do found.setdefault(row[0], {}).update({row[1]: row[2]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{% endmacro %}

{% macro duckdb__create_lake_view(relation, types, found, with_dataset) %}
    {%- set types = types.copy() -%}
    {%- do types.update({'_dlt_load_id': 'string', '_cx_row': 'bigint'}) -%}
    {%- set sql -%}
create or replace view {{ relation }} as
        {%- for part in found or [none] %}
select
            {%- if with_dataset %}
    {{ "'" ~ part.dataset ~ "'" if part else 'cast(null as string)' }} as dataset,
    {{ "'" ~ part.dataset.split('__')[0] ~ "'" if part else 'cast(null as string)' }} as source_system,
            {%- endif %}
    {{ "'" ~ part.dataset.split('__', 1)[1] ~ "'" if part else 'cast(null as string)' }} as source_account,
            {%- for name, type in types.items() %}
    cast({{ adapter.quote(name) }} as {{ type }}) as {{ adapter.quote(name) }},
            {%- endfor %}
    make_timestamp(cast(cast(_dlt_load_id as double) * 1000000 as bigint)) as extracted_at
from (
    {#- The empty branch gives declared columns that no file has; by name, so that files may have more. #}
    select {% for name, type in types.items() %}cast(null as {{ type }}) as {{ adapter.quote(name) }}{{ ', ' if not loop.last }}{% endfor %} where false
            {%- if part %}
    union all by name
    select * from read_parquet([{{ part.files }}], union_by_name = true)
            {%- endif %}
) as files
            {%- if not loop.last %}
union all
            {%- endif %}
        {%- endfor %}
    {%- endset -%}
    {%- do run_query('create schema if not exists ' ~ relation.without_identifier()) -%}
    {%- do run_query(sql) -%}
{% endmacro %}
