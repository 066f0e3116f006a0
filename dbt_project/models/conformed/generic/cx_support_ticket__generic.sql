{{ config(enabled=(generic_mappings('support_ticket') | length > 0)) }}

{{ generic_entity('support_ticket') }}
