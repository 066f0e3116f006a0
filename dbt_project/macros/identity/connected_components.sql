{#
  Connected components of an undirected graph, computed in the warehouse in rounds (no recursion, so it runs on every
  engine). Each round hooks every node and its parent onto the smallest grandparent among the neighbours, then halves
  the paths by pointer jumping (FastSV: Zhang, Azad, Hu 2020). Rounds grow with log2 of the longest path, not with the
  path. It ends when no edge joins two labels and every label labels itself, which is the proof itself.

  Args:
    owner: relation of the calling model; helper tables are named after it.
    edges_sql: query that gives (node_a, node_b) as text; direction and repetition do not matter.
  Returns a dict: nodes = relation (node_id, node_key); labels = relation (node_id, parent), where parent is the
  node_id of the smallest node_key of the component.
  Raises a compiler error when the rounds do not end.
#}
{% macro connected_components(owner, edges_sql) %}
    {%- set nodes = helper_table(owner, 'nodes') -%}
    {%- set edges = helper_table(owner, 'edges') -%}
    {%- set tables = [helper_table(owner, 'labels_0'), helper_table(owner, 'labels_1')] -%}
    {%- set pairs = helper_table(owner, 'pairs') -%}
    {%- do create_helper_table(pairs, 'select distinct least(node_a, node_b) as node_a, greatest(node_a, node_b) as node_b from ('
        ~ edges_sql ~ ') as given where node_a <> node_b') -%}
    {%- do create_helper_table(nodes, 'select row_number() over (order by node_key) as node_id, node_key from ('
        ~ 'select node_a as node_key from ' ~ pairs ~ ' union select node_b from ' ~ pairs ~ ') as named') -%}
    {%- do create_helper_table(edges, 'select a.node_id as a, b.node_id as b from ' ~ pairs ~ ' as p join ' ~ nodes
        ~ ' as a on p.node_a = a.node_key join ' ~ nodes ~ ' as b on p.node_b = b.node_key') -%}
    {%- do create_helper_table(tables[0], 'select node_id, node_id as parent, node_id as grand from ' ~ nodes) -%}

    {%- set labels = repeat_while_open(owner, tables, 'edges or labels', open_labels_sql, next_labels_sql, edges)[0] -%}
    {{ return({'nodes': nodes, 'labels': labels, 'edges': edges}) }}
{% endmacro %}

{% macro next_labels_sql(labels, edges) -%}
    with hooked as (
        select node_id, min(candidate) as parent
        from (
            select e.a as node_id, lb.grand as candidate
            from {{ edges }} as e join {{ labels }} as lb on e.b = lb.node_id
            union all
            select e.b, la.grand
            from {{ edges }} as e join {{ labels }} as la on e.a = la.node_id
            union all
            select case when la.grand > lb.grand then la.parent else lb.parent end, least(la.grand, lb.grand)
            from {{ edges }} as e
            join {{ labels }} as la on e.a = la.node_id
            join {{ labels }} as lb on e.b = lb.node_id
            where la.grand <> lb.grand
            union all
            select node_id, grand from {{ labels }}
        ) as candidates
        group by node_id
    )
    select h.node_id, h.parent, g.parent as grand
    from hooked as h
    join hooked as g on h.parent = g.node_id
{%- endmacro %}

{# Edges that join two labels, and nodes whose label is not a root. #}
{% macro open_labels_sql(labels, edges) -%}
    select
        (select count(*) from {{ edges }} as e
            join {{ labels }} as la on e.a = la.node_id
            join {{ labels }} as lb on e.b = lb.node_id
            where la.parent <> lb.parent)
        + (select count(*) from {{ labels }} where parent <> grand) as open_count
{%- endmacro %}

{#
  Cuts components that hold records which must not be one customer: every node goes to the nearest of these records
  by number of edges, ties to the smaller record (breadth first from all of them at once). Edges between two parts
  are thereby cut. Returns the relation (node_id, seed_id, distance); empty when nothing is to be cut.

  Args: owner; graph: result of connected_components; pairs_sql: query (node_a, node_b) of forbidden pairs.
#}
{% macro cut_components(owner, graph, pairs_sql) %}
    {%- set tables = [helper_table(owner, 'cut_0'), helper_table(owner, 'cut_1')] -%}
    {%- do create_helper_table(tables[0], forbidden_seeds_sql(graph, pairs_sql)) -%}
    {%- set state = namespace(cut=tables[0], reached=first_value_of('select count(*) from ' ~ tables[0]), done=false) -%}
    {%- if state.reached == 0 -%}{%- set state.done = true -%}{%- endif -%}
    {#- A round reaches one edge further, so a part is as deep as the rounds it took. -#}
    {%- for round in range(1000) if not state.done -%}
        {%- set next_cut = tables[(round + 1) % 2] -%}
        {%- do create_helper_table(next_cut, next_cut_sql(graph.edges, state.cut)) -%}
        {%- set reached = first_value_of('select count(*) from ' ~ next_cut) -%}
        {%- set state.done = reached == state.reached -%}
        {%- set state.reached = reached -%}
        {%- set state.cut = next_cut -%}
    {%- endfor -%}
    {%- if not state.done -%}
        {{ exceptions.raise_compiler_error(owner.identifier ~ ': the cut of never-merge pairs did not end after 1000 rounds.') }}
    {%- endif -%}
    {{ return(state.cut) }}
{% endmacro %}

{% macro forbidden_seeds_sql(graph, pairs_sql) -%}
    with broken as (
        select na.node_id as a, nb.node_id as b
        from ({{ pairs_sql }}) as p
        join {{ graph.nodes }} as na on p.node_a = na.node_key
        join {{ graph.nodes }} as nb on p.node_b = nb.node_key
        join {{ graph.labels }} as la on na.node_id = la.node_id
        join {{ graph.labels }} as lb on nb.node_id = lb.node_id
        where la.parent = lb.parent and na.node_id <> nb.node_id
    )
    select node_id, node_id as seed_id, cast(0 as bigint) as distance
    from (select a as node_id from broken union select b from broken) as seeds
{%- endmacro %}

{% macro next_cut_sql(edges, cut) -%}
    select node_id, seed_id, distance
    from (
        select node_id, seed_id, distance, row_number() over (partition by node_id order by distance, seed_id) as place
        from (
            select node_id, seed_id, distance from {{ cut }}
            union all
            select e.b, c.seed_id, c.distance + 1 from {{ edges }} as e join {{ cut }} as c on e.a = c.node_id
            union all
            select e.a, c.seed_id, c.distance + 1 from {{ edges }} as e join {{ cut }} as c on e.b = c.node_id
        ) as offers
    ) as ranked
    where place = 1
{%- endmacro %}
