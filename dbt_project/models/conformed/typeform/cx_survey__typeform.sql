select
    {{ source_columns('survey', 'typeform', 'forms', 'typeform_form_id') }}
    , coalesce(form_title, typeform_form_id) as name
    , coalesce(metric_type, 'custom') as metric_type
    , language
    , coalesce(is_public, true) and not is_deleted as active
    , cast(updated_at as string) as definition_version
    , created_at as source_created_at
    , updated_at as source_updated_at
    , is_deleted
    , deleted_at
from {{ ref('stg_typeform__forms') }}
