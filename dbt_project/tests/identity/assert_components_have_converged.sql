-- Proof of connected components: no edge joins two labels, every label lies in its own component, and no component
-- falls apart (it has a member that carries its name).
select e.edge_key as subject, 'edge joins two components' as problem
from {{ ref('int_identity__edges') }} as e
left join {{ ref('int_identity__components') }} as a on e.node_a = a.node_key
left join {{ ref('int_identity__components') }} as b on e.node_b = b.node_key
where e.is_strong and e.is_bridge and e.node_a <> e.node_b
    and (a.component_key is null or b.component_key is null or a.component_key <> b.component_key)

union all

select c.node_key, 'label is not a member of its component'
from {{ ref('int_identity__components') }} as c
left join {{ ref('int_identity__components') }} as root on c.component_key = root.node_key
where root.component_key is distinct from c.component_key

union all

select component_key, 'label is not the smallest member'
from {{ ref('int_identity__components') }}
group by component_key
having min(node_key) <> component_key
