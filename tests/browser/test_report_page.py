"""The report in a real browser: drawn, quiet, self-contained, and as wide as the screen, light and dark."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from expectations.html import render
from expectations.results import CheckResult, CheckRun
from orchestration.report.build import render_report
from tests.support.report_marts import MANIFEST, empty_marts, full_marts, orders_only

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
SCHEMES = {"dark": 0, "light": 1}

# Counts errors from the first line of the page on.
EARLY = """
<script>
window.probe = {errors: [], violations: []};
addEventListener("error", event => probe.errors.push(String(event.message)));
addEventListener("unhandledrejection", event => probe.errors.push(String(event.reason)));
addEventListener("securitypolicyviolation", event => probe.violations.push(event.blockedURI));
for (const kind of ["error", "warn"]) {
  const say = console[kind];
  console[kind] = (...words) => { probe.errors.push(words.join(" ")); say(...words); };
}
</script>
"""
# Measures once the charts are drawn, and tells the frame's owner what it found.
LATE = """
<script>
const started = Date.now();
const timer = setInterval(() => {
  const root = document.documentElement, waiting = document.getElementById("specs") && !root.dataset.ready;
  if (waiting && Date.now() - started < 20000) return;
  clearInterval(timer);
  const wide = [...document.querySelectorAll("body *")].filter(
    e => e.getBoundingClientRect().right > root.clientWidth + 1 && !e.closest(".skip, thead")).map(e => e.outerHTML);
  const drawn = [...document.querySelectorAll(".chart")].map(chart => {
    const svg = chart.querySelector("svg");
    return {marks: svg ? svg.querySelectorAll("path[d], text").length : 0,
            width: svg ? svg.getBoundingClientRect().width : 0, place: chart.clientWidth};
  });
  const line = document.querySelector(".chart path[stroke]");
  Object.assign(probe, {
    wide: wide.map(text => text.slice(0, 120)), drawn, ready: root.dataset.ready, width: innerWidth,
    scroll: root.scrollWidth, background: getComputedStyle(document.body).backgroundColor,
    ink: getComputedStyle(document.body).color, stroke: line && getComputedStyle(line).stroke,
    fetched: performance.getEntriesByType("resource").map(entry => entry.name),
  });
  parent.postMessage(JSON.stringify(probe), "*");
}, 50);
</script>
"""
# A window of Chromium is never narrower than 500 pixels, a frame is.
FRAME = """<!doctype html><body style="margin:0">
<script>
addEventListener("message", event => {{
  const note = document.createElement("pre");
  note.id = "probe";
  note.textContent = event.data;
  document.body.append(note);
}});
</script>
<iframe src="{page}" width="{width}" height="1000" style="border:0"></iframe>
"""


@pytest.fixture(scope="module")
def browse(tmp_path_factory):
    """Opens a page in Chromium and returns what the probe found in it."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    folder = tmp_path_factory.mktemp("browser")

    def open_page(page: Path, width: int, scheme: str) -> dict:
        before, after = page.read_text(encoding="utf-8").rsplit("</body>", 1)  # scripts may hold the word too
        probed = folder / f"{page.stem}-{width}-{scheme}.html"
        probed.write_text(
            before.replace("<head>", f"<head>{EARLY}", 1) + f"{LATE}</body>{after}", encoding="utf-8"
        )
        frame = probed.with_suffix(".frame.html")
        frame.write_text(FRAME.format(page=probed.name, width=width), encoding="utf-8")
        done = subprocess.run(
            [chromium, *FLAGS, f"--user-data-dir={folder}/profile", f"--window-size={max(width, 600)},1200",
             f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}", "--virtual-time-budget=30000",
             "--dump-dom", frame.as_uri()],
            capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, flags=re.S)
        assert found, done.stderr[-2000:]
        return json.loads(unescape(found[1]))

    return open_page


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, make in (("full", full_marts), ("empty", empty_marts), ("orders", orders_only)):
        render_report(make(folder / f"{name}.duckdb"), folder / f"{name}.html", MANIFEST)
    return folder


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_the_report_is_drawn_without_error_and_without_network(browse, pages, width, scheme):
    found = browse(pages / "full.html", width, scheme)
    assert found["errors"] == []
    assert found["violations"] == []
    assert [name for name in found["fetched"] if not name.startswith("data:")] == []
    assert found["width"] == width
    # seven trends, the journey, the steps by device and the history of the leak
    assert len(found["drawn"]) == 10
    assert all(chart["marks"] > 5 for chart in found["drawn"])
    assert all(0 < chart["width"] <= chart["place"] + 1 for chart in found["drawn"])


@pytest.mark.parametrize("name", ["full", "empty", "orders"])
def test_nothing_is_wider_than_a_phone(browse, pages, name):
    found = browse(pages / f"{name}.html", 390, "light")
    assert found["wide"] == []
    assert found["scroll"] <= 390
    assert found["errors"] == []


def test_the_page_and_its_charts_follow_the_theme_of_the_reader(browse, pages):
    light, dark = (browse(pages / "orders.html", 1000, scheme) for scheme in ("light", "dark"))
    assert light["background"] == "rgb(252, 251, 248)"
    assert dark["background"] == "rgb(20, 23, 27)"
    assert light["ink"] != dark["ink"]
    assert light["stroke"] != dark["stroke"]


def test_the_page_of_the_checks_fits_a_phone(browse, tmp_path):
    from datetime import UTC, datetime

    failed = CheckResult(
        suite="landing.files__store.visits", table="visits", dataset="files__store", severity="error", passed=False,
        expectation="expect_column_values_to_be_in_set", title="x" * 90,
        detail="3 of 10 rows (30.00%)", sample=["x" * 80, "y" * 80], why="A reason.",
    )  # fmt: skip
    page = tmp_path / "checks.html"
    page.write_text(
        render(CheckRun("landing", datetime(2024, 6, 1, tzinfo=UTC), 1.0, [failed])), encoding="utf-8"
    )
    found = browse(page, 390, "dark")
    assert found["scroll"] <= 390
    assert found["errors"] == []
