select c.customer_key, count(m.customer_id) as customer_count
from {{ ref('cx_customer') }} as c
left join {{ ref('int_identity__customer_map') }} as m on c.customer_key = m.customer_key
group by c.customer_key
having count(m.customer_id) <> 1
