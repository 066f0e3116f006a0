{{ config(enabled=(generic_mappings('order_adjustment') | length > 0)) }}

{{ generic_entity('order_adjustment') }}
