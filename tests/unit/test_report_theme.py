"""Text of the pages is readable in light and dark: contrast of WCAG 2.2, level AA."""

import re
from pathlib import Path

import pytest

import expectations.html
import orchestration.report

REPORT = (Path(orchestration.report.__file__).parent / "theme" / "report.css").read_text(encoding="utf-8")
TEXT = 4.5  # contrast of normal text
SHAPE = 3.0  # contrast of lines and points


def themes(css):
    """Variables of the light theme and, over them, of the dark one."""
    blocks = re.findall(r":root\s*\{(.*?)\}", css, flags=re.S)
    light, dark = (dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,6})", block)) for block in blocks[:2])
    return {"light": light, "dark": {**light, **dark}}


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_published_examples():
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#767676", "#fff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_of_the_report_stands_out(scheme):
    colours = themes(REPORT)[scheme]
    for name in ("ink", "soft", "accent", "mark", "good", "bad"):
        assert contrast(colours[name], colours["paper"]) >= TEXT, name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lines_of_the_report_stand_out(scheme):
    colours = themes(REPORT)[scheme]
    for name in ("accent", "series-1", "series-2", "series-3", "series-4"):
        assert contrast(colours[name], colours["paper"]) >= SHAPE, name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_of_the_checks_stands_out(scheme):
    colours = themes(expectations.html._STYLE)[scheme]
    for name in ("ink", "soft"):
        assert min(contrast(colours[name], colours[ground]) for ground in ("paper", "card")) >= TEXT, name
    for name in ("ok", "warn", "bad"):
        assert contrast(colours[name], colours[f"{name}bg"]) >= TEXT, name
