{#
  Whole units of `total` for a row, so that the rows of a group add up to `total` exactly: each row gets the whole part of
  its share, and the units left over go to the largest remainders, ties to the smaller `tie`.
  Args: whole, remainder: columns made by whole_units and unit_remainder of the same share; total: units of the group (bigint);
  group, tie: columns.
#}
{% macro largest_remainder(whole, remainder, total, group, tie) -%}
    {{ whole }} + case
        when row_number() over (partition by {{ group }} order by {{ remainder }} desc, {{ tie }})
            <= {{ total }} - sum({{ whole }}) over (partition by {{ group }}) then 1
        else 0
    end
{%- endmacro %}

{% macro whole_units(share, total) -%}
    cast(floor({{ share }} * {{ total }}) as bigint)
{%- endmacro %}

{# Rounded, so that equal shares tie although floating-point products differ in the last bit. #}
{% macro unit_remainder(share, total) -%}
    round({{ share }} * {{ total }} - floor({{ share }} * {{ total }}), 6)
{%- endmacro %}
