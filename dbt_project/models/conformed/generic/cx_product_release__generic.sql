{{ config(enabled=(generic_mappings('product_release') | length > 0)) }}

{{ generic_entity('product_release') }}
