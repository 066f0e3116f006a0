{{ config(enabled=(generic_mappings('store_visit') | length > 0)) }}

{{ generic_entity('store_visit') }}
