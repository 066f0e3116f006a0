{#
  Id of the person behind a Typeform response: its login id, else its e-mail, else its phone; null when it names nobody.
  Responses with the same id are one record of cx_customer.
#}
{% macro typeform_respondent_id(alias) -%}
    coalesce(
        'user_id:' || {{ alias }}.user_id
        , 'email:' || {{ alias }}.email_normalised
        , 'phone:' || {{ alias }}.phone_e164
    )
{%- endmacro %}
