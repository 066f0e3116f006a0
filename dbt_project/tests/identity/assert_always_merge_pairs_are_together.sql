-- A never rule wins: pairs in components that such a rule has cut are exempt.
select l.customer_key, r.customer_key as other_customer_key
from {{ ref('identity_always_merge') }} as rule
join {{ ref('int_identity__customer_map') }} as l on md5(rule.left_customer_ref) = l.customer_key
join {{ ref('int_identity__customer_map') }} as r on md5(rule.right_customer_ref) = r.customer_key
join {{ ref('int_identity__components') }} as c on l.customer_key = c.node_key
where l.customer_id <> r.customer_id and not c.is_cut
