"""Where the records of a CSV text begin and end, and which of them are whole.

Quotes follow RFC 4180. The check is vectorised over the bytes; only around a quote that stands where none may
stand does a careful reader go line by line, and it starts anew at the next line, so that one damaged line never
takes its neighbours with it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

_NEWLINE, _RETURN = 0x0A, 0x0D
# after a damaged line the careful reader goes on for this many lines, since damage comes in clusters
_CAREFUL_LINES = 200
# a quoted text of more lines than this is an unbalanced quote (longest review in the Olist set: 14 lines)
_MAX_LINES = 500
# bytes looked at next after damage, growing again while the text is clean: a rescan of the block for every
# damaged line would be quadratic
_WINDOW = 1 << 16


@dataclass
class BadRecord:
    """A record that is set aside: first physical line, reason, its bytes."""

    line: int
    reason: str
    raw: bytes


@dataclass(frozen=True)
class Layout:
    """Notation of a CSV file: number of fields, delimiter, quote ('' for none)."""

    width: int
    delimiter: str = ","
    quote: str = '"'


@dataclass
class Records:
    """Whole records of a block.

    Attributes:
        text: slices of whole records, each record ending in a newline.
        lines: physical line, from 1, of the first byte of each record, per slice.
        lengths: bytes of each record, per slice.
        parsed: whole records that only the careful reader understands, as (line, fields).
        bad: records set aside.
    """

    text: list[bytes] = field(default_factory=list)
    lines: list[np.ndarray] = field(default_factory=list)
    lengths: list[np.ndarray] = field(default_factory=list)
    parsed: list[tuple[int, list[str]]] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)


def split(data: bytes, layout: Layout, first_line: int, final: bool) -> tuple[Records, int, int]:
    """Whole records of a block.

    Args:
        data: UTF-8 bytes that start at the start of a record.
        layout: notation and number of fields of a record.
        first_line: physical line of the first byte, from 1.
        final: no more bytes follow.

    Returns:
        (records, bytes used, physical lines used). Bytes from there on belong to a record that is not complete
        yet.
    """
    out = Records()
    position, line, window = 0, first_line, len(data)
    while position < len(data):
        stop = min(len(data), position + window)
        last = final and stop == len(data)
        used, lines, damaged = _clean_stretch(data, position, stop, layout, line, last, out)
        position, line = position + used, line + lines
        if damaged or (last and position < stop):
            used, lines = _careful(data, position, layout, line, final, out)
            position, line, window = position + used, line + lines, _WINDOW
            if not used:
                break
        elif stop == len(data):
            break
        else:
            window *= 4
    return out, position, line - first_line


def _clean_stretch(
    data: bytes, start: int, stop: int, layout: Layout, line: int, final: bool, out: Records
) -> tuple[int, int, bool]:
    """Take records up to the first quote out of place.

    Returns:
        (bytes used, physical lines used, whether a careful look is needed at what follows).
    """
    view = np.frombuffer(data, np.uint8)[start:stop]
    newlines = np.flatnonzero(view == _NEWLINE)
    quotes = np.flatnonzero(view == ord(layout.quote)) if layout.quote else np.empty(0, np.int64)
    ends, damaged, balanced = newlines, False, True
    if quotes.size:
        wrong = _first_misplaced(view, quotes, ord(layout.delimiter))
        ends = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
        balanced = quotes.size % 2 == 0 and wrong is None
        if wrong is not None:
            ends, damaged = ends[ends < wrong], True
        elif newlines.size - (np.searchsorted(newlines, ends[-1]) if ends.size else 0) > _MAX_LINES:
            damaged = True
    unterminated = final and balanced and (not ends.size or ends[-1] != len(view) - 1)
    if unterminated:
        ends = np.append(ends, len(view) - 1)
    if not ends.size:
        return 0, 0, damaged
    starts = np.concatenate(([0], ends[:-1] + 1))
    lines = line + np.searchsorted(newlines, starts)
    fields = _fields(view[: int(ends[-1]) + 1], ends, quotes, ord(layout.delimiter))
    # two damaged lines may look like one long quoted text: then the lines between them are not theirs to take
    swallowed = (fields != layout.width) & (np.searchsorted(newlines, ends) + line > lines)
    if swallowed.any():
        size = int(swallowed.argmax())
        if not size:
            return 0, 0, True
        ends, starts, lines, fields = ends[:size], starts[:size], lines[:size], fields[:size]
        damaged, unterminated = True, False
    used = int(ends[-1]) + 1
    blank = _blank(view, starts, ends)
    good = (fields == layout.width) & ~blank
    _keep(data, start, starts, ends, lines, good, out)
    if unterminated and good[-1]:
        out.text.append(b"\n")
        out.lengths[-1][-1] += 1
    for index in np.flatnonzero(~good & ~blank):
        raw = data[start + starts[index] : start + ends[index] + 1]
        reason = wrong_width(int(fields[index]), layout.width)
        out.bad.append(BadRecord(int(lines[index]), reason, raw.rstrip(b"\r\n")))
    return used, int(np.searchsorted(newlines, used)), damaged


def _first_misplaced(view: np.ndarray, quotes: np.ndarray, delimiter: int) -> int | None:
    """Position of the first quote that neither opens nor closes a field nor doubles another, or None."""
    opening, closing = quotes[0::2], quotes[1::2]
    before = view[np.maximum(opening - 1, 0)]
    opens = (opening == 0) | (before == delimiter) | (before == _NEWLINE)
    opens[1:] |= opening[1:] - 1 == closing[: opening.size - 1]
    last = len(view) - 1
    after = view[np.minimum(closing + 1, last)]
    closes = (after == delimiter) | (after == _NEWLINE) | (after == _RETURN) | (closing == last)
    following = quotes[2::2]
    closes[: following.size] |= closing[: following.size] + 1 == following
    wrong = np.concatenate((opening[~opens], closing[~closes]))
    return int(wrong.min()) if wrong.size else None


def _fields(view: np.ndarray, ends: np.ndarray, quotes: np.ndarray, delimiter: int) -> np.ndarray:
    """Number of fields of each record: delimiters outside quotes, plus one."""
    marks = np.flatnonzero(view == delimiter)
    if quotes.size:
        marks = marks[np.searchsorted(quotes, marks) % 2 == 0]
    counts = np.searchsorted(marks, ends)
    return np.diff(counts, prepend=0) + 1


def _blank(view: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    lengths = ends - starts + 1
    first = view[starts]
    newline = (lengths == 1) & (first == _NEWLINE)
    return newline | ((lengths == 2) & (first == _RETURN) & (view[ends] == _NEWLINE))


def _keep(
    data: bytes,
    start: int,
    starts: np.ndarray,
    ends: np.ndarray,
    lines: np.ndarray,
    good: np.ndarray,
    out: Records,
) -> None:
    """Append the good records, neighbours in one slice."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], good.view(np.int8), [0]))))
    for low, high in zip(edges[0::2], edges[1::2], strict=True):
        out.text.append(data[start + int(starts[low]) : start + int(ends[high - 1]) + 1])
        out.lines.append(lines[low:high])
        out.lengths.append((ends - starts + 1)[low:high])


def _careful(
    data: bytes, start: int, layout: Layout, line: int, final: bool, out: Records
) -> tuple[int, int]:
    """Read some records line by line around damage; returns (bytes used, physical lines used)."""
    position, number = start, line
    while position < len(data) and number - line < _CAREFUL_LINES:
        taken = _one_record(data, position, layout, final)
        if taken is None:
            break
        used, fields, reason = taken
        raw = data[position : position + used]
        if reason:
            out.bad.append(BadRecord(number, reason, raw.rstrip(b"\r\n")))
        elif fields is not None:
            out.parsed.append((number, fields))
        position, number = position + used, number + raw.count(b"\n")
    return position - start, number - line


def _one_record(
    data: bytes, start: int, layout: Layout, final: bool
) -> tuple[int, list[str] | None, str] | None:
    """(bytes used, fields or None for a blank line, reason or ''), or None when more bytes are needed."""
    first_end = data.find(b"\n", start) + 1
    if not first_end:
        if not final:
            return None
        first_end = len(data)
    fields, problem = parse_line(data[start:first_end], layout)
    if problem == OPEN_QUOTE:
        for end in _later_ends(data, first_end, layout.quote, final):
            longer, found = parse_line(data[start:end], layout)
            if longer is not None and len(longer) == layout.width:
                return end - start, *_in_encoding(longer)
            if found != OPEN_QUOTE:
                break
        else:
            if not final and data.count(b"\n", start) < _MAX_LINES:
                return None
    elif fields is not None and len(fields) not in (0, layout.width):
        problem = wrong_width(len(fields), layout.width)
    if fields and not problem:
        return first_end - start, *_in_encoding(fields)
    return first_end - start, None if problem else fields or None, problem


def _in_encoding(fields: list[str]) -> tuple[list[str] | None, str]:
    """The fields, unless they hold bytes that are no text."""
    try:
        "".join(fields).encode("utf-8")
    except UnicodeEncodeError:
        return None, WRONG_ENCODING
    return fields, ""


def _later_ends(data: bytes, begin: int, quote: str, final: bool) -> Iterator[int]:
    """Ends of the following whole lines that hold a quote, and so may close the record."""
    mark = quote.encode()
    for _ in range(_MAX_LINES):
        end = data.find(b"\n", begin) + 1 or (len(data) if final else 0)
        if begin >= len(data) or not end:
            return
        if mark in data[begin:end]:
            yield end
        begin = end


OPEN_QUOTE = "row: a quote is not closed"
WRONG_ENCODING = "row: wrong encoding"


def parse_line(raw: bytes, layout: Layout) -> tuple[list[str] | None, str]:
    """Fields of one record, or the reason why it is none. A quote inside an unquoted field is text."""
    text = raw.decode("utf-8", "surrogateescape").removesuffix("\n").removesuffix("\r")
    try:
        rows = list(
            csv.reader(
                io.StringIO(text, newline=""),
                delimiter=layout.delimiter,
                quotechar=layout.quote or None,
                quoting=csv.QUOTE_MINIMAL if layout.quote else csv.QUOTE_NONE,
                strict=True,
            )
        )
    except csv.Error as error:
        if "unexpected end" in str(error):
            return None, OPEN_QUOTE
        return None, "row: text after a closing quote" if "expected after" in str(
            error
        ) else "row: not readable"
    if len(rows) > 1:
        return None, "row: a line break outside quotes"
    return (rows[0] if rows else []), ""


def wrong_width(found: int, width: int) -> str:
    """Reason of a record with too few or too many fields; few wordings, so that reasons can be counted."""
    return f"row: too {'few' if found < width else 'many'} fields, {width} expected"
