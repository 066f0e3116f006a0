{# Parameters of funnels. A project var of the same name replaces the value given here. #}
{% macro funnel_setting(name) %}
    {%- set defaults = {
        'funnel_min_entries': 30,
        'cart_windows_hours': [24, 168],
        'cart_touch_events': ['view_cart', 'remove_from_cart', 'add_shipping_info', 'add_payment_info'],
        'leak_reference_weeks': 4,
        'leak_significant_z': 1.96,
        'leak_min_expected': 5,
        'leak_prior_entries': 30,
        'leak_margin': 1.0,
        'leak_default_order_value': none,
        'leak_default_effort': 3,
        'break_lookback_days': 91,
        'break_min_days': 3,
        'break_false_alarm_rate': 0.05,
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
      leak_prior_entries        weight of the parent in the rates of a segment, in entries: a segment of the least size that
                                is reported (funnel_min_entries) is believed as much as its parent.
      leak_margin               share of the order value that is lost with an order; 1 = revenue at risk.
      leak_default_order_value  order value where the tracking sends none; none = no money is shown.
      leak_default_effort       effort of mending a step that seed funnel_step_efforts does not name: the middle of 1 to 5.
      break_lookback_days       a quarter: a break older than that is the new normal.
      break_min_days            days since a break before it is called one: from one or two its day and size are a guess.
      break_false_alarm_rate    chance that a funnel and unit without any break shows one; shared out over all days, steps
                                and segments looked at (Bonferroni).
    -#}
    {{ return(var(name, defaults[name])) }}
{% endmacro %}
