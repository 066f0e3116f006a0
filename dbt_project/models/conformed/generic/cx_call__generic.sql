{{ config(enabled=(generic_mappings('call') | length > 0)) }}

{{ generic_entity('call') }}
