{{ config(enabled=(generic_mappings('survey_answer') | length > 0)) }}

{{ generic_entity('survey_answer') }}
