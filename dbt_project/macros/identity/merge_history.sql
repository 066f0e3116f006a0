{#
  When each node stopped having a name of its own. Links are followed in the order of their time: of two clusters that
  a link joins, the one with the senior node keeps its name (the elder rule of single linkage).

  Computed without recursion: each node keeps its earliest link to a senior one. A later link of the node joins seniors
  that are one with it by then, so it is handed on to them (merge trees as triplets: Smirnov, Morozov 2017). It ends
  when no node has two links, which is the proof itself.

  Args:
    owner: relation of the calling model; helper tables are named after it.
    links_sql: query that gives (junior, senior, linked_at, link_key): numbers of nodes, senior < junior; linked_at not
      null; (linked_at, link_key) total.
  Returns the relation (junior, senior, linked_at, link_key): one row per node that was joined to a senior one; senior
  names the cluster right after linked_at.
  Raises a compiler error when the rounds do not end.
#}
{% macro merge_history(owner, links_sql) %}
    {%- set tables = [helper_table(owner, 'links_0'), helper_table(owner, 'links_1')] -%}
    {%- do create_helper_table(tables[0], 'select junior, senior, linked_at, link_key from '
        ~ earliest_links_sql('(' ~ links_sql ~ ') as given')) -%}
    {%- set handed = repeat_while_open(owner, tables, 'links', open_juniors_sql, handed_links_sql) -%}
    {{ return(repeat_while_open(owner, handed, 'links', open_seniors_sql, followed_links_sql)) }}
{% endmacro %}

{# Of several links of one pair the earliest; a sub-query in brackets. #}
{% macro earliest_links_sql(links) -%}
    (
        select * from (
            select
                junior, senior, linked_at, link_key
                , row_number() over (partition by junior, senior order by linked_at, link_key) as place
            from {{ links }}
        ) as ranked
        where place = 1
    ) as earliest
{%- endmacro %}

{% macro open_juniors_sql(links) -%}
    select count(*) - count(distinct junior) as open_count from {{ links }}
{%- endmacro %}

{# The earliest link of a node stays; each later one joins its senior with the most senior of the earlier ones. #}
{% macro handed_links_sql(links) -%}
    with ordered as (
        select
            junior
            , senior
            , linked_at
            , link_key
            , min(senior) over (
                partition by junior order by linked_at, link_key rows between unbounded preceding and 1 preceding
            ) as known_senior
        from {{ links }}
    )
    , handed as (
        select
            case when known_senior is null then junior else greatest(senior, known_senior) end as junior
            , case when known_senior is null then senior else least(senior, known_senior) end as senior
            , linked_at
            , link_key
        from ordered
        where known_senior is null or senior <> known_senior
    )
    select junior, senior, linked_at, link_key from {{ earliest_links_sql('handed') }}
{%- endmacro %}

{% macro open_seniors_sql(links) -%}
    select count(*) as open_count
    from {{ links }} as l
    join {{ links }} as up on l.senior = up.junior and up.linked_at <= l.linked_at
{%- endmacro %}

{# A senior that had itself been joined by then gives way to the one that took its name. #}
{% macro followed_links_sql(links) -%}
    select l.junior, coalesce(up.senior, l.senior) as senior, l.linked_at, l.link_key
    from {{ links }} as l
    left join {{ links }} as up on l.senior = up.junior and up.linked_at <= l.linked_at
{%- endmacro %}
