{#
  Which records a build has to resolve again: int_identity__scope. It holds every record whose evidence changed and every
  record that these reach over shared identifiers, merges and manual rules, in the evidence of before and of now. Nothing
  outside it shares evidence with anything inside, so what the models say of one side does not depend on the other.

  Models of the chain delete what they said of the scope and say it anew. The scope is emptied by the last of them: after a
  build that broke off, what it had reached is resolved again together with what changed since.
#}

{% macro scope_relation() %}
    {{ return(api.Relation.create(database=this.database, schema=this.schema, identifier='int_identity__scope')) }}
{% endmacro %}

{# Whether a build adds to the tables of an earlier one. Unit tests have no table. #}
{% macro is_resumed() %}
    {{ return(is_incremental() if this is not none else false) }}
{% endmacro %}

{# Condition: the record is in the scope. Always true in a full build. #}
{% macro in_scope(column) -%}
    {%- if is_resumed() -%}
        {{ column }} in (select customer_key from {{ scope_relation() }})
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#
  Pre hook: deletes what the model said of the scope before.
  Args: column: the record; group: column whose groups lie in the scope as a whole, where rows are not of records only.
#}
{% macro forget_scope(column, group=none) -%}
    {%- if is_resumed() -%}
        delete from {{ this }}
        where {% if group %}{{ group }} in (select {{ group }} from {{ this }} where {{ in_scope(column) }}){% else %}{{ in_scope(column) }}{% endif %}
    {%- endif -%}
{%- endmacro %}

{# What identity reads of a record itself, as one value; alias: relation with the columns of cx_customer. #}
{% macro record_version(alias) -%}
    {{ row_key([
        alias ~ '.source_created_at', alias ~ '.first_seen_at', alias ~ '.master_customer_key'
        , 'case when ' ~ alias ~ '.master_customer_key is not null then coalesce(' ~ alias ~ '.deleted_at, ' ~ alias ~ '.source_updated_at) end'
        , alias ~ '.source_system', alias ~ '.source_account'
    ]) }}
{%- endmacro %}

{#
  Models, manual rules, lists and settings as one value: another value means that everything is resolved again. Macros
  are not among them: `cx run` builds from scratch after any change of the project, dbt itself needs --full-refresh.
#}
{% macro identity_rules_version() %}
    {%- set parts = [] -%}
    {%- for node in graph.nodes.values() | sort(attribute='unique_id')
        if node.resource_type == 'model' and node.fqn[1:3] == ['intermediate', 'identity'] -%}
        {%- do parts.append(node.name ~ '=' ~ local_md5(node.raw_code)) -%}
    {%- endfor -%}
    {%- for name in ['identity_cluster_min_trust', 'identity_max_users_per_identifier', 'identity_max_emails_per_phone',
                     'identity_max_records_per_identifier', 'identity_own_email_domains'] -%}
        {%- do parts.append(name ~ '=' ~ identity_setting(name)) -%}
    {%- endfor -%}
    {%- for seed, columns in {
        'identity_refused_values': ['id_type', 'match_kind', 'match_value', 'reason'],
        'identity_anchor_rank': ['id_type', 'anchor_rank'],
        'identity_always_merge': ['left_customer_ref', 'right_customer_ref', 'decided_date'],
        'identity_never_merge': ['left_customer_ref', 'right_customer_ref', 'decided_date'],
    }.items() -%}
        {%- set row = row_key(columns) -%}
        {%- do parts.append(first_value_of("select coalesce(md5(" ~ string_agg_ordered(row, ';', row) ~ "), '') from "
            ~ graph.nodes['seed.cx.' ~ seed].relation_name)) -%}
    {%- endfor -%}
    {{ return(local_md5(parts | join('#'))) }}
{% endmacro %}

{# Helper table with the version of the rules: `wanted` by the build under way, `built` by the last that ended. #}
{% macro rules_table(which) %}
    {{ return(api.Relation.create(database=this.database, schema=this.schema, identifier='int_identity__scope__rules_' ~ which)) }}
{% endmacro %}

{#
  dbt's own rule, and: identity models are built from scratch when they stand by other rules than those of now, all other
  incremental models when there is no list of what changed since they were built (macros/web/scope.sql).
#}
{% macro should_full_refresh() %}
    {%- set asked = config.get('full_refresh') -%}
    {%- if asked is none -%}{%- set asked = flags.FULL_REFRESH -%}{%- endif -%}
    {%- if not asked and is_building() and config.get('materialized') == 'incremental' and model.fqn[1:3] != ['intermediate', 'identity'] -%}
        {%- set asked = not is_web_resumed() -%}
    {%- elif not asked and is_building() and model.fqn[1:3] == ['intermediate', 'identity'] -%}
        {%- if not is_built('int_identity__scope__rules_built') -%}
            {%- set asked = true -%}
        {%- else -%}
            {%- set wanted = "'" ~ identity_rules_version() ~ "'" if model.name == 'int_identity__scope'
                else '(select max(rules_version) from ' ~ rules_table('wanted') ~ ')' -%}
            {%- set asked = first_value_of('select max(rules_version) = ' ~ wanted ~ ' from ' ~ rules_table('built')) != true -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(asked) }}
{% endmacro %}

{# Post hook of the last model: all that the scope holds is resolved by the rules of now. #}
{% macro close_scope() %}
    {%- if is_building() -%}
        {%- do create_helper_table(rules_table('built'), 'select rules_version from ' ~ rules_table('wanted')) -%}
        delete from {{ scope_relation() }}
    {%- endif -%}
{% endmacro %}

{# Whether a table of an earlier build is there, in the schema of the model. #}
{% macro is_built(identifier) %}
    {{ return(is_there(api.Relation.create(database=this.database, schema=this.schema, identifier=identifier))) }}
{% endmacro %}

{% macro is_there(relation) %}
    {{ return(adapter.get_relation(database=relation.database, schema=relation.schema, identifier=relation.identifier) is not none) }}
{% endmacro %}

{#
  Creates the helper table `reached` (customer_key): changed records, and all that they reach.
  Args: owner: int_identity__scope. Returns the helper table, or none when everything is to be resolved.
#}
{% macro reach_scope(owner) %}
    {%- for table in ['identifiers', 'edges', 'components', 'clusters', 'customer_map', 'links', 'aliases'] -%}
        {%- if not is_built('int_identity__' ~ table) -%}{{ return(none) }}{%- endif -%}
    {%- endfor -%}
    {%- set built = api.Relation.create(database=owner.database, schema=owner.schema, identifier='int_identity__identifiers') -%}
    {%- set mapped = api.Relation.create(database=owner.database, schema=owner.schema, identifier='int_identity__customer_map') -%}
    {%- set built_edges = api.Relation.create(database=owner.database, schema=owner.schema, identifier='int_identity__edges') -%}
    {%- set reached = helper_table(owner, 'reached') -%}
    {%- set nodes = helper_table(owner, 'reached_nodes') -%}
    {%- set frontier = helper_table(owner, 'frontier') -%}
    {%- set pairs = helper_table(owner, 'pairs') -%}
    {#- Evidence that is no identifier, as a node that both records hold. -#}
    {%- do create_helper_table(pairs, "
        select customer_key, master_customer_key as node_key from " ~ ref('cx_customer') ~ " where master_customer_key is not null
        union select master_customer_key, master_customer_key from " ~ ref('cx_customer') ~ " where master_customer_key is not null
        union select md5(left_customer_ref), md5(left_customer_ref || right_customer_ref) from " ~ ref('identity_always_merge') ~ "
        union select md5(right_customer_ref), md5(left_customer_ref || right_customer_ref) from " ~ ref('identity_always_merge') ~ "
        union select md5(left_customer_ref), md5(left_customer_ref || right_customer_ref) from " ~ ref('identity_never_merge') ~ "
        union select md5(right_customer_ref), md5(left_customer_ref || right_customer_ref) from " ~ ref('identity_never_merge')) -%}
    {%- do create_helper_table(reached, "
        select coalesce(h.customer_key, b.customer_key) as customer_key
        from " ~ ref('int_identity__held') ~ " as h
        full outer join " ~ built ~ " as b on h.identifier_edge_key = b.identifier_edge_key
        where h.identifier_edge_key is null or b.identifier_edge_key is null or h.trust is distinct from b.trust
            or h.observed_at is distinct from b.observed_at or h.valid_to is distinct from b.valid_to
            or h.source_system is distinct from b.source_system or h.source_account is distinct from b.source_account
        union
        select coalesce(c.customer_key, m.customer_key)
        from " ~ ref('cx_customer') ~ " as c
        full outer join " ~ mapped ~ " as m on c.customer_key = m.customer_key
        where c.customer_key is null or m.customer_key is null or m.record_version <> " ~ record_version('c') ~ "
        union
        select customer_key from " ~ owner) -%}
    {#- What the changed records held before; of all others this is what they hold now. -#}
    {%- do create_helper_table(frontier, "
        select identifier_key as node_key from " ~ built ~ " where customer_key in (select customer_key from " ~ reached ~ ")
        union
        select node_b from " ~ built_edges ~ " where edge_type <> 'identifier' and node_a in (select customer_key from " ~ reached ~ ")
        union
        select node_key from (" ~ held_nodes_sql(pairs) ~ ") as held where customer_key in (select customer_key from " ~ reached ~ ")") -%}
    {%- do create_helper_table(nodes, 'select node_key from ' ~ frontier) -%}
    {%- set state = namespace(open=first_value_of('select count(*) from ' ~ frontier), rounds=0) -%}
    {#- A round goes one record further. Longer chains than this are one customer of a thousand records: resolve all. -#}
    {%- for round in range(100) if state.open != 0 -%}
        {%- set records = helper_table(owner, 'records') -%}
        {%- do create_helper_table(records, 'select distinct customer_key from (' ~ held_nodes_sql(pairs) ~ ') as held'
            ~ ' where node_key in (select node_key from ' ~ frontier ~ ') and customer_key not in (select customer_key from ' ~ reached ~ ')') -%}
        {%- do run_query('insert into ' ~ reached ~ ' select customer_key from ' ~ records) -%}
        {%- do create_helper_table(frontier, 'select distinct node_key from (' ~ held_nodes_sql(pairs) ~ ') as held'
            ~ ' where customer_key in (select customer_key from ' ~ records ~ ') and node_key not in (select node_key from ' ~ nodes ~ ')') -%}
        {%- do run_query('insert into ' ~ nodes ~ ' select node_key from ' ~ frontier) -%}
        {%- set state.open = first_value_of('select count(*) from ' ~ frontier) -%}
        {%- set state.rounds = round + 1 -%}
    {%- endfor -%}
    {{ log(owner.identifier ~ ': ' ~ first_value_of('select count(*) from ' ~ reached) ~ ' records after ' ~ state.rounds ~ ' rounds', info=false) }}
    {{ return(none if state.open != 0 else reached) }}
{% endmacro %}

{# Records with all that connects them: identifiers that no list refuses, and `pairs`. #}
{% macro held_nodes_sql(pairs) -%}
    select customer_key, identifier_key as node_key from {{ ref('int_identity__held') }} where refused_reason is null
    union all
    select customer_key, node_key from {{ pairs }}
{%- endmacro %}
