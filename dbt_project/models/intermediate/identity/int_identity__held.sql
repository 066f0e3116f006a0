{%- set own_domains = identity_setting('identity_own_email_domains') -%}
-- An identifier taken off a living record no longer speaks for it. A record that the source deleted keeps its own:
-- its tickets and orders were this person's.
with held as (
    select
        i.customer_key
        , i.id_type
        , split_part(i.id_type, ':', 1) as id_kind
        , i.id_value
        , min(i.source_system) as source_system
        , min(i.source_account) as source_account
        , max(i.trust) as trust
        -- Tables without a time for each identifier speak from the day of their record on.
        , min(coalesce(i.valid_from, i.source_created_at, c.source_created_at, c.first_seen_at)) as observed_at
        , max(i.valid_to) as valid_to
    from {{ ref('cx_customer_identifier') }} as i
    inner join {{ ref('cx_customer') }} as c on i.customer_key = c.customer_key
    where not i.is_deleted or c.is_deleted
    group by i.customer_key, i.id_type, split_part(i.id_type, ':', 1), i.id_value
)

, named as (
    select
        held.*
        , lower(id_value) as value_lower
        , case when id_kind = 'email' then split_part(split_part(lower(id_value), '@', 1), '+', 1) end as local_part
        , case when id_kind = 'email' then split_part(lower(id_value), '@', 2) end as domain
    from held
)

, refused as (
    select
        n.*
        , coalesce(
            any_type.reason, own_type.reason, local_part_rule.reason, domain_rule.reason
            {%- if own_domains %}
            , case when n.domain in ({{ sql_texts(own_domains) }}) then 'own_domain' end
            {%- endif %}
            , case when n.trust <= 0 then 'untrusted_type' end
        ) as refused_reason
    from named as n
    left join {{ ref('identity_refused_values') }} as any_type
        on any_type.match_kind = 'exact' and any_type.id_type = '*' and any_type.match_value = n.value_lower
    left join {{ ref('identity_refused_values') }} as own_type
        on own_type.match_kind = 'exact' and own_type.id_type = n.id_kind and own_type.match_value = n.value_lower
    left join {{ ref('identity_refused_values') }} as local_part_rule
        on local_part_rule.match_kind = 'local_part' and local_part_rule.id_type = n.id_kind
        and local_part_rule.match_value = n.local_part
    left join {{ ref('identity_refused_values') }} as domain_rule
        on domain_rule.match_kind = 'domain' and domain_rule.id_type = n.id_kind and domain_rule.match_value = n.domain
)

select
    cast({{ row_key(['customer_key', 'id_type', 'id_value']) }} as string) as identifier_edge_key
    , cast(customer_key as string) as customer_key
    , cast(md5(id_type || '|' || id_value) as string) as identifier_key
    , cast(id_type as string) as id_type
    , cast(id_kind as string) as id_kind
    , cast(id_value as string) as id_value
    , cast(trust as decimal(5, 4)) as trust
    , cast(observed_at as timestamp) as observed_at
    , cast(valid_to as timestamp) as valid_to
    , cast(source_system as string) as source_system
    , cast(source_account as string) as source_account
    , cast(refused_reason as string) as refused_reason
from refused
