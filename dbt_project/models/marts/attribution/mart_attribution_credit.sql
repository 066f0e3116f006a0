{#- A conversion is shared in millionths, its revenue in cents: both add up exactly. -#}
with methods as (
    {% for method in attribution_methods() -%}
    select '{{ method }}' as method{% if not loop.last %} union all{% endif %}
    {% endfor %}
)

, weighted as (
    select
        w.conversion_key
        , w.step_order
        , w.step_count
        , w.channel_group
        , case when m.method = 'first' then w.first_session_key else w.last_session_key end as session_key
        , m.method
        , case m.method
            {%- for method in attribution_methods() %}
            when '{{ method }}' then w.{{ method }}_weight
            {%- endfor %}
        end as weight
    from {{ ref('int_attribution__weights') }} as w
    cross join methods as m
)

-- A conversion that nothing is known to have led to is a row too: totals of every method are the same.
, earning as (
    select
        c.conversion_key
        , c.converted_at
        , c.conversion_date
        , c.revenue
        , m.method
        , coalesce(w.step_order, 0) as step_order
        , coalesce(w.step_count, 0) as step_count
        , coalesce(w.channel_group, 'Unattributed') as channel_group
        , w.session_key
        , coalesce(w.weight, 1.0) as weight
        , cast(floor(c.revenue * 100) as bigint) as cents
    from {{ ref('int_attribution__conversions') }} as c
    cross join methods as m
    left join weighted as w on c.conversion_key = w.conversion_key and m.method = w.method
    where w.conversion_key is null or w.weight > 0
)

, units as (
    select
        *
        , {{ whole_units('weight', '1000000') }} as whole_millionths
        , {{ unit_remainder('weight', '1000000') }} as millionth_remainder
        , {{ whole_units('weight', 'cents') }} as whole_cents
        , {{ unit_remainder('weight', 'cents') }} as cent_remainder
    from earning
)

, shared as (
    select
        *
        , {{ largest_remainder('whole_millionths', 'millionth_remainder', '1000000', 'conversion_key, method', 'step_order') }} as millionths
        , {{ largest_remainder('whole_cents', 'cent_remainder', 'cents', 'conversion_key, method', 'step_order') }} as share_cents
        , row_number() over (partition by conversion_key, method order by weight desc, step_order) as weight_rank
    from units
)

select
    cast({{ row_key(['s.conversion_key', 's.method', 's.step_order']) }} as string) as attribution_credit_key
    , cast(s.conversion_key as string) as conversion_key
    , cast(s.method as string) as method
    , cast(s.step_order as bigint) as step_order
    , cast(s.step_count as bigint) as step_count
    , cast(s.channel_group as string) as channel_group
    , cast(s.session_key as string) as session_key
    , cast(t.source as string) as source
    , cast(t.medium as string) as medium
    , cast(t.campaign as string) as campaign
    , cast(t.started_at as timestamp) as touched_at
    , cast(s.converted_at as timestamp) as converted_at
    , cast(s.conversion_date as date) as conversion_date
    , cast(cast(s.millionths as decimal(18, 6)) * cast(0.000001 as decimal(7, 6)) as decimal(18, 6)) as conversion_credit
    -- What an amount has below the cent stays with the largest share.
    , cast(
        cast(s.share_cents as decimal(18, 2)) * cast(0.01 as decimal(3, 2))
        + case when s.weight_rank = 1 then s.revenue - cast(s.cents as decimal(18, 2)) * cast(0.01 as decimal(3, 2)) else 0 end
        as decimal(18, 4)
    ) as revenue_credit
    , cast('{{ var("company_currency") }}' as string) as currency
from shared as s
left join {{ ref('fct_sessions') }} as t on s.session_key = t.session_key
