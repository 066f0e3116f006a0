{{ config(enabled=(generic_mappings('customer') | length > 0)) }}

{{ generic_entity('customer') }}
