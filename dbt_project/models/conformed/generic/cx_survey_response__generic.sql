{{ config(enabled=(generic_mappings('survey_response') | length > 0)) }}

{{ generic_entity('survey_response') }}
