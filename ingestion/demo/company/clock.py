"""Time of the demo company: its days, its zone, its rhythm, its business hours.

All instants are whole seconds since 1970 in UTC unless a name says otherwise.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from ingestion.demo.company.draw import IntArray, Stream

ZONE_NAME = "Europe/Warsaw"
ZONE = ZoneInfo(ZONE_NAME)
DAY = 86_400
OPENS, CLOSES = 9, 17
"""Business hours, Monday to Friday, local time."""

WEB_HOURS = (8, 4, 2, 2, 2, 4, 10, 22, 32, 38, 42, 44, 46, 44, 42, 42, 44, 48, 56, 66, 74, 70, 48, 22)
SHOP_HOURS = (0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 30, 42, 48, 50, 48, 52, 62, 70, 66, 44, 18, 0, 0, 0)
SERVICE_HOURS = (3, 2, 1, 1, 1, 2, 8, 24, 46, 60, 64, 62, 56, 54, 56, 54, 50, 44, 38, 36, 34, 26, 16, 7)
_WEEKDAY = (100, 97, 98, 102, 106, 117, 121)
_MONTH = {9: 98, 10: 97, 11: 112, 12: 128, 1: 92, 2: 90, 3: 98, 4: 101, 5: 100, 6: 96, 7: 88, 8: 90}


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the anonymous algorithm of Meeus, Jones and Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def polish_holidays(year: int) -> dict[date, str]:
    """Public holidays of Poland; Christmas Eve is one of them from 2025 on (act of 6 December 2024)."""
    sunday = easter(year)
    found = {
        date(year, 1, 1): "New Year",
        date(year, 1, 6): "Epiphany",
        sunday: "Easter Sunday",
        sunday + timedelta(days=1): "Easter Monday",
        date(year, 5, 1): "Labour Day",
        date(year, 5, 3): "Constitution Day",
        sunday + timedelta(days=49): "Pentecost",
        sunday + timedelta(days=60): "Corpus Christi",
        date(year, 8, 15): "Assumption",
        date(year, 11, 1): "All Saints",
        date(year, 11, 11): "Independence Day",
        date(year, 12, 25): "Christmas Day",
        date(year, 12, 26): "Second Day of Christmas",
    }
    if year >= 2025:
        found[date(year, 12, 24)] = "Christmas Eve"
    return dict(sorted(found.items()))


def instant(day: date, hour: int = 0, minute: int = 0, second: int = 0, fold: int = 0) -> int:
    """Instant of a local wall-clock time; ``fold=1`` is the second pass of the repeated hour in autumn."""
    return int(datetime.combine(day, time(hour, minute, second, fold=fold), ZONE).timestamp())


def local(moment: int) -> datetime:
    """Local wall-clock time of an instant (with zone)."""
    return datetime.fromtimestamp(moment, ZONE)


def iso(moment: int, millis: bool = False) -> str:
    """ISO-8601 text in UTC with ``Z``, to the second or with three digits of milliseconds."""
    text = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{moment * 7919 % 1000:03d}Z" if millis else f"{text}Z"


def sql_time(moment: int) -> str:
    """Text ``YYYY-MM-DD HH:MM:SS`` in UTC, without a zone, as SQLite keeps it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")


def is_working_day(day: date) -> bool:
    """Monday to Friday and no public holiday."""
    return day.weekday() < 5 and day not in polish_holidays(day.year)


def business_seconds(begin: int, end: int) -> int:
    """Seconds of [begin, end) inside business hours, walked day by day in local time."""
    total = 0
    day, last = local(begin).date(), local(end).date()
    while day <= last:
        if is_working_day(day):
            total += max(0, min(end, instant(day, CLOSES)) - max(begin, instant(day, OPENS)))
        day += timedelta(days=1)
    return total


def next_business_second(moment: int) -> int:
    """The instant itself when the company is open, else the next opening."""
    day = local(moment).date()
    while True:
        if is_working_day(day):
            opens, closes = instant(day, OPENS), instant(day, CLOSES)
            if moment < opens:
                return opens
            if moment < closes:
                return moment
        day += timedelta(days=1)


def after_business(moment: int, seconds: int) -> int:
    """The instant at which ``seconds`` of business time have passed since ``moment``."""
    moment = next_business_second(moment)
    while True:
        closes = instant(local(moment).date(), CLOSES)
        if moment + seconds < closes:
            return moment + seconds
        seconds -= closes - moment
        moment = next_business_second(closes)


class Clock:
    """The simulated days of the company.

    Args:
        end: Last simulated local day.
        days: Number of simulated days.
        seed: Seed of the company (daily noise of the traffic).
    """

    def __init__(self, end: date, days: int, seed: int) -> None:
        """Lay out the days and their weights."""
        self.days = [end - timedelta(days=days - 1 - i) for i in range(days)]
        self.start, self.end = self.days[0], end
        self.opens = instant(self.start)
        self.closes = instant(end + timedelta(days=1))
        self.edges: IntArray = np.array([instant(day) for day in self.days] + [self.closes], dtype=np.int64)
        """Instant of each local midnight, shape (days + 1,)."""
        noise = Stream(seed, "clock").between(94, 106, days)
        self.weights: IntArray = np.array([_day_weight(day) for day in self.days], dtype=np.int64) * noise
        self._hours: IntArray = np.array(
            [[instant(day, hour) for hour in range(24)] for day in self.days], dtype=np.int64
        )

    def moments(self, stream: Stream, size: int, hours: tuple[int, ...], shop: bool = False) -> IntArray:
        """Instants with the rhythm of the company, shape (size,); ``shop``: nothing on Sundays and holidays."""
        weights = self.weights
        if shop:
            shut = np.array([d.weekday() == 6 or d in polish_holidays(d.year) for d in self.days])
            weights = np.where(shut, 0, weights)
        day, hour = stream.pick(weights, size), stream.pick(hours, size)
        return self._hours[day, hour] + stream.below(3600, size)

    def day_index(self, moments: IntArray) -> IntArray:
        """Index of the local day of each instant; -1 before the first day, ``days`` after the last."""
        return np.searchsorted(self.edges, moments, side="right").astype(np.int64) - 1

    def monday_at(self, share_ppm: int) -> date:
        """The first Monday at or after a share of the period, so that weekly tables show a clean edge."""
        day = self.days[len(self.days) * share_ppm // 1_000_000]
        return day + timedelta(days=-day.weekday() % 7)


def _day_weight(day: date) -> int:
    weight = _WEEKDAY[day.weekday()] * _MONTH[day.month]
    first = date(day.year, 11, 1)
    thursday = first + timedelta(days=(3 - first.weekday()) % 7 + 21)
    if thursday - timedelta(days=1) <= day <= thursday + timedelta(days=4):
        weight = weight * 17 // 10  # Black Friday to Cyber Monday
    elif day.month == 12 and 5 <= day.day <= 19:
        weight = weight * 12 // 10
    elif day.month == 12 and 24 <= day.day <= 26:
        weight = weight * 45 // 100
    elif day in polish_holidays(day.year):
        weight = weight * 75 // 100
    return weight
