{# Every conversion has credits under every method, and they are the conversion and its revenue, exactly. #}
with methods as (
    {% for method in attribution_methods() -%}
    select '{{ method }}' as method{% if not loop.last %} union all{% endif %}
    {% endfor %}
)

, credits as (
    select
        conversion_key
        , method
        , sum(conversion_credit) as conversion_credit
        , sum(revenue_credit) as revenue_credit
    from {{ ref('mart_attribution_credit') }}
    group by conversion_key, method
)

select
    c.conversion_key
    , m.method
    , k.conversion_credit
    , k.revenue_credit
    , c.revenue
from {{ ref('int_attribution__conversions') }} as c
cross join methods as m
full outer join credits as k on c.conversion_key = k.conversion_key and m.method = k.method
where c.conversion_key is null or k.conversion_key is null
    or k.conversion_credit <> 1 or k.revenue_credit is distinct from c.revenue
