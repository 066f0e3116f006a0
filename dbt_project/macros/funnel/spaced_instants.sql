{#
  Aggregate: array of the instants of x from which a window of `hours` can be laid without overlap: the earliest one,
  then each earliest one at least `hours` after the one taken before.
#}
{% macro spaced_instants(x, hours) %}{{ return(adapter.dispatch('spaced_instants', 'cx')(x, hours)) }}{% endmacro %}
{% macro duckdb__spaced_instants(x, hours) -%}
    list_reduce(
        list_transform(list({{ x }} order by {{ x }}), lambda t: [t])
        , lambda taken, t: case when t[1] >= taken[-1] + {{ hours }} * interval '1' hour then list_concat(taken, t) else taken end
    )
{%- endmacro %}
{% macro spark__spaced_instants(x, hours) -%}
    aggregate(
        array_sort(collect_set({{ x }}))
        , cast(array() as array<timestamp>)
        , (taken, t) -> case
            when size(taken) = 0 or t >= element_at(taken, -1) + {{ hours }} * interval '1' hour then concat(taken, array(t))
            else taken
        end
    )
{%- endmacro %}
