"""Web events of an example as its mapping gives them, without a load: for tests of the models behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from ingestion.connections import load_connections
from tests.support.reference_data import REFERENCE_DATA
from tests.support.warehouse import example_settings

_TYPES = {"text": "varchar", "decimal": "decimal(18, 4)"}


def example_events(name: str, home: Path) -> list[dict[str, Any]]:
    """Rows of cx_web_event out of the single table of `examples/<name>.yml`.

    Args:
        name: of an example with one files connection, one CSV table with a key and one mapping, of web events.
        home: folder in which the connections file is checked; nothing is loaded there.

    Returns:
        A dict per event in the names of cx_web_event; of several rows with one key the last of the file.
    """
    connections = load_connections(example_settings(name, home))
    [connection] = connections.connections
    [table] = connection.config.tables  # type: ignore[attr-defined]
    [mapping] = table.entities
    path = table.glob.replace("${CX_REFERENCE_DATA:-../../shared/data}", str(REFERENCE_DATA))
    typed = ", ".join(
        f'cast("{c.source}" as {_TYPES.get(c.type, c.type)}) as "{c.to}"' for c in table.columns
    )
    given = {"web_event_key": mapping.columns["source_id"], "event_date_local": "cast(event_at as date)"}
    # The user agent is for the marking of bots, which is another test's.
    kept = {column: value for column, value in (given | mapping.columns).items() if column != "user_agent"}
    values = ", ".join(f'{value} as "{column}"' for column, value in kept.items())
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        found = db.execute(
            f"select {values} from (select {typed}, row_number() over () as place from read_csv(?, all_varchar = true))"
            f" qualify row_number() over (partition by {', '.join(table.key)} order by place desc) = 1",
            [path],
        )
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
