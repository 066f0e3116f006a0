"""What `cx-dbt` spares dbt: events that no log asked for."""

from dataclasses import dataclass, field

import pytest

from orchestration.dbt_process import drop_unread_events


@dataclass
class Log:
    level: object
    lines: list = field(default_factory=list)

    def filter(self, msg):
        return True

    def write_line(self, msg):
        self.lines.append(msg.info.level)


@pytest.fixture
def manager():
    from dbt_common.events import event_manager_client as client

    before = client.get_event_manager()
    drop_unread_events()
    yield client.get_event_manager()
    client.ctx_set_event_manager(before)


@pytest.mark.parametrize(
    ("level", "written"), [("info", ["warn", "info"]), ("debug", ["debug", "warn", "info"])]
)
def test_a_log_gets_the_events_of_its_level_and_above(manager, level, written):
    from dbt_common.events.base_types import EventLevel
    from dbt_common.events.functions import fire_event
    from dbt_common.events.types import Note

    log = Log(EventLevel(level))
    manager.loggers.append(log)
    fire_event(Note(msg="found in the cache"), level=EventLevel.DEBUG)
    fire_event(Note(msg="no such path"), level=EventLevel.WARN)
    fire_event(Note(msg="done"), level=EventLevel.INFO)
    assert log.lines == written
