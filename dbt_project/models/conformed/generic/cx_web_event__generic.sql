{{ config(enabled=(generic_mappings('web_event') | length > 0)) }}

{{ generic_entity('web_event') }}
