{#
  Confidence intervals at 95 %. Arguments are SQL expressions of counts or sums; every macro gives a double,
  null when n is 0 or null (written out: greatest and least pass over nulls). 1.959963984540054 is the 97.5 % quantile of the normal distribution.
#}

{% macro z_95() -%} 1.959963984540054e0 {%- endmacro %}

{# Share of hits. #}
{% macro share(hits, n) -%}
    (cast({{ hits }} as double) / nullif(cast({{ n }} as double), 0))
{%- endmacro %}

{#
  Wilson interval of a share (Wilson 1927): centre (p + z²/2n) / (1 + z²/n), half width
  z·sqrt(p(1−p)/n + z²/4n²) / (1 + z²/n). Its ends are exactly 0 and 1 for 0 and n hits;
  rounding would leave them a hair inside.
#}
{% macro wilson_low(hits, n) -%}
    case when {{ n }} > 0 and {{ hits }} = 0 then 0e0 when {{ n }} > 0 then {{ wilson_bound(hits, n, '-') }} end
{%- endmacro %}
{% macro wilson_high(hits, n) -%}
    case when {{ n }} > 0 and {{ hits }} = {{ n }} then 1e0 when {{ n }} > 0 then {{ wilson_bound(hits, n, '+') }} end
{%- endmacro %}
{% macro wilson_bound(hits, n, sign) -%}
    {%- set p = share(hits, n) -%}
    {%- set m = 'nullif(cast(' ~ n ~ ' as double), 0)' -%}
    {%- set z = z_95() -%}
    least(greatest((
        {{ p }} + {{ z }} * {{ z }} / (2 * {{ m }})
        {{ sign }} {{ z }} * sqrt({{ p }} * (1 - {{ p }}) / {{ m }} + {{ z }} * {{ z }} / (4 * {{ m }} * {{ m }}))
    ) / (1 + {{ z }} * {{ z }} / {{ m }}), 0e0), 1e0)
{%- endmacro %}

{# Net promoter score in points, -100 to 100. #}
{% macro nps(promoters, detractors, n) -%}
    (100e0 * (cast({{ promoters }} as double) - cast({{ detractors }} as double)) / nullif(cast({{ n }} as double), 0))
{%- endmacro %}

{#
  Interval of the net promoter score. Var = (p + d − (p − d)²) / n (metric page of nps).
  Below var nps_adjusted_wald_below responses the adjusted Wald interval is taken: 3 is added to n and ¾ to promoters and
  to detractors (Rocks, The American Statistician 70(4), 2016), because the plain one is too narrow there and has
  width 0 when all answers are alike.
#}
{% macro nps_low(promoters, detractors, n) -%}{{ nps_bound(promoters, detractors, n, '-') }}{%- endmacro %}
{% macro nps_high(promoters, detractors, n) -%}{{ nps_bound(promoters, detractors, n, '+') }}{%- endmacro %}
{% macro nps_bound(promoters, detractors, n, sign) -%}
    {%- set small = n ~ ' < ' ~ var('nps_adjusted_wald_below', 100) -%}
    {%- set plain = nps_wald_bound(promoters, detractors, n, sign, 0) -%}
    {%- set adjusted = nps_wald_bound(promoters, detractors, n, sign, 3) -%}
    case
        when {{ n }} > 0 and {{ small }} then {{ adjusted }}
        when {{ n }} > 0 then {{ plain }}
    end
{%- endmacro %}
{% macro nps_wald_bound(promoters, detractors, n, sign, added) -%}
    {%- set m = '(cast(' ~ n ~ ' as double) + ' ~ added ~ ')' -%}
    {%- set p = '((cast(' ~ promoters ~ ' as double) + ' ~ added / 4 ~ 'e0) / ' ~ m ~ ')' -%}
    {%- set d = '((cast(' ~ detractors ~ ' as double) + ' ~ added / 4 ~ 'e0) / ' ~ m ~ ')' -%}
    least(greatest(100e0 * (
        {{ p }} - {{ d }}
        {{ sign }} {{ z_95() }} * sqrt(greatest({{ p }} + {{ d }} - ({{ p }} - {{ d }}) * ({{ p }} - {{ d }}), 0e0) / {{ m }})
    ), -100e0), 100e0)
{%- endmacro %}

{#
  97.5 % quantile of Student's t with `df` degrees of freedom by the Cornish-Fisher expansion (Abramowitz and Stegun
  26.7.5, four terms). Off by 0.00003 at 8 degrees of freedom and by 0.0000003 at 19; means are published from 20
  responses on.
#}
{% macro t_95(df) -%}
    {%- set v = 'nullif(cast(' ~ df ~ ' as double), 0)' -%}
    (
        {{ z_95() }}
        + 2.3722712e0 / {{ v }}
        + 2.8225e0 / ({{ v }} * {{ v }})
        + 2.5558e0 / ({{ v }} * {{ v }} * {{ v }})
        + 1.5895e0 / ({{ v }} * {{ v }} * {{ v }} * {{ v }})
    )
{%- endmacro %}

{#
  t-interval of a mean from sums that are exact in decimals, so that the order of rows cannot change the last digit.
  Args: total = sum(x), squares = sum(x·x), n = count(x). Null below 2 rows.
#}
{% macro mean_low(total, squares, n) -%}{{ mean_bound(total, squares, n, '-') }}{%- endmacro %}
{% macro mean_high(total, squares, n) -%}{{ mean_bound(total, squares, n, '+') }}{%- endmacro %}
{% macro mean_bound(total, squares, n, sign) -%}
    {%- set m = 'nullif(cast(' ~ n ~ ' as double), 0)' -%}
    {%- set t = 'cast(' ~ total ~ ' as double)' -%}
    {%- set q = 'cast(' ~ squares ~ ' as double)' -%}
    case when {{ n }} >= 2 then
        {{ t }} / {{ m }} {{ sign }} {{ t_95(n ~ ' - 1') }}
            * sqrt(greatest({{ q }} - {{ t }} * {{ t }} / {{ m }}, 0e0) / ({{ m }} - 1) / {{ m }})
    end
{%- endmacro %}
