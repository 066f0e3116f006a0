"""Identity resolution by union-find and loops: an independent way to the same clusters."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

STRONG = {"user_id", "email", "loyalty_card", "external_id"}
REACH = dt.timedelta(days=30)


class Unions:
    """Union-find over texts."""

    def __init__(self) -> None:
        """Nothing joined."""
        self._parent: dict[str, str] = {}

    def find(self, node: str) -> str:
        """Root of a node."""
        path = []
        while self._parent.setdefault(node, node) != node:
            path.append(node)
            node = self._parent[node]
        for passed in path:
            self._parent[passed] = node
        return node

    def join(self, a: str, b: str) -> None:
        """Put two nodes into one set."""
        self._parent[self.find(a)] = self.find(b)


def clusters(
    records: Iterable[str],
    held: Sequence[tuple[str, str, str]],
    merges: Iterable[tuple[str, str]] = (),
    refused: frozenset[str] = frozenset(),
    max_users: int = 1,
    max_emails: int = 3,
    max_records: int = 50,
) -> set[frozenset[str]]:
    """Clusters of records.

    Args:
        records: all records.
        held: (record, type, value) of each identifier.
        merges: pairs of records that are one.
        refused: values that join nothing.
        max_users: logins that the records of one identifier may have.
        max_emails: e-mail addresses that the records of one phone may have.
        max_records: records that one identifier may be on.
    """
    holders: dict[tuple[str, str], set[str]] = defaultdict(set)
    values: dict[tuple[str, str], set[str]] = defaultdict(set)
    for record, kind, value in held:
        if value not in refused:
            holders[kind, value].add(record)
            values[record, kind].add(value)

    def count(on: set[str], kind: str) -> int:
        return len({v for record in on for v in values[record, kind]}) if len(on) > 1 else 0

    unions = Unions()
    strong: set[str] = set()
    weak: list[set[str]] = []
    for (kind, _), on in holders.items():
        if len(on) > max_records:
            continue
        if kind == "phone":
            if count(on, "email") <= max_emails:
                weak.append(on)
        elif kind in STRONG and (kind == "user_id" or count(on, "user_id") <= max_users):
            strong |= on
            first = min(on)
            for record in on:
                unions.join(first, record)
    for a, b in merges:
        unions.join(a, b)
        strong |= {a, b}

    joined: dict[str, str] = {}
    everyone = set(records)
    for record in everyone - strong:
        touched = {unions.find(other) for on in weak if record in on for other in on & strong}
        joined[record] = touched.pop() if len(touched) == 1 else f"alone {record}"
    result: dict[str, set[str]] = defaultdict(set)
    for record in everyone:
        result[joined.get(record) or unions.find(record)].add(record)
    return {frozenset(c) for c in result.values()}


Joined = tuple[dt.datetime, frozenset[str]]


def history(
    seniority: Mapping[str, int],
    evidence: Iterable[tuple[str, str, dt.datetime]],
    hanging: Mapping[str, Iterable[tuple[str, dt.datetime]]],
) -> dict[str, Joined]:
    """When each record was first one with a senior one, and the senior of all that it was one with then.

    Several seniors where a hanging record shares weak identifiers with several records from the same moment on.

    Asks at each moment anew who is one with whom, with nothing carried over from the moment before.

    Args:
        seniority: rank of every record; the lowest of a cluster gives it its name.
        evidence: (record, identifier or other record, time) that joins.
        hanging: record known by weak identifiers only -> (record it shares one with, time).
    """
    known = sorted(evidence, key=lambda e: e[2])
    found: dict[str, Joined] = {}
    for moment in sorted({at for *_, at in known}):
        unions = Unions()
        for record, other, at in known:
            if at <= moment:
                unions.join(record, other)
        clusters: dict[str, list[str]] = defaultdict(list)
        for record in seniority:
            clusters[unions.find(record)].append(record)
        for members in clusters.values():
            senior = min(members, key=seniority.__getitem__)
            for record in members:
                if record != senior:
                    found.setdefault(record, (moment, frozenset([senior])))
    for record, others in hanging.items():
        first = min(at for _, at in others)
        seniors = set()
        for other, at in others:
            if at == first:
                while other in found and found[other][0] <= at:
                    (other,) = found[other][1]
                seniors.add(other)
        found[record] = (first, frozenset(seniors))
    return found


@dataclass(frozen=True, order=True)
class Login:
    """An event of a device that carried a login."""

    at: dt.datetime
    key: str
    person: str


def owner(at: dt.datetime, logins: Iterable[Login], max_persons: int = 3) -> str | None:
    """Person who owns an event of a device without a login of its own."""
    ordered = sorted(logins)
    if len({login.person for login in ordered}) > max_persons:
        return None
    before = [login for login in ordered if login.at <= at]
    after = [login for login in ordered if login.at > at]
    if before and at < before[-1].at + REACH:
        return before[-1].person
    if after and at >= after[0].at - REACH and (not before or before[-1].person == after[0].person):
        return after[0].person
    return None


def groups(mapping: Mapping[str, str]) -> set[frozenset[str]]:
    """record -> customer as a set of clusters."""
    found: dict[str, set[str]] = defaultdict(set)
    for record, customer in mapping.items():
        found[customer].add(record)
    return {frozenset(c) for c in found.values()}
