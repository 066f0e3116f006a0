{{ config(enabled=(generic_mappings('message') | length > 0)) }}

{{ generic_entity('message') }}
