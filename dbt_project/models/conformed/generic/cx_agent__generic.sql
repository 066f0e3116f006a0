{{ config(enabled=(generic_mappings('agent') | length > 0)) }}

{{ generic_entity('agent') }}
