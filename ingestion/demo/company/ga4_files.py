"""Web events in the shape of the GA4 export to BigQuery, one Parquet file per local day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from ingestion.demo.company import vocabulary as words
from ingestion.demo.company.catalogue import Article
from ingestion.demo.company.clock import Clock
from ingestion.demo.company.draw import BoolArray, IntArray, Stream
from ingestion.demo.company.orders import Order
from ingestion.demo.company.people import People
from ingestion.demo.company.plan import Calendar, Plan
from ingestion.demo.company.web_events import EVENT_NAMES, PLACE, PLACES, Events
from ingestion.demo.company.web_sessions import BROWSED, Sessions

STREAM_ID = "5550001"
BASE = f"https://{words.SHOP_HOST}"
_LANDING = [PLACE[p] for p in ("start", "first", "landing")]
_CART = [PLACE[p] for p in ("cart", "checkout", "shipping", "payment", "purchase")]
_ONE_ITEM = [i for i, row in enumerate(PLACES) if row[4] >= 0 and row[1] not in ("page_view", "scroll")]


@dataclass
class Ga4Days:
    """All web events as one table in order of time, with what is needed to cut day files from it."""

    table: pa.Table
    day: IntArray
    late: BoolArray


def build(
    plan: Plan, clock: Clock, people: People, catalogue: list[Article], visits: Sessions, events: Events,
    orders: list[Order],
) -> Ga4Days:  # fmt: skip
    """Turn events into the export's columns; events delivered twice become two equal rows."""
    row = np.repeat(np.arange(len(events.at)), events.copies)
    session, place, at = events.session[row], events.place[row], events.at[row]
    n = len(row)
    denied = visits.denies_consent[session]
    bot = visits.is_bot[session]
    person = visits.person[session]
    order_of = {order.session: order for order in orders if order.session >= 0}

    dates = pa.array([d.strftime("%Y%m%d") for d in clock.days])
    user = np.where(events.logged_in[row], person, -1)
    first_session = np.full(len(visits.pseudo_ids), -1, dtype=np.int64)
    newest_first = np.argsort(visits.start, kind="stable")[::-1]
    first_session[visits.browser[newest_first]] = newest_first

    columns = {
        "event_date": dates.take(pa.array(events.day[row])),
        "event_timestamp": pa.array(at),
        "event_name": pa.array(EVENT_NAMES).take(pa.array(events.names()[row])),
        "event_bundle_sequence_id": pa.array(at // 1_000_000 % 1_000_000_000),
        "batch_page_id": pa.array(visits.start[session] * 1000),
        "batch_ordering_id": pa.array(place // 3 + 1),
        "batch_event_index": pa.array(place + 1),
        "event_params": _params(plan, catalogue, people, visits, events, row, order_of),
        "user_id": _take(people.user_id, user),
        "user_pseudo_id": _take(visits.pseudo_ids, np.where(denied, -1, visits.browser[session])),
        "stream_id": _constant(STREAM_ID, n),
        "platform": _constant("WEB", n),
        "privacy_info": _struct(
            analytics_storage=_take(["Yes", "No"], denied.astype(np.int64)),
            ads_storage=_take(["Yes", "No"], denied.astype(np.int64)),
        ),
        "device": _device(visits, session, bot, _visitor_language(plan, people, visits)[session]),
        "geo": _geo(plan, people, visits, session),
        "traffic_source": _traffic(visits, first_session[visits.browser[session]]),
        "collected_traffic_source": _collected(visits, session, np.isin(place, _LANDING)),
        "ecommerce": _ecommerce(session, place, order_of),
        "items": _items(catalogue, visits, session, place, order_of),
    }
    return Ga4Days(pa.table(columns), events.day[row], events.late[row])


def _take(values: list[str], codes: IntArray) -> pa.Array:
    """Strings by code; a negative code gives null."""
    return pa.array(values, type=pa.string()).take(pa.array(codes, mask=codes < 0))


def _constant(value: str, n: int) -> pa.Array:
    return pa.array([value]).take(pa.array(np.zeros(n, dtype=np.int64)))


def _struct(mask: BoolArray | None = None, **fields: pa.Array) -> pa.StructArray:
    """A struct column; rows where ``mask`` is true are null."""
    return pa.StructArray.from_arrays(
        list(fields.values()), names=list(fields), mask=None if mask is None else pa.array(mask)
    )


def _visitor_language(plan: Plan, people: People, visits: Sessions) -> IntArray:
    stranger = Stream(plan.seed, "ga4.language").pick((78, 16, 6), int(visits.visitor.max()) + 1)
    known = np.array([words.LANGUAGES.index(x) for x in people.language], dtype=np.int64)
    stranger[: people.n] = known
    return stranger[visits.visitor]


def _device(visits: Sessions, session: IntArray, bot: BoolArray, language: IntArray) -> pa.StructArray:
    device = visits.device[session]
    browsers = [d[2] for d in words.DEVICES] + [words.BOT_BROWSER]
    versions = [str(118 + i) for i in range(len(browsers))]
    systems = [d[1] for d in words.DEVICES] + ["Linux"]
    seen = np.where(bot, len(words.DEVICES), device)
    return _struct(
        category=_take([d[0] for d in words.DEVICES], device),
        operating_system=_take(systems, seen),
        language=_take(["pl-pl", "de-de", "en-gb"], language),
        web_info=_struct(
            browser=_take(browsers, seen),
            browser_version=_take(versions, seen),
            hostname=_constant(words.SHOP_HOST, len(session)),
        ),
    )


def _geo(plan: Plan, people: People, visits: Sessions, session: IntArray) -> pa.StructArray:
    s = Stream(plan.seed, "ga4.geo")
    places = [(c, city) for c in words.COUNTRIES for city in words.CITIES[c]]
    number = {p: i for i, p in enumerate(places)}
    visitors = int(visits.visitor.max()) + 1
    country = s.pick(words.COUNTRY_WEIGHTS, visitors).tolist()
    city = s.below(1 << 20, visitors).tolist()
    at = np.array(
        [number[c, words.CITIES[c][k % len(words.CITIES[c])]] for c, k in
         ((words.COUNTRIES[i], k) for i, k in zip(country, city, strict=True))],
        dtype=np.int64,
    )  # fmt: skip
    at[: people.n] = [number[p] for p in zip(people.country, people.city, strict=True)]
    code = at[visits.visitor[session]]
    return _struct(
        continent=_constant("Europe", len(session)),
        country=_take([words.COUNTRY_NAMES[c] for c, _ in places], code),
        region=_take([city for _, city in places], code),
        city=_take([city for _, city in places], code),
    )


def campaign(traffic: int, month: int) -> str | None:
    """Campaign name of a traffic source in a month, None for unpaid traffic."""
    if words.TRAFFIC[traffic][2] != "season":
        return None
    return f"{words.SEASONS.get(month, 'spring')}_{words.TRAFFIC[traffic][0]}"


_COMBINATIONS = [(t, m) for t in range(len(words.TRAFFIC)) for m in range(1, 13)]


def _combination(visits: Sessions) -> IntArray:
    return visits.traffic * 12 + visits.season - 1


def _campaigns() -> list[str]:
    return [campaign(t, m) or "" for t, m in _COMBINATIONS]


def _campaign_codes(codes: IntArray) -> IntArray:
    named = np.array([bool(name) for name in _campaigns()])
    return np.where(named[codes] & (codes >= 0), codes, -1)


def _traffic(visits: Sessions, session: IntArray) -> pa.StructArray:
    code = _combination(visits)[session]
    return _struct(
        name=_take(_campaigns(), _campaign_codes(code)),
        medium=_take([words.TRAFFIC[t][1] for t, _ in _COMBINATIONS], code),
        source=_take([words.TRAFFIC[t][0] for t, _ in _COMBINATIONS], code),
    )


def _collected(visits: Sessions, session: IntArray, landing: BoolArray) -> pa.StructArray:
    code = _combination(visits)[session]
    direct = visits.traffic[session] == 1
    code = np.where(landing & ~direct, code, -1)
    nothing = pa.array([None] * len(session), type=pa.string())
    return _struct(
        mask=code < 0,
        manual_campaign_name=_take(_campaigns(), _campaign_codes(code)),
        manual_source=_take([words.TRAFFIC[t][0] for t, _ in _COMBINATIONS], code),
        manual_medium=_take([words.TRAFFIC[t][1] for t, _ in _COMBINATIONS], code),
        manual_term=nothing,
        manual_content=nothing,
        gclid=nothing,
    )


def _ecommerce(session: IntArray, place: IntArray, order_of: dict[int, Order]) -> pa.StructArray:
    bought = np.flatnonzero(place == PLACE["purchase"])
    n = len(session)
    found = [order_of[i] for i in session[bought].tolist()]
    spot = np.full(n, -1, dtype=np.int64)
    spot[bought] = np.arange(len(bought))
    where = pa.array(spot, mask=spot < 0)

    def spread(values: list[float] | list[int] | list[str], kind: pa.DataType) -> pa.Array:
        return pa.array(values, type=kind).take(where)

    return _struct(
        mask=spot < 0,
        transaction_id=spread([str(o.transaction_id) for o in found], pa.string()),
        purchase_revenue=spread([o.total / 100 for o in found], pa.float64()),
        tax_value=spread([tax_of(o) / 100 for o in found], pa.float64()),
        shipping_value=spread([o.shipping / 100 for o in found], pa.float64()),
        total_item_quantity=spread([sum(x.quantity for x in o.lines) for o in found], pa.int64()),
    )


def tax_of(order: Order) -> int:
    """Value-added tax inside the total, in cents, rounded half up."""
    return (order.total * 23 * 2 + 123) // (123 * 2)


def _items(
    catalogue: list[Article], visits: Sessions, session: IntArray, place: IntArray, order_of: dict[int, Order]
) -> pa.ListArray:
    which = np.array([row[4] for row in PLACES], dtype=np.int64)[place]
    single = np.isin(place, _ONE_ITEM)
    cart = np.isin(place, _CART)
    count = np.where(cart, 1 + visits.second_in_cart[session], single.astype(np.int64))
    offsets = np.concatenate([[0], np.cumsum(count)])
    row = np.repeat(np.arange(len(place)), count)
    nth = np.arange(len(row)) - offsets[row]
    slot = np.where(cart[row], nth, which[row])
    article = visits.items[session[row], slot]
    in_cart = cart[row] | np.isin(place[row], [PLACE["add_a"], PLACE["add_b"], PLACE["remove"]])
    quantity = np.where(in_cart, visits.quantity[session[row], np.minimum(slot, 1)], 1)
    price = np.array([a.price for a in catalogue], dtype=np.int64)[article]
    off = np.zeros(len(visits.start), dtype=np.int64)
    for i, order in order_of.items():
        off[i] = 10 if order.coupon else 0
    gross = price * quantity
    revenue = gross - gross * off[session[row]] // 100
    is_sale = place[row] == PLACE["purchase"]
    values = _struct(
        item_id=_take([a.sku for a in catalogue], article),
        item_name=_take([a.name for a in catalogue], article),
        item_brand=_constant(words.COMPANY, len(row)),
        item_category=_take([a.category_name for a in catalogue], article),
        price=pa.array(price / 100),
        quantity=pa.array(quantity),
        item_revenue=pa.array(revenue / 100, mask=~is_sale),
    )
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), values)


def _pages(catalogue: list[Article]) -> list[str]:
    pages = ["/", "/cart", "/checkout", "/checkout/payment", "/checkout/thank-you", "/account/login"]
    pages += [f"/help/{h}" for h in words.HELP] + [f"/blog/{b}" for b in words.BLOG]
    pages += [f"/search?q={q.replace(' ', '+')}" for q in words.SEARCHES]
    pages += [f"/c/{c[0]}" for c in words.CATEGORIES]
    return pages + [f"/p/{a.sku}" for a in catalogue]


class _Params:
    """Collects parameters key by key; rows keep the order in which keys are added."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.count = np.zeros(n, dtype=np.int64)
        self.parts: list[tuple[str, IntArray, IntArray, pa.Array]] = []

    def add(self, key: str, row: IntArray, values: pa.Array) -> None:
        self.parts.append((key, row, self.count[row], values))
        self.count[row] += 1

    def array(self) -> pa.ListArray:
        offsets = np.concatenate([[0], np.cumsum(self.count)])
        total = int(offsets[-1])
        keys = np.zeros(total, dtype=np.int64)
        source: dict[str, tuple[list[pa.Array], IntArray]] = {
            kind: ([], np.full(total, -1, dtype=np.int64)) for kind in ("string", "int64", "double")
        }
        for i, (_, row, rank, values) in enumerate(self.parts):
            at = offsets[row] + rank
            keys[at] = i
            arrays, spot = source[str(values.type)]
            begin = sum(len(a) for a in arrays)
            spot[at] = np.arange(len(row)) + begin
            arrays.append(values)

        def column(kind: str) -> pa.Array:
            arrays, spot = source[kind]
            joined = pa.concat_arrays(arrays)
            return joined.take(pa.array(spot, mask=spot < 0))

        value = _struct(
            string_value=column("string"),
            int_value=column("int64"),
            float_value=pa.array(np.zeros(total), mask=np.ones(total, dtype=bool)),
            double_value=column("double"),
        )
        names = pa.array([part[0] for part in self.parts]).take(pa.array(keys))
        return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), _struct(key=names, value=value))


def _page_codes(
    plan: Plan, catalogue: list[Article], visits: Sessions, session: IntArray, place: IntArray
) -> IntArray:
    """Row of ``_pages`` for each event."""
    s = Stream(plan.seed, "ga4.pages")
    pages = _pages(catalogue)
    at = {page: i for i, page in enumerate(pages)}
    category_of = np.array([at[f"/c/{a.category}"] for a in catalogue], dtype=np.int64)
    first_product = len(pages) - len(catalogue)
    first_blog, first_help = at[f"/blog/{words.BLOG[0]}"], at[f"/help/{words.HELP[0]}"]
    n = visits.n
    item = visits.items
    kind = s.pick((45, 20, 25, 10), n)
    landing = np.select(
        [kind == 0, kind == 1, kind == 2],
        [np.zeros(n, dtype=np.int64), category_of[item[:, 0]], first_product + item[:, 0]],
        default=first_blog + s.below(len(words.BLOG), n),
    )
    search = at[f"/search?q={words.SEARCHES[0]}"] + s.below(len(words.SEARCHES), n)
    helped = first_help + s.below(len(words.HELP), n)
    looked = np.array([row[4] for row in PLACES], dtype=np.int64)[place]
    fixed = np.full(len(PLACES), -1, dtype=np.int64)
    for page, names in {
        "/account/login": ("login", "login_late", "sign_up"),
        "/cart": ("cart_page", "cart", "remove"),
        "/checkout": ("checkout_page", "checkout", "shipping"),
        "/checkout/payment": ("payment", "pay_error", "rage"),
        "/checkout/thank-you": ("purchase", "thanks_page", "ask", "answer"),
    }.items():
        for name in names:
            fixed[PLACE[name]] = at[page]
    shelf = np.isin(place, [PLACE[p] for p in ("category", "list", "select")])
    code = np.where(looked >= 0, first_product + item[session, np.maximum(looked, 0)], landing[session])
    code = np.where(shelf, category_of[item[session, 0]], code)
    code = np.where(place == PLACE["search"], search[session], code)
    code = np.where(np.isin(place, [PLACE["help"], PLACE["chat"]]), helped[session], code)
    return np.where(fixed[place] >= 0, fixed[place], code)


def _params(
    plan: Plan, catalogue: list[Article], people: People, visits: Sessions, events: Events, row: IntArray,
    order_of: dict[int, Order],
) -> pa.ListArray:  # fmt: skip
    session, place, at = events.session[row], events.place[row], events.at[row]
    n = len(row)
    pages = _pages(catalogue)
    code = _page_codes(plan, catalogue, visits, session, place)
    denied = visits.denies_consent[session]
    out = _Params(n)

    def rows(*places: str) -> IntArray:
        return np.flatnonzero(np.isin(place, [PLACE[p] for p in places]))

    def texts(value: str, where: IntArray) -> None:
        """One constant text for some rows."""
        out.add(value.split("=")[0], where, _constant(value.split("=")[1], len(where)))

    consenting = np.flatnonzero(~denied)
    out.add("ga_session_id", consenting, pa.array(visits.start[session[consenting]]))
    out.add("ga_session_number", consenting, pa.array(visits.number[session[consenting]]))
    out.add("page_location", np.arange(n), _locations(pages, people, visits, session, place, code))
    views = np.flatnonzero(np.isin(place, [i for i, r in enumerate(PLACES) if r[1] == "page_view"]))
    titles = [f"{words.COMPANY} {page.split('?')[0]}" for page in pages]
    out.add("page_title", views, _take(titles, code[views]))
    landing = rows("landing")
    texts_of = [words.TRAFFIC[t][0] for t in range(len(words.TRAFFIC))]
    referred = landing[~np.isin(visits.traffic[session[landing]], [1, 3])]
    out.add(
        "page_referrer",
        referred,
        _take([f"https://{x}/" for x in texts_of], visits.traffic[session[referred]]),
    )
    out.add("entrances", landing, pa.array(np.ones(len(landing), dtype=np.int64)))
    tagged = landing[visits.traffic[session[landing]] != 1]
    combination = _combination(visits)[session]
    out.add("source", tagged, _take(texts_of, visits.traffic[session[tagged]]))
    out.add("medium", tagged, _take([t[1] for t in words.TRAFFIC], visits.traffic[session[tagged]]))
    named = tagged[_campaign_codes(combination[tagged]) >= 0]
    out.add("campaign", named, _take(_campaigns(), combination[named]))
    engaged = np.flatnonzero((visits.depth[session] >= BROWSED) & ~np.isin(place, _LANDING))
    texts("session_engaged=1", engaged)
    timed = rows(
        "engaged", "scroll", "page_a", "page_b", "page_c", "category", "cart_page", "checkout_page", "help"
    )
    out.add("engagement_time_msec", timed, pa.array(at[timed] // 1000 % 19_997 + 400))
    scrolled = rows("scroll")
    out.add("percent_scrolled", scrolled, pa.array(np.full(len(scrolled), 90, dtype=np.int64)))
    searched = rows("search")
    first_search = pages.index(f"/search?q={words.SEARCHES[0]}")
    out.add("search_term", searched, _take(list(words.SEARCHES), code[searched] - first_search))
    texts("method=password", rows("login", "login_late", "sign_up"))
    texts("form_id=newsletter", rows("form", "form_sent"))
    texts("form_id=checkout_feedback", rows("ask", "answer"))
    texts("error_code=E500", rows("error"))
    texts("error_message=page could not be loaded", rows("error"))
    texts("error_code=PAY-17", rows("pay_error"))
    texts("error_message=payment form does not respond", rows("pay_error"))
    _money(out, catalogue, visits, session, place, order_of)
    return out.array()


def _locations(
    pages: list[str], people: People, visits: Sessions, session: IntArray, place: IntArray, code: IntArray
) -> pa.Array:
    """Addresses; a landing carries its campaign tags, and some newsletters leak the reader's e-mail address."""
    combos = len(_COMBINATIONS)
    tags = []
    for t, m in _COMBINATIONS:
        source, medium, kind, _ = words.TRAFFIC[t]
        name = campaign(t, m)
        tags.append(f"utm_source={source}&utm_medium={medium}&utm_campaign={name}" if kind and name else "")
    values = [BASE + page for page in pages]
    for page in values[: len(pages)]:
        values += [f"{page}{'&' if '?' in page else '?'}{tag}" if tag else page for tag in tags]
    landing = np.isin(place, _LANDING)
    combination = _combination(visits)[session]
    full = np.where(landing, len(pages) + code * combos + combination, code)
    who = visits.person[session]
    leaking = np.flatnonzero(landing & (visits.traffic[session] == 3) & (who >= 0) & (who % 25 == 3))
    for i in leaking.tolist():
        values.append(f"{values[full[i]]}&email={people.email[who[i]].replace('@', '%40')}")
        full[i] = len(values) - 1
    return _take(values, full)


def _money(
    out: _Params, catalogue: list[Article], visits: Sessions, session: IntArray, place: IntArray,
    order_of: dict[int, Order],
) -> None:  # fmt: skip
    price = np.array([a.price for a in catalogue], dtype=np.int64)
    basket = price[visits.items[:, 0]] * visits.quantity[:, 0]
    basket = basket + np.where(visits.second_in_cart, price[visits.items[:, 1]] * visits.quantity[:, 1], 0)
    cents = basket[session]
    single = np.isin(place, _ONE_ITEM)
    slot = np.maximum(np.array([row[4] for row in PLACES], dtype=np.int64)[place], 0)
    cents = np.where(single, price[visits.items[session, slot]], cents)
    bought = np.flatnonzero(place == PLACE["purchase"])
    found = [order_of[i] for i in session[bought].tolist()]
    cents[bought] = [o.total for o in found]
    priced = np.flatnonzero(single | np.isin(place, _CART))
    out.add("value", priced, pa.array(cents[priced] / 100))
    out.add("currency", priced, _constant("EUR", len(priced)))
    out.add("transaction_id", bought, pa.array([str(o.transaction_id) for o in found], type=pa.string()))
    coupons = np.array([o.coupon is not None for o in found], dtype=bool)
    out.add("coupon", bought[coupons], pa.array([o.coupon for o in found if o.coupon], type=pa.string()))


def broken_row(table: pa.Table, which: int) -> pa.Table:
    """One row of the day that no reader can use: 0 and 1 have no event name, 2 has no timestamp."""
    row = table.slice(0, 1)
    column = "event_timestamp" if which == 2 else "event_name"
    spot = row.schema.get_field_index(column)
    field = row.schema.field(column)
    return row.set_column(spot, field, pa.array([None], type=field.type))


def day_table(
    days: Ga4Days, clock: Clock, calendar: Calendar, day: date, as_of: date, late: bool
) -> pa.Table:
    """Rows of one day's file as it stands after the day ``as_of``; ``late``: with every late event in place."""
    index = clock.days.index(day)
    left, right = np.searchsorted(days.day, [index, index + 1])
    table = days.table.slice(left, right - left)
    rewritten = calendar.late_days.get(day)
    if rewritten is not None and as_of < rewritten and not late:
        table = table.filter(pa.array(~days.late[left:right]))
    for which, spot in enumerate(broken_days(clock)):
        if spot == day:
            table = pa.concat_tables([table, broken_row(table, which)])
    return table


def broken_days(clock: Clock) -> list[date]:
    """Days whose GA4 file holds one broken row each."""
    return [clock.days[len(clock.days) * tenth // 10] for tenth in (2, 5, 7)]
