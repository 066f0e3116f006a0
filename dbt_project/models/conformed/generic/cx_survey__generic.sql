{{ config(enabled=(generic_mappings('survey') | length > 0)) }}

{{ generic_entity('survey') }}
