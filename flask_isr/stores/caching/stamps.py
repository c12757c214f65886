"""The order of a store that has no counter: random stamps, compared for equality.

There is one stamp for everything, and for each tag one that every invalidation replaces
and one that is replaced when the tag expires. An invalidation replaces the global stamp
*before* those of its tags, so that a render that it overtakes is seen to be overtaken, and
once more *after* them, so that nobody keeps what they judged in between.
"""

from __future__ import annotations

import itertools
import json
import secrets
import threading
import time
import typing as t
from collections import deque
from dataclasses import dataclass

from ...background.fork import forget_at_fork
from ...core.entry import DAMAGE
from ...core.entry import Version
from ...core.freshness import Freshness
from ...core.store import Changes
from .backend import BackendSession

# Seconds for which a process keeps its copies though others may have written newer pages.
# Invalidations need no such time: the global stamp tells of them at once.
_SLICE = 1.0

# Writes of this process that it remembers, for its own copies.
_REMEMBERED = 1000

#: A tag of everything: what expires with it is not even a last good page any more.
EPOCH = "epoch:"

#: The stamps of a tag: of any invalidation, of the last that expired it.
TagStamps: t.TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class StampSnapshot:
    """The stamps as they were when a process looked.

    :param by: the process that looked.
    :param number: which look of this process it was.
    :param at: the store's time in seconds; it decides if nothing better can.
    :param seen: tag to stamps, for tags that were known then.
    """

    stamp: str
    by: str
    number: int
    at: float
    seen: t.Mapping[str, TagStamps]

    def to_version(self) -> Version:
        """The snapshot as a string."""
        seen = {tag: list(pair) for tag, pair in self.seen.items()}
        return json.dumps(
            [self.stamp, self.by, self.number, self.at, seen], separators=(",", ":")
        )

    @classmethod
    def of(cls, version: Version) -> StampSnapshot:
        """The snapshot that a version stands for; a foreign one's equals no other."""
        try:
            stamp, by, number, at, seen = json.loads(str(version))
            pairs = {str(tag): (str(one), str(two)) for tag, (one, two) in seen.items()}
            return cls(str(stamp), str(by), int(number), float(at), pairs)
        except DAMAGE:
            return cls("", "", 0, 0.0, {})

    def saw(self, arrival: StampSnapshot) -> bool:
        """Whether a render that began here saw what was there at *arrival*.

        This is known within one process, and if no invalidation lies between the two.
        """
        if self.by == arrival.by and self.number >= arrival.number > 0:
            return True
        return self.stamp == arrival.stamp != ""

    def after(self, other: StampSnapshot, current: str) -> bool:
        """Whether this is the later one, as far as that can be told.

        :param current: the global stamp now.
        """
        if self.by == other.by:
            return self.number > other.number
        if self.stamp != other.stamp and current in (self.stamp, other.stamp):
            return self.stamp == current
        return self.at > other.at


@dataclass(frozen=True, slots=True)
class GlobalStamp:
    """A look at the global stamp.

    :param order: its change number in this process, or a lower one.
    :param certain: whether the number is that of the stamp.
    """

    stamp: str
    order: int
    certain: bool


class StampSequence:
    """Numbers the global stamps in the order in which this process sees them.

    Two threads may learn of two stamps in the wrong order. A stamp gets a number only if
    that cannot have happened.
    """

    def __init__(self) -> None:
        self._number = 1
        self._stamp: str | None = None
        self._generation = 0
        self._complete_since = 1
        self._written: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)
        self._slice_ends = time.monotonic() + _SLICE
        self.after_fork()
        forget_at_fork(self)

    def after_fork(self) -> None:
        """Make what belongs to one process alone: at first, and after a fork."""
        self._lock = threading.Lock()
        self._by = secrets.token_hex(8)
        self._looks = itertools.count(1)

    def look(self) -> tuple[str, int]:
        """This process, and the number of this look: the first has 1."""
        return self._by, next(self._looks)

    def see(self, read: t.Callable[[], str]) -> GlobalStamp:
        """Read the global stamp and number it."""
        generation, number = self._generation, self._number
        stamp = read()
        with self._lock:
            if time.monotonic() >= self._slice_ends:
                self._start_afresh()
            if stamp == self._stamp:
                return GlobalStamp(stamp, self._number, certain=True)
            if generation != self._generation:
                return GlobalStamp(stamp, number, certain=False)
            self._stamp = stamp
            self._generation += 1
            self._start_afresh()
            return GlobalStamp(stamp, self._number, certain=True)

    def _start_afresh(self) -> None:
        self._number += 1
        self._complete_since = self._number
        self._written.clear()
        self._slice_ends = time.monotonic() + _SLICE

    def wrote(self, id: int) -> int:
        """Note that copies of the page *id* which were made before are old.

        :return: the change number of the write.
        """
        with self._lock:
            self._number += 1
            if len(self._written) == _REMEMBERED:
                self._complete_since = self._written[0][0]
            self._written.append((self._number, id))
            return self._number

    def changes(self, stamp: GlobalStamp, since: int | None) -> Changes:
        """What this process must know of what happened after *since*."""
        with self._lock:
            known = stamp.certain and since is not None
            complete = known and self._complete_since <= (since or 0) <= stamp.order
            records = {
                id: number
                for number, id in self._written
                if complete and since is not None and since < number <= stamp.order
            }
        return Changes(stamp.order, complete, records, {}, {})


class Stamps:
    """The stamps of one application.

    :param now: the store's time in seconds.
    """

    def __init__(self, now: t.Callable[[], float]) -> None:
        self._now = now
        self.sequence = StampSequence()

    def see(self, session: BackendSession) -> GlobalStamp:
        """The global stamp."""

        def read() -> str:
            stamp = session.get("g", "")
            return _text(session.create("g", "", _new()) if stamp is None else stamp)

        return self.sequence.see(read)

    def point(
        self, session: BackendSession, tags: t.Iterable[str] = ()
    ) -> StampSnapshot:
        """Now, with the stamps of *tags*."""
        by, number = self.sequence.look()
        stamp = self.see(session)
        return StampSnapshot(
            stamp.stamp, by, number, self._now(), self.pairs(session, tags)
        )

    def pairs(
        self, session: BackendSession, tags: t.Iterable[str]
    ) -> dict[str, TagStamps]:
        """The stamps of *tags*. They are made where they are missing: a stamp that is
        missing later was lost, and with it what it could have told."""
        return {
            tag: (self._get(session, "a", tag), self._get(session, "e", tag))
            for tag in tags
        }

    def _get(self, session: BackendSession, kind: str, tag: str) -> str:
        stamp = session.get(kind, tag)
        if stamp is None:
            # Lost stamps must not take all last good pages with them.
            stamp = session.create(kind, tag, b"0" if tag == EPOCH else _new())
        return _text(stamp)

    def invalidate(
        self,
        session: BackendSession,
        stale: t.Collection[str],
        expired: t.Collection[str],
    ) -> None:
        """Replace the stamps; each is there when this returns."""
        self.announce(session)
        for tag in expired:
            session.replace("e", tag, _new())
        for tag in {*stale, *expired}:
            session.replace("a", tag, _new())
        # Whoever read the first one may have judged by a tag's old stamp since.
        self.announce(session)

    def announce(self, session: BackendSession) -> None:
        """Have all processes look again."""
        session.replace("g", "", _new())

    def compare(
        self,
        session: BackendSession,
        seen: t.Mapping[str, TagStamps],
        tags: t.Iterable[str],
    ) -> Freshness:
        """What happened to *tags* since the stamps were *seen*.

        Expired also where a tag was not seen, or was invalidated and it is lost how;
        stale where both stamps of a tag are lost.
        """
        worst = Freshness.FRESH
        for tag in tags:
            pair = seen.get(tag)
            if pair is None:
                return Freshness.EXPIRED
            worst = max(worst, self._compare(session, tag, *pair))
            if worst is Freshness.EXPIRED:
                break
        return worst

    def _compare(
        self, session: BackendSession, tag: str, any_: str, expired: str
    ) -> Freshness:
        current = session.get("a", tag)
        if current is not None and _text(current) == any_:
            return Freshness.FRESH
        last = session.get("e", tag)
        if last is None:
            return Freshness.STALE if current is None else Freshness.EXPIRED
        return Freshness.STALE if _text(last) == expired else Freshness.EXPIRED


def _new() -> bytes:
    return secrets.token_hex(8).encode()


def _text(stamp: bytes) -> str:
    """*stamp* as versions have it, whatever somebody else put in its place."""
    return stamp.decode("latin-1")
