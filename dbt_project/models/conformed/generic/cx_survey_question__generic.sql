{{ config(enabled=(generic_mappings('survey_question') | length > 0)) }}

{{ generic_entity('survey_question') }}
