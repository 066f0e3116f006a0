{#
  Which contacts of the timeline an increment writes anew: those of persons whose web events or contacts changed, and
  contacts of nobody that changed themselves. Neighbours depend on contacts of one person only.
#}

{# All contacts but those on the web, with touchpoint and amount: the rows of the timeline without neighbours. #}
{% macro contact_rows() -%}
    select
        contact.interaction_key
        , contact.interaction_type
        , contact.interaction_at
        , contact.customer_id
        , contact.customer_id as person_id
        , contact.channel
        , touchpoint.touchpoint_id
        , contact.direction
        , contact.is_automated
        , contact.duration_seconds
        , contact.handling_seconds
        , coalesce(ordered.net_amount, contact.value_amount) as value_amount
        , coalesce(ordered.currency, contact.currency) as currency
        , contact.order_key
        , contact.ticket_key
        , cast(null as string) as session_key
        , contact.source_system
        , contact.source_account
        , contact.source_id
    from {{ ref('int_journey__contacts') }} as contact
    inner join {{ ref('int_journey__contact_touchpoints') }} as touchpoint
        on contact.interaction_key = touchpoint.interaction_key
    -- The kind inside the key: as a condition of its own it cost 63 s of CPU instead of 0.2 (DuckDB 1.5.5, 460,000 contacts).
    left join {{ ref('fct_orders') }} as ordered
        on case when contact.interaction_type = 'order' then contact.record_key end = ordered.order_key
{%- endmacro %}

{#
  Creates the helper tables `contacts` (contact_rows as they are now) and `changed` (interaction_key, person_id of those
  that came, went or changed), and adds to the persons that are reached: persons of changed contacts, and those whose web
  touches name an order that has another key now.
  Args: owner: int_journey__timeline.
#}
{% macro reach_contacts(owner) %}
    {%- set contacts = helper_table(owner, 'contacts') -%}
    {%- set changed = helper_table(owner, 'changed') -%}
    {%- set columns = [
        'interaction_key', 'interaction_type', 'interaction_at', 'customer_id', 'person_id', 'channel', 'touchpoint_id',
        'direction', 'is_automated', 'duration_seconds', 'handling_seconds', 'value_amount', 'currency', 'order_key',
        'ticket_key', 'source_system', 'source_account', 'source_id',
    ] -%}
    {%- do create_helper_table(contacts, contact_rows()) -%}
    {%- do create_helper_table(changed, "select distinct interaction_key, person_id from ("
        ~ changed_rows(contacts, "(select * from " ~ owner ~ " where interaction_type <> 'web_touch') as built", columns) ~ ") as differing") -%}
    {%- do run_query("
        insert into " ~ reached_by_web() ~ "
        select distinct 'person', person_id
        from (
            select person_id from " ~ changed ~ "
            union
            select touch.person_id
            from " ~ ref('int_web__touches') ~ " as touch
            join (" ~ changed_rows(ref('int_journey__order_refs'), helper_table(owner, 'order_refs'), ['order_ref', 'order_key'])
                ~ ") as named on touch.transaction_id = named.order_ref
        ) as found
        where person_id is not null
            and person_id not in (select reached_key from " ~ reached_by_web() ~ " where kind = 'person')") -%}
{% endmacro %}

{# Condition: the contact is written anew. Always true in a build from scratch. #}
{% macro is_reached_contact(owner) -%}
    {%- if is_resumed() -%}
        ({{ is_reached('person', 'person_id') }} or interaction_key in (
            select interaction_key from {{ helper_table(owner, 'changed') }} where person_id is null
        ))
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{% macro forget_contacts() -%}
    {%- if is_resumed() -%}
        delete from {{ this }} where {{ is_reached_contact(this) }}
    {%- endif -%}
{%- endmacro %}

{# Post hook: the names of orders by which web touches were linked. #}
{% macro keep_order_refs() -%}
    {%- if is_building() -%}
        {%- do create_helper_table(helper_table(this, 'order_refs'), 'select order_ref, order_key from ' ~ ref('int_journey__order_refs')) -%}
    {%- endif -%}
{%- endmacro %}
