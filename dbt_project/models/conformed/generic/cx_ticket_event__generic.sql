{{ config(enabled=(generic_mappings('ticket_event') | length > 0)) }}

{{ generic_entity('ticket_event') }}
