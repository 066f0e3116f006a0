{# Parameters of attribution. A project var of the same name replaces the value given here. #}
{% macro attribution_setting(name) %}
    {%- set defaults = {
        'attribution_conversions': 'orders',
        'attribution_order_channels': ['web', 'app'],
        'attribution_lookback_days': 30,
        'attribution_collapse_repeats': true,
        'attribution_drop_direct': false,
        'attribution_keep_idle_visits_of_buyers': true,
        'attribution_direct_channel': 'Direct',
        'attribution_position_ends': 0.4,
        'attribution_half_life_days': 7,
    } -%}
    {#-
      attribution_conversions       orders: completed orders of fct_orders; purchases: purchases that the web tracking saw,
                                    for a company whose order system is not connected.
      attribution_order_channels    sales channels that a web session can lead to in this data. Shop sales are left out: a
                                    till does not know whom a session belonged to.
      attribution_lookback_days     Google's look-back of acquisitions (90 of other key events); Snowplow's default too.
      attribution_collapse_repeats  touches of one channel in a row count as one step (Snowplow's exposure_path).
      attribution_drop_direct       true: direct visits leave a path that has other touches. They stay by default, so that
                                    what nobody paid for is seen; last_non_direct ignores them in any case.
      attribution_keep_idle_visits_of_buyers  visits of people who bought at another time are paths without a conversion
                                    too; false leaves them out (Snowplow's path to non-conversion).
      attribution_direct_channel    channel group that means nobody sent the visitor.
      attribution_position_ends     share of the first and of the last step, the steps between get the rest (40/20/40).
      attribution_half_life_days    time decay halves the weight of a step every so many days (Google's former model).
    -#}
    {{ return(var(name, defaults[name])) }}
{% endmacro %}

{#
  Methods that share a conversion, with the column of int_attribution__weights that holds the weight. They stand in the
  order in which people read them.
#}
{% macro attribution_methods() %}
    {{ return([
        'first', 'last', 'last_non_direct', 'linear', 'position', 'time_decay', 'path_removal', 'markov_1', 'markov_2', 'shapley',
    ]) }}
{% endmacro %}
