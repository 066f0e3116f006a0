{{ config(enabled=(generic_mappings('order') | length > 0)) }}

{{ generic_entity('order') }}
