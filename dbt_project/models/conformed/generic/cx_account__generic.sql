{{ config(enabled=(generic_mappings('account') | length > 0)) }}

{{ generic_entity('account') }}
