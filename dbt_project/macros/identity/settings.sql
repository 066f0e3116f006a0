{# Parameters of identity resolution. A project var of the same name replaces the value given here. #}
{% macro identity_setting(name) %}
    {%- set defaults = {
        'identity_cluster_min_trust': 0.8,
        'identity_max_users_per_identifier': 1,
        'identity_max_emails_per_phone': 3,
        'identity_max_records_per_identifier': 50,
        'identity_max_users_per_anonymous_id': 3,
        'identity_max_anonymous_ids_per_user_day': 10,
        'identity_anonymous_reach_days': 30,
        'identity_own_email_domains': [],
        'identity_max_rounds': 40,
        'identity_large_cluster_size': 20,
    } -%}
    {#-
      cluster_min_trust           identifiers below it never join two clusters: phones (0.6) are shared by households.
      max_users_per_identifier    a login is given to one person, so an e-mail, card or order on records with two
                                  logins is shared (families, offices) and proves nothing about either.
      max_emails_per_phone        a household has a few addresses on one line; more is an office or a placeholder.
      max_records_per_identifier  one person known to every connected system several times over stays far below it;
                                  above it the value is a default that no list of placeholders knew.
      max_users_per_anonymous_id  a family tablet has two or three logins; more is a public terminal.
      max_anonymous_ids_per_user_day  a person uses a few browsers a day; more is a script or a test account.
      anonymous_reach_days        length of the usual attribution window, before the first and after the last login.
      max_rounds                  label propagation with pointer jumping needs about log2(longest path) rounds:
                                  40 is far beyond any real graph and still ends.
      large_cluster_size          clusters above it are looked at by a person.
    -#}
    {{ return(var(name, defaults[name])) }}
{% endmacro %}
