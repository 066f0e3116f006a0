"""What moved most: the changes among all touchpoints, channels and segments that are more than chance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from orchestration.report.headline import METRICS, Metric, estimate
from orchestration.report.movement import FALSE_DISCOVERY_RATE, discoveries, p_value, z_score
from orchestration.report.periods import Kind, Periods, previous
from orchestration.report.reader import Marts, Row

_LISTED = 8
# Fewer comparisons than this and the weeks are too thin: months are compared instead.
_ENOUGH = 10

_EXTRA = (
    Metric("ces_easy", "Easy (share)", ("ces_easy_share",), "share", "answer", True, "", ""),
    Metric("reopen", "Reopened tickets", ("reopen_rate",), "share", "ticket", False, "", ""),
    Metric("response_rate", "Response rate", ("response_rate",), "share", "invitation", True, "", ""),
)
_SEGMENTS = {"customer_segment": "customers", "reason_code": "reason", "source_account": "source"}


@dataclass(frozen=True)
class Move:
    """One change that stands out.

    Attributes:
        metric: what moved.
        name: metric_name, which tells relationship from transactional NPS.
        scope: where, for people.
        before: value of the period before.
        value: value of the reported period.
        n: answers behind it.
        z: standard errors between the two.
    """

    metric: Metric
    name: str
    scope: str
    before: float
    value: float
    n: int
    z: float

    @property
    def change(self) -> float:
        """Difference in the unit of the metric."""
        return self.value - self.before

    @property
    def is_better(self) -> bool:
        """Whether it moved the right way."""
        return (self.change > 0) == self.metric.higher_is_better


@dataclass(frozen=True)
class Moves:
    """The listed moves and what they were picked from."""

    moves: tuple[Move, ...]
    compared: int
    kind: Kind
    start: date | None


def what_moved(marts: Marts, periods: Periods) -> Moves:
    """The largest changes against the period before, by week where weeks hold enough answers, else by month."""
    names = touchpoint_names(marts)
    best = Moves((), 0, "week", periods.week)
    for kind in ("week", "month"):
        start = periods.start(kind)
        if start is None:
            continue
        candidates = _candidates(marts, kind, start, names)
        if len(candidates) > best.compared:
            best = Moves(_stand_out(candidates), len(candidates), kind, start)
        if best.compared >= _ENOUGH:
            break
    return best


def touchpoint_names(marts: Marts) -> dict[str, str]:
    """Names of touchpoints by id."""
    rows = marts.rows(
        "select touchpoint_id, touchpoint_name from marts.dim_touchpoints", of=["dim_touchpoints"]
    )
    return {row["touchpoint_id"]: row["touchpoint_name"] for row in rows}


def _stand_out(candidates: list[Move]) -> tuple[Move, ...]:
    stand = discoveries([p_value(move.z) for move in candidates], FALSE_DISCOVERY_RATE)
    found = [move for move, stands in zip(candidates, stand, strict=True) if stands]
    return tuple(sorted(found, key=lambda move: (-abs(move.z), move.name, move.scope))[:_LISTED])


def _candidates(marts: Marts, kind: Kind, start: date, names: dict[str, str]) -> list[Move]:
    metrics = {name: metric for metric in (*METRICS, *_EXTRA) for name in metric.names if not metric.lagged}
    rows = marts.rows(
        """
        select metric_name, touchpoint_id, channel, segment_type, segment_value, period_start, metric_value,
               ci_low, ci_high, numerator, denominator, response_count
        from marts.mart_cx_metrics
        where period_type = ? and period_start in (?, ?) and is_reportable and metric_value is not null
          and list_contains(?, metric_name)
          and (cast(touchpoint_id <> 'all' as integer) + cast(channel <> 'all' as integer)
               + cast(segment_type <> 'all' as integer)) = 1
        order by all
        """,
        [kind, start, previous(kind, start), list(metrics)],
        of=["mart_cx_metrics"],
    )
    pairs: dict[tuple[str, ...], dict[date, Row]] = {}
    for row in rows:
        key = tuple(row[part] for part in _KEY)
        pairs.setdefault(key, {})[row["period_start"]] = row
    moves: list[Move] = []
    seen: set[tuple[object, ...]] = set()
    # Touchpoints first: where a channel is one touchpoint only, the two rows say the same.
    for key, pair in sorted(pairs.items(), key=lambda item: (item[0][1] == "all", item[0])):
        if len(pair) < 2:
            continue
        now, before = pair[start], pair[previous(kind, start)]
        z = z_score(estimate(now), estimate(before), metrics[key[0]].unit == "share")
        same = (
            key[0],
            now["metric_value"],
            now["response_count"],
            before["metric_value"],
            before["response_count"],
        )
        if z is None or same in seen:
            continue
        seen.add(same)
        moves.append(
            Move(
                metric=metrics[key[0]],
                name=key[0],
                scope=_scope(now, names),
                before=before["metric_value"],
                value=now["metric_value"],
                n=now["response_count"],
                z=z,
            )
        )
    return moves


_KEY = ("metric_name", "touchpoint_id", "channel", "segment_type", "segment_value")


def _scope(row: Row, names: dict[str, str]) -> str:
    if row["touchpoint_id"] != "all":
        return names.get(row["touchpoint_id"]) or str(row["touchpoint_id"])
    if row["channel"] != "all":
        return f"{row['channel'].replace('_', ' ')} channel"
    kind = _SEGMENTS.get(row["segment_type"], row["segment_type"].replace("_", " "))
    return f"{kind}: {str(row['segment_value']).replace('_', ' ')}"
