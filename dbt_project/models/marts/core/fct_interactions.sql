select
    timeline.*
    -- Filled by the sentiment step where there is text.
    , cast(null as double) as sentiment
from {{ ref('int_journey__timeline') }} as timeline
