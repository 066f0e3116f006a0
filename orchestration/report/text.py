"""Numbers, dates and changes as a reader expects them. Null never becomes zero: callers say why instead."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUS = "\u2212"
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "PLN": "zł", "BRL": "R$", "JPY": "¥"}
_AFTER = {"PLN"}


def integer(value: float) -> str:
    """12345 -> 12,345; a negative number with a real minus sign."""
    return f"{round(value):,}".replace("-", MINUS)


def decimal(value: float, places: int = 1) -> str:
    """3.14159 -> 3.1; never minus zero."""
    rounded = round(value, places)
    return f"{rounded + 0.0:,.{places}f}".replace("-", MINUS)


def percent(share: float, places: int = 1) -> str:
    """0.7123 -> 71.2%."""
    return f"{decimal(share * 100, places)}%"


def money(amount: float, currency: str) -> str:
    """12400 EUR -> €12,400; a currency without a sign of its own is written after the number."""
    symbol = _SYMBOLS.get(currency)
    number = integer(abs(amount))
    sign = MINUS if round(amount) < 0 else ""
    if symbol is None:
        return f"{sign}{number} {currency}".strip()
    return f"{sign}{number} {symbol}" if currency in _AFTER else f"{sign}{symbol}{number}"


def significant(value: float, digits: int = 3) -> float:
    """24686 -> 24700: an estimate does not pretend to know more than its first digits."""
    return float(f"{value:.{digits}g}")


def duration(minutes: float) -> str:
    """Minutes in the unit that suits them: 42 min, 5 h 20 min, 3.4 days."""
    sign, minutes = (MINUS, -minutes) if minutes < 0 else ("", minutes)
    if minutes < 10:
        return f"{sign}{decimal(minutes)} min"
    whole = round(minutes)
    if whole < 60:
        return f"{sign}{whole} min"
    if whole < 48 * 60:
        hours, rest = divmod(whole, 60)
        return f"{sign}{hours} h {rest} min" if rest else f"{sign}{hours} h"
    return f"{sign}{decimal(minutes / 1440)} days"


def seconds(value: float) -> str:
    """Seconds as a duration, short ones in seconds."""
    return f"{round(value)} s" if value < 90 else duration(value / 60)


def signed(text: str) -> str:
    """A number as text with its sign: 2.1 -> +2.1."""
    return text if text.startswith(MINUS) else f"+{text}"


def day(value: date) -> str:
    """2025-06-29 -> 29 June 2025."""
    return f"{value.day} {value:%B %Y}"


def day_range(first: date, last: date) -> str:
    """23–29 June 2025; 30 June – 6 July 2025; 29 December 2025 – 4 January 2026."""
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{last.day} {last:%B %Y}"
    start = f"{first.day} {first:%B}" if first.year == last.year else day(first)
    return f"{start} – {day(last)}"


def period(kind: str, start: date) -> str:
    """A period by its kind (week, month, all) and first day."""
    if kind == "week":
        return day_range(start, start + timedelta(days=6))
    return f"{start:%B %Y}" if kind == "month" else "all time"


def instant(value: datetime, zone: str) -> str:
    """An instant in the company's time zone: 29 June 2025, 18:05."""
    local = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%B %Y, %H:%M}"


def moment(value: datetime, zone: str) -> tuple[str, str]:
    """An instant in the company's time zone as short day and time: 29 Jun 2025, 18:05."""
    local = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y}", f"{local:%H:%M}"


def count_of(number: int, noun: str) -> str:
    """1 ticket; 3 tickets."""
    return f"{integer(number)} {noun}" if number == 1 else f"{integer(number)} {plural(noun)}"


def plural(noun: str) -> str:
    """The plural of a regular noun; entry -> entries."""
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def listing(words: list[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
