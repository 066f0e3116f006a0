with identifiers as (
    {{ conformed('customer_identifier', ['hubspot', 'zendesk', 'typeform', 'ga4_export', 'generic']) }}
)

select
    {%- for column in model.columns if column != 'trust' %}
    identifiers.{{ column }},
    {%- endfor %}
    cast(coalesce(identifiers.trust, trusts.trust, 0) as decimal(5, 4)) as trust
from identifiers
left join {{ ref('map_identifier_trust') }} as trusts
    on split_part(identifiers.id_type, ':', 1) = trusts.id_type
