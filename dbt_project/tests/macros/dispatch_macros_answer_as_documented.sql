{{ config(meta={'owner': 'analytics-engineering'}) }}
-- Worked answers of the dispatch macros, the same on every engine. Rows are the ones that differ.
with instants as (
    -- The last Sunday of March and October: 02:00 skips to 03:00, 03:00 falls back to 02:00 in Warsaw.
    select
        timestamp '2026-03-29 00:59:59' as before_spring
        , timestamp '2026-03-29 01:00:00' as after_spring
        , timestamp '2026-10-25 00:30:00' as before_autumn
        , timestamp '2026-10-25 01:30:00' as after_autumn
        , timestamp '2026-01-01 00:00:00.250000' as a
        , timestamp '2026-01-03 00:00:01.500000' as b
        , '{"a": {"b": "x"}, "n": 1.5, "none": null, "list": [{"name": "first"}, "second"]}' as document
)

, ordered as (
    select 1 as g, 1 as o, cast(null as string) as x
    union all
    select 1 as g, 2 as o, 'b' as x
    union all
    select 1 as g, 3 as o, 'c' as x
)

, collected as (
    select
        {{ first_by('x', 'o') }} as first_x
        , {{ last_by('x', 'o') }} as last_x
        , {{ string_agg_ordered('x', '>', 'o') }} as all_x
        , {{ array_size(array_agg_ordered('x', 'o')) }} as x_count
    from ordered
    group by g
)

, answers as (
    select 'to_local before spring' as question, cast({{ to_local('before_spring', "'Europe/Warsaw'") }} as string) as answer, '2026-03-29 01:59:59' as expected from instants
    union all
    select 'to_local after spring', cast({{ to_local('after_spring', "'Europe/Warsaw'") }} as string), '2026-03-29 03:00:00' from instants
    union all
    select 'to_local before autumn', cast({{ to_local('before_autumn', "'Europe/Warsaw'") }} as string), '2026-10-25 02:30:00' from instants
    union all
    select 'to_local after autumn', cast({{ to_local('after_autumn', "'Europe/Warsaw'") }} as string), '2026-10-25 02:30:00' from instants
    union all
    select 'from_local of to_local', cast({{ from_local(to_local('after_spring', "'Europe/Warsaw'"), "'Europe/Warsaw'") }} as string), '2026-03-29 01:00:00' from instants
    union all
    select 'seconds_between', cast(cast({{ seconds_between('a', 'b') }} as decimal(18, 4)) as string), '172801.2500' from instants
    union all
    select 'days_between', cast({{ days_between('a', 'b') }} as string), '2' from instants
    union all
    select 'from_epoch_us', cast({{ from_epoch_us('1767603000123456') }} as string), '2026-01-05 08:50:00.123456' from instants
    union all
    select 'from_epoch_s', cast({{ from_epoch_s('1767603000') }} as string), '2026-01-05 08:50:00' from instants
    union all
    select 'iso_dow of a Sunday', cast({{ iso_dow('before_spring') }} as string), '7' from instants
    union all
    select 'month_label', {{ month_label('a') }}, '2026-01' from instants
    union all
    select 'known_instant of year 1', cast({{ known_instant("timestamp '0001-01-01 00:00:00'") }} as string), cast(null as string) from instants
    union all
    select 'json_text nested', {{ json_text('document', 'a.b') }}, 'x' from instants
    union all
    select 'json_text in a list', {{ json_text('document', 'list[0].name') }}, 'first' from instants
    union all
    select 'json_text of null', {{ json_text('document', 'none') }}, cast(null as string) from instants
    union all
    select 'regexp_replace_all', {{ regexp_replace_all("'a1b22'", '[0-9]+', '#') }}, 'a#b#' from instants
    union all
    select 'blank_to_null', {{ blank_to_null("'  '") }}, cast(null as string) from instants
    union all
    select 'first_by keeps a null', first_x, cast(null as string) from collected
    union all
    select 'last_by', last_x, 'c' from collected
    union all
    select 'string_agg_ordered leaves nulls out', all_x, 'b>c' from collected
    union all
    select 'array_agg_ordered leaves nulls out', cast(x_count as string), '2' from collected
    union all
    select 'unnest_split', max(piece), 'c' from ordered {{ unnest_split("'a;b;c'", ';', 'pieces', 'piece') }}
    union all
    select 'unnest_json_array', min(element), 'second' from instants {{ unnest_json_array(json_text('document', 'list'), 'elements', 'element') }}
    union all
    select 'unnest_json_array_ordered', max(case when element_position = 2 then element end), 'second'
    from instants {{ unnest_json_array_ordered(json_text('document', 'list'), 'elements', 'element', 'element_position') }}
)

select question, answer, expected
from answers
where answer is distinct from expected
