{{ config(enabled=(generic_mappings('customer_identifier') | length > 0)) }}

{{ generic_entity('customer_identifier') }}
