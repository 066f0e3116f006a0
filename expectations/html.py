"""Results of the checks as one HTML page: no script, no network, light and dark, fit for a phone."""

from __future__ import annotations

import json
from html import escape
from itertools import groupby
from typing import Any

from expectations.results import CheckResult, CheckRun

_TITLES = {"landing": "What came in", "marts": "What goes out"}
_INTRO = {
    "landing": "Contract, volume and freshness of each landed table, over the files of completed loads.",
    "marts": "Audit of the marts of one version, before it is published.",
}

_STYLE = """
:root{color-scheme:light dark;--paper:#fbfaf7;--ink:#1d2430;--soft:#586172;--line:#dcd9d0;--card:#fff;
--ok:#1c6b4a;--warn:#8a5200;--bad:#a3242b;--okbg:#e4f2ea;--warnbg:#fbeed6;--badbg:#fae3e2}
@media (prefers-color-scheme:dark){:root{--paper:#14171c;--ink:#e8e6e1;--soft:#a4abb8;--line:#323843;--card:#1b1f26;
--ok:#7fd0a5;--warn:#f0b964;--bad:#f59a95;--okbg:#173326;--warnbg:#3a2b10;--badbg:#401d1e}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:68rem;margin:0 auto;padding:2rem 1.25rem 4rem;overflow-wrap:anywhere}
h1,h2{font-family:Georgia,"Iowan Old Style","Times New Roman",serif;font-weight:600;line-height:1.2}
h1{font-size:2rem;margin:0 0 .25rem}
h2{font-size:1.35rem;margin:2.5rem 0 .25rem}
h3{font-size:1rem;margin:1.5rem 0 .5rem}
p{margin:.25rem 0 1rem;color:var(--soft);max-width:44rem}
.tally{display:flex;flex-wrap:wrap;gap:.5rem 2rem;margin:1rem 0;padding:0;list-style:none}
.tally b{font-size:1.6rem;font-variant-numeric:tabular-nums;margin-right:.35rem}
.mark{display:inline-block;padding:.05rem .5rem;border-radius:1rem;font-size:.8rem;font-weight:600}
.mark{overflow-wrap:normal;white-space:nowrap}
.ok{color:var(--ok);background:var(--okbg)}.warn{color:var(--warn);background:var(--warnbg)}
.bad{color:var(--bad);background:var(--badbg)}
article{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem;margin:.6rem 0}
article h4{margin:0;font-size:1rem}
article dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.15rem 1rem;margin:.5rem 0 0}
article dl{font-size:.92rem}
dt{color:var(--soft)}dd{margin:0;min-width:0}
code{font:.88em ui-monospace,"Cascadia Mono",Menlo,monospace;overflow-wrap:anywhere}
details{border-top:1px solid var(--line);padding:.45rem 0}
details:last-of-type{border-bottom:1px solid var(--line)}
summary{cursor:pointer;display:flex;gap:.75rem;align-items:baseline;justify-content:space-between}
summary span:first-child{font-weight:600;overflow-wrap:anywhere}
summary:focus-visible{outline:2px solid var(--ink);outline-offset:2px}
ul.checks{list-style:none;margin:.4rem 0 .6rem;padding:0;font-size:.93rem}
ul.checks li{display:grid;grid-template-columns:5.5rem minmax(0,1fr);gap:.75rem;padding:.2rem 0}
ul.checks small{display:block;color:var(--soft)}
@media print{body{background:#fff}details{break-inside:avoid}}
"""


def render(*runs: CheckRun) -> str:
    """One page for one run, or for several below each other.

    Args:
        runs: for example the landing run and the marts run of one version.
    """
    blocking = sum(len(run.blocking_failures) for run in runs)
    verdict = "Nothing blocks publishing"
    if blocking:
        verdict = (
            f"{blocking:,} failures that block publishing"
            if blocking > 1
            else "1 failure that blocks publishing"
        )
    body = "".join(_run(run) for run in runs)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Data checks</title><style>{_STYLE}</style></head>\n"
        f"<body><main><h1>Data checks</h1><p>{escape(verdict)}.</p>{body}</main></body></html>\n"
    )


def _run(run: CheckRun) -> str:
    counts = run.counts()
    attention = [*run.blocking_failures, *run.warnings]
    failures = "".join(_failure(result) for result in attention)
    listed = "".join(_suite(name, results) for name, results in run.by_suite().items())
    tally = (
        f"<li><b>{counts['passed']:,}</b>of {counts['checks']:,} checks passed</li>"
        f"<li><b>{counts['warnings']:,}</b>{'warning' if counts['warnings'] == 1 else 'warnings'}</li>"
        f"<li><b>{counts['blocking']:,}</b>blocking</li>"
    )
    at = run.started_at.strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"<section><h2>{_TITLES[run.stage]}</h2><p>{_INTRO[run.stage]} Run at {at}.</p>"
        f'<ul class="tally">{tally}</ul>'
        + (f"<h3>Needs attention</h3>{failures}" if failures else "")
        + (f"<h3>Every check</h3>{listed}" if listed else "<p>There is nothing to check yet.</p>")
        + "</section>"
    )


def _failure(result: CheckResult) -> str:
    where = f"{result.dataset} · {result.table}" if result.dataset else result.table
    rows = [
        ("Found", escape(result.detail)),
        ("Samples", _samples(result.sample)),
        ("Why", escape(result.why)),
    ]
    listed = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in rows if text)
    return (
        f"<article><h4>{_mark(result)} {escape(where)}: {escape(result.title)}</h4>"
        f"<dl>{listed}<dt>Check</dt><dd><code>{escape(result.expectation)}</code></dd></dl></article>"
    )


def _suite(name: str, results: list[CheckResult]) -> str:
    failed = [result for result in results if not result.passed]
    worst = next((result for result in failed if result.is_blocking), failed[0] if failed else results[0])
    good = len(results) - len(failed)
    items = "".join(
        f"<li><span>{_mark(result)}</span><span>{escape(result.title)}"
        + (f"<small>{escape(result.detail)}</small>" if result.detail else "")
        + "</span></li>"
        for result in results
    )
    return (
        f"<details><summary><span>{escape(name)}</span><span>{good} of {len(results)} {_mark(worst)}</span>"
        f'</summary><ul class="checks">{items}</ul></details>'
    )


def _mark(result: CheckResult) -> str:
    if result.passed:
        return '<span class="mark ok">passed</span>'
    return f'<span class="mark {"bad" if result.is_blocking else "warn"}">{result.severity}</span>'


def _samples(sample: list[Any]) -> str:
    """Samples as code; equal neighbours once."""
    texts = [json.dumps(value, ensure_ascii=False) for value in sample]
    return ", ".join(f"<code>{escape(text)}</code>" for text, _ in groupby(texts))
