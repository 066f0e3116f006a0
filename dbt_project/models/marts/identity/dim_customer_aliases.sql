select
    alias.alias_id
    , alias.customer_id
    , alias.is_current
    , alias.known_from
    , alias.merged_at
    , alias.merged_into_id
    -- Kind only: the system of an external id stands in source_system.
    , coalesce(split_part(link.id_type, ':', 1), link.edge_type) as merge_evidence
    , link.trust as merge_trust
    , customer.source_system
    , customer.source_account
from {{ ref('int_identity__aliases') }} as alias
inner join {{ ref('cx_customer') }} as customer on alias.customer_key = customer.customer_key
left join {{ ref('int_identity__links') }} as link on alias.link_key = link.link_key
