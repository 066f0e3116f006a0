{{ config(enabled=('typeform' in var('connectors')), severity='warn', meta={'owner': 'voice-of-customer'}) }}
-- Words of Typeform that no seed knows: add a line to the seed named beside them.
select
    'map_question_types' as seed_name
    , fields.field_type as source_value
    , count(*) as row_count
from {{ ref('stg_typeform__form_fields') }} as fields
left join {{ ref('map_question_types') }} as types
    on types.source_system = 'typeform'
    and fields.field_type = types.source_value
where fields.field_type is not null and types.question_type is null
group by 1, 2

union all

select
    'map_channels' as seed_name
    , responses.channel as source_value
    , count(*) as row_count
from {{ ref('stg_typeform__responses') }} as responses
left join {{ ref('map_channels') }} as channels
    on channels.source_system = 'typeform'
    and responses.channel = channels.source_value
where responses.channel is not null and channels.channel is null
group by 1, 2

union all

select
    'map_devices' as seed_name
    , responses.platform as source_value
    , count(*) as row_count
from {{ ref('stg_typeform__responses') }} as responses
left join {{ ref('map_devices') }} as devices
    on devices.source_system = 'typeform'
    and responses.platform = devices.source_value
where responses.platform is not null and devices.device_type is null
group by 1, 2
