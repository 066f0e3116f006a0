{{ config(
    materialized='incremental'
    , incremental_strategy='append'
    , on_schema_change='fail'
    , pre_hook=["{{ note_changed_devices() }}", "{{ forget_changed_web_events() }}"]
    , post_hook=[
        "{{ note_changed_devices() }}"
        , "{{ keep_built_days() }}"
        , "{{ drop_helper_tables(this, ['days_wanted', 'changed_days', 'changed_keys']) }}"
    ]
) }}
{%- if is_building() -%}{%- do find_changed_web_events() -%}{%- endif -%}
{{ conformed('web_event', ['ga4_export', 'generic'], is_changed_web_event if is_resumed() else none) }}
