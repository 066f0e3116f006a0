{{ config(enabled=(generic_mappings('account_customer') | length > 0)) }}

{{ generic_entity('account_customer') }}
