{# Statistics of shares. Arguments are SQL expressions of doubles. #}

{# Log-likelihood of x hits in n at the rate x / n, without the constant: 0 where all or none hit. #}
{% macro binomial_likelihood(x, n) -%}
    case when {{ x }} > 0 and {{ x }} < {{ n }}
        then {{ x }} * ln({{ x }} / {{ n }}) + ({{ n }} - {{ x }}) * ln(({{ n }} - {{ x }}) / {{ n }})
        else 0e0 end
{%- endmacro %}

{# Squared distance of x hits in n from the rate p, in variances; 0 where p leaves no room. #}
{% macro pearson_part(x, n, p) -%}
    case when {{ p }} > 0 and {{ p }} < 1
        then ({{ x }} - {{ n }} * {{ p }}) * ({{ x }} - {{ n }} * {{ p }}) / ({{ n }} * {{ p }} * (1 - {{ p }}))
        else 0e0 end
{%- endmacro %}

{#
  z that a standard normal exceeds with the small probability p (Abramowitz and Stegun 26.2.23, off by at most 0.00045).
#}
{% macro normal_quantile_upper(p) -%}
    {%- set t = 'sqrt(-2 * ln(' ~ p ~ '))' -%}
    (
        {{ t }} - (2.515517e0 + 0.802853e0 * {{ t }} + 0.010328e0 * {{ t }} * {{ t }})
        / (1e0 + 1.432788e0 * {{ t }} + 0.189269e0 * {{ t }} * {{ t }} + 0.001308e0 * {{ t }} * {{ t }} * {{ t }})
    )
{%- endmacro %}

{# Probability that a standard normal lies below z (Bowling and others 2009, off by at most 0.00014). #}
{% macro normal_below(z) -%}
    (1e0 / (1e0 + exp(-(1.5976e0 * ({{ z }}) + 0.07056e0 * ({{ z }}) * ({{ z }}) * ({{ z }})))))
{%- endmacro %}

{#
  Rate of a segment drawn towards the rate of its parent, as if that many entries of the parent (0 for the parent
  itself) had been seen in the segment: the mean of a beta distribution.
#}
{% macro shrunken(hits, n, parent, strength) -%}
    (({{ hits }} + {{ strength }} * {{ parent }}) / nullif({{ n }} + {{ strength }}, 0))
{%- endmacro %}
