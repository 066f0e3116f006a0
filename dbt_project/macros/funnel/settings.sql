{# Parameters of funnels. A project var of the same name replaces the value given here. #}
{% macro funnel_setting(name) %}
    {%- set defaults = {
        'funnel_min_entries': 30,
        'cart_windows_hours': [24, 168],
        'cart_touch_events': ['view_cart', 'remove_from_cart', 'add_shipping_info', 'add_payment_info'],
        'leak_reference_weeks': 4,
        'leak_significant_z': 1.96,
        'leak_min_expected': 5,
        'leak_margin': 1.0,
        'leak_default_order_value': none,
    } -%}
    {#-
      funnel_min_entries        below it a rate says more about chance than about the step: the interval of 15 out of
                                30 already spans 33 % to 67 %.
      cart_windows_hours        silence after which a cart is given up. A day is what shops compare by; a week keeps those
                                who think it over. The first one makes the carts of funnels with unit cart.
      cart_touch_events         raw names of events that keep a cart alive besides adding, checkout and purchase.
      leak_reference_weeks      full weeks that the week is compared with: long enough to average out a campaign, short
                                enough to follow the season.
      leak_significant_z        two-sided 95 %.
      leak_min_expected         entries expected to go on, and to be lost, on both sides before a drop is called
                                significant: below five the normal approximation of the test does not hold (Cochran 1954).
      leak_margin               share of the order value that is lost with an order; 1 = revenue at risk.
      leak_default_order_value  order value where the tracking sends none; none = no money is shown.
    -#}
    {{ return(var(name, defaults[name])) }}
{% endmacro %}
