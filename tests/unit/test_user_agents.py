"""Which user agents count as machines: the patterns of the seed map_bots on real ones."""

from __future__ import annotations

import csv

import pytest

from ingestion.settings import PROJECT_ROOT
from tests.support.reference_data import read_rows, require_reference_data

with (PROJECT_ROOT / "dbt_project" / "seeds" / "maps" / "map_bots.csv").open(encoding="utf-8") as seed:
    PATTERNS = [row["pattern"] for row in csv.DictReader(seed) if row["source_field"] == "user_agent"]

MACHINES = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/W.X.Y.Z Mobile "
    "Safari/537.36 (compatible; Google-InspectionTool/1.0; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
    "python-requests/2.31.0",
    "curl/8.4.0",
    "Go-http-client/1.1",
)
PEOPLE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/88.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 5.1; CUBOT NOTE S Build/LMY47I) AppleWebKit/537.36 Chrome/61.0 Mobile Safari/537.36",
    "okhttp/4.12.0",  # the network layer of apps for Android, and so of people's phones
    "snowplow/andr-5.0.0 android/11",
)


def is_machine(user_agent: str) -> bool:
    return any(pattern in user_agent.lower() for pattern in PATTERNS)


@pytest.mark.parametrize("user_agent", MACHINES)
def test_machines(user_agent: str) -> None:
    assert is_machine(user_agent)


@pytest.mark.parametrize("user_agent", PEOPLE)
def test_people(user_agent: str) -> None:
    assert not is_machine(user_agent)


@pytest.mark.parametrize("package", ["snowplow_web", "snowplow_ecommerce"])
def test_nobody_of_snowplows_events_is_a_machine(package: str) -> None:
    """Snowplow's own mark, by the list of the Interactive Advertising Bureau, is false for all of the web events."""
    path = require_reference_data("peers", package, "source", f"{package}_events.csv")
    agents = {row["useragent"] for row in read_rows(path)}
    assert len(agents) >= 3
    assert [agent for agent in agents if is_machine(agent)] == []
