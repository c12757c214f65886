"""Finds the answers in a history that break a promise."""

from __future__ import annotations

import bisect
import typing as t
from collections import defaultdict
from dataclasses import dataclass

from .records import Publication
from .records import Reading
from .records import Record
from .records import kind_of

#: Seconds after which a page of the kind ``time`` is stale, and what a render, a report
#: over processes and a busy machine may add before one calls it fresh no more.
LIFETIME, SLACK = 0.5, 2.0

#: Seconds that nobody waits, whatever dies, on a machine that has other things to do.
PATIENCE = 25.0


@dataclass(frozen=True, slots=True)
class Violation:
    """An answer that should not have been.

    :param why: for people.
    """

    reading: Reading
    why: str


class _Page:
    """What was published of one page, in the order of its versions."""

    def __init__(self) -> None:
        self.publications: list[Publication] = []
        self.good_since: float | None = None

    def add(self, publication: Publication) -> None:
        self.publications.append(publication)

    def sort(self) -> None:
        """Bring them in order, once all are known."""
        self.publications.sort(key=lambda publication: publication.version)
        ended = (
            (item.recorded, item.version)
            for item in self.publications
            if item.recorded is not None
        )
        # When it was recorded, to the newest version that was so by then.
        self._times, self._floors, newest = [], t.cast(list[int], []), 1
        for time, version in sorted(ended):
            newest = max(newest, version)
            self._times.append(time)
            self._floors.append(newest)

    def floor(self, asked: float) -> int:
        """The version whose invalidation had returned when a request was sent."""
        index = bisect.bisect_left(self._times, asked)
        return self._floors[index - 1] if index else 1

    def latest(self, answered: float) -> int:
        """The version that may have been committed when an answer was there."""
        begun = [p.version for p in self.publications if p.began <= answered]
        return max(begun, default=1)

    def replaced_at(self, version: int) -> float | None:
        """When *version* had been replaced by a later one."""
        later = [p.committed for p in self.publications if p.version > version]
        return min(later, default=None)


def check(records: t.Iterable[Record], *, shared: bool = True) -> list[Violation]:
    """The violations in *records*, which may be in any order.

    :param shared: whether all processes serve each other's pages; else the last good page
        of one may have given way to that of another, which it must not serve.
    """
    pages: dict[str, _Page] = defaultdict(_Page)
    readings = []
    for record in records:
        if isinstance(record, Publication):
            pages[record.page].add(record)
        else:
            readings.append(record)
    for page in pages.values():
        page.sort()
    readings.sort(key=lambda reading: reading.answered)
    found = []
    for reading in readings:
        page = pages[reading.page]
        if not hasattr(page, "_times"):
            page.sort()
        why = _judge(reading, page)
        if why is not None:
            found.append(Violation(reading, why))
        if shared and reading.status == 200 and page.good_since is None:
            page.good_since = reading.answered
    return found


def _judge(reading: Reading, page: _Page) -> str | None:
    if reading.answered - reading.asked > PATIENCE:
        return f"it took {reading.answered - reading.asked:.1f} s"
    kind = kind_of(reading.page)
    if reading.status >= 500:
        good = page.good_since is not None and page.good_since < reading.asked
        return "an error, though there was a good page" if good else None
    if reading.status == 404:
        return _judge_absence(reading, page)
    if reading.status != 200 or reading.version is None:
        return "neither a page nor an error"
    if reading.version > page.latest(reading.answered):
        return "it shows what nobody had published"
    if kind == "time":
        return _judge_age(reading, page)
    floor = page.floor(reading.asked)
    if reading.version >= floor:
        comes_and_goes = kind in ("listed", "missing")
        return (
            "it was taken away" if comes_and_goes and is_gone(reading.version) else None
        )
    if reading.state == "STALE" and kind in ("stale", "failing"):
        return None
    return f"version {reading.version} as {reading.state}; {floor} was due"


def is_gone(version: int) -> bool:
    """Whether a page that comes and goes is not there in *version*."""
    return version % 2 == 0


def _judge_absence(reading: Reading, page: _Page) -> str | None:
    if kind_of(reading.page) not in ("listed", "missing"):
        return "not found, and never taken away"
    possible = range(page.floor(reading.asked), page.latest(reading.answered) + 1)
    return None if any(map(is_gone, possible)) else "not found, though it was there"


def _judge_age(reading: Reading, page: _Page) -> str | None:
    assert reading.version is not None
    replaced = page.replaced_at(reading.version)
    if reading.state == "HIT" and replaced is not None:
        late = reading.asked - replaced - LIFETIME
        if late > SLACK:
            return f"fresh {late:.1f} s after its time was up"
    return None
