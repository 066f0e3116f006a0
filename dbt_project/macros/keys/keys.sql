{# Keys and tie-breakers. Arguments are SQL expressions. #}

{# Primary key of a conformed row; null when the id is null. #}
{% macro entity_key(source_system, source_account, source_object, source_id) -%}
    md5({{ source_system }} || '|' || {{ source_account }} || '|' || {{ source_object }} || '|' || {{ source_id }})
{%- endmacro %}

{# Surrogate key over several expressions; a null counts as its own value. #}
{% macro row_key(expressions) -%}
    md5({% for e in expressions %}coalesce(cast({{ e }} as string), '~'){% if not loop.last %} || '|' || {% endif %}{% endfor %})
{%- endmacro %}

{#
  Order of loads: load ids are seconds since 1970 with up to seven decimals, so they compare as numbers. 18 digits are as
  many as the fast decimal holds: with decimal(28, 9) DuckDB 1.5.5 reads a million ids in 16 s instead of 0.04 s.
#}
{% macro load_order(column='_dlt_load_id') -%}
    cast({{ column }} as decimal(18, 7))
{%- endmacro %}

{#
  Latest version of each key: highest `version`, then latest load, then last row of that load (a total order).
  Args: relation; key: list of columns; version: expression or none.
  Gives a sub-query in brackets with the relation's columns and `version_rank` = 1.
#}
{% macro latest_version(relation, key, version=none) -%}
    (
        select * from (
            select
                *
                , row_number() over (
                    partition by {{ key | join(', ') }}
                    order by {% if version %}{{ version }} desc nulls last, {% endif %}{{ load_order() }} desc, _cx_row desc
                ) as version_rank
            from {{ relation }}
        ) as ranked
        where version_rank = 1
    )
{%- endmacro %}

{#
  Rows of `latest` (one per source_account and `id`) that were deleted: a tombstone came in the load of the current version
  or later. A record that was landed again after its tombstone lives. deleted_at is the first time known after that version.
  Args: latest: relation or CTE; id: its id expression; tombstones: relation of <table>__deletes.
  Gives source_account, source_id, deleted_at.
#}
{% macro deletions(latest, id, tombstones) -%}
    select
        latest_rows.source_account
        , {{ id }} as source_id
        , min(coalesce(tombstones.deleted_at, tombstones.detected_at)) as deleted_at
    from {{ latest }} as latest_rows
    inner join {{ tombstones }} as tombstones
        on latest_rows.source_account = tombstones.source_account
        and {{ id }} = tombstones.source_id
        and {{ load_order('tombstones._dlt_load_id') }} >= {{ load_order('latest_rows._dlt_load_id') }}
    group by 1, 2
{%- endmacro %}
