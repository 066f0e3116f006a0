"""Records that do not fit are set aside with a reason that names columns, never values."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.core.connector import TableSpec
from ingestion.core.quarantine import typed_batch

SPEC = TableSpec(
    "contacts", {"id": "text", "age": "bigint", "seen_at": "timestamp"}, key=("id",), required=("seen_at",)
)


def test_reasons_name_every_problem_of_a_record() -> None:
    batch = typed_batch(
        SPEC,
        [
            {"id": 1, "age": "5", "seen_at": "2024-01-01T00:00:00Z", "unknown": 1},
            {"id": "", "age": "secret@example.com", "seen_at": None},
            {"id": 2, "seen_at": "yesterday"},
        ],
        "page 1",
    )
    assert batch.rows is not None
    assert batch.rows.column("id").to_pylist() == ["1"]
    assert [(r.source_ref, r.reason) for r in batch.rejected] == [
        ("page 1#1", "age: not a whole number; id: key is missing; seen_at: missing"),
        ("page 1#2", "seen_at: not a timestamp"),
    ]
    assert json.loads(batch.rejected[0].raw_json)["age"] == "secret@example.com"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.just("2024-01-01T00:00:00Z"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=3,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.dictionaries(st.sampled_from(["id", "age", "seen_at", "x"]), JSON), max_size=20))
def test_every_record_is_loaded_or_rejected(records: list[dict[str, object]]) -> None:
    batch = typed_batch(SPEC, records, "page")
    assert batch.rows is not None
    assert batch.rows.num_rows + len(batch.rejected) == len(records)
    assert batch.rows.column("id").null_count == 0
    assert batch.rows.column("seen_at").null_count == 0
