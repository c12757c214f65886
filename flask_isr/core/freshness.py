"""Whether a stored page may be served, and when a failing one is tried again."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass


class Freshness(enum.IntEnum):
    """How good a stored page is for one visitor. The greater, the worse."""

    #: Serve it.
    FRESH = 0
    #: Serve it, and renew it behind the visitor's back.
    STALE = 1
    #: Render it before it is served; it is at most the last good page.
    EXPIRED = 2


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a page is good for, in seconds since its render began.

    :param revalidate: older than this is stale; ``None``: never by time.
    :param expire: older than this is expired; ``None``: never by time.
    """

    revalidate: float | None = None
    expire: float | None = None

    def freshness_at(self, age: float) -> Freshness:
        """The freshness of a page that is *age* seconds old.

        A negative age says that the time was lost (a store that forgot its clock): the
        page is stale then, so that no jump of a clock makes a page immortal.
        """
        if self.expire is not None and age > self.expire:
            return Freshness.EXPIRED
        if self.revalidate is not None and age > self.revalidate:
            return Freshness.STALE
        if age < 0 and self != Lifetime():
            return Freshness.STALE
        return Freshness.FRESH

    def lowered(self, other: Lifetime) -> Lifetime:
        """The lower of both, limit by limit."""
        return Lifetime(
            _lowest(self.revalidate, other.revalidate),
            _lowest(self.expire, other.expire),
        )


def _lowest(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


class Backoff:
    """Pauses that double from *first* to *longest* seconds, with jitter.

    :param random: returns a number in ``[0, 1)``; the pause is shortened by up to a
        fifth of itself, so that many pages that failed together do not retry together.
    """

    def __init__(
        self, first: float, longest: float, random: t.Callable[[], float]
    ) -> None:
        self._first = first
        self._longest = longest
        self._random = random

    def pause(self, failures: int) -> float:
        """Seconds to wait after the *failures*-th failure in a row (1 or more)."""
        # 2.0**1024 overflows; the longest pause is reached long before.
        steps = min(failures - 1, 64)
        pause = min(self._first * 2.0**steps, self._longest)
        return pause * (1 - 0.2 * self._random())
