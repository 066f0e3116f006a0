{{ config(enabled=(generic_mappings('order_line') | length > 0)) }}

{{ generic_entity('order_line') }}
