"""Renders that nobody's visit asked for: builds, and refreshes whose caller waits."""

from __future__ import annotations

import itertools
import time
import typing as t
from collections import deque

from .coordinator import Launcher
from .coordinator import Needed
from .decision import Target
from .entry import Entry
from .entry import Mark
from .freshness import Freshness
from .outcome import Personal
from .singleflight import Broken
from .singleflight import Elsewhere
from .singleflight import Flight
from .singleflight import Grounded
from .singleflight import Landed
from .singleflight import Landing
from .store import Store

# Flights that are joined for one page: the first may have begun too early.
_ROUNDS = 3

# Pages of one renewal that are rendered at a time: half of what the threads allow, so that
# visitors find some.
_TOGETHER = 32


class Renewals:
    """Has pages rendered whose callers wait for the outcome.

    :param needed: whether a render is still wanted.
    :param wait: seconds for which a renewal waits, in all.
    """

    def __init__(
        self, store: Store, launcher: Launcher, needed: Needed, wait: float
    ) -> None:
        self._store = store
        self._launcher = launcher
        self._needed = needed
        self._wait = wait

    def build(self, target: Target, *, force: bool) -> Landing | None:
        """Render *target* on the caller's stack if it is not fresh, or with *force* in any
        case; ``None`` where it is fresh. That it failed a moment ago does not count: who
        builds may have mended what was wrong.

        :raises StoreUnavailable: where the store cannot tell.
        """
        arrival = self._store.arrival()
        accept = None if force else Freshness.FRESH
        for _ in range(_ROUNDS):
            if not self._needed(target, arrival, accept):
                return None
            if self._store.failure(target.key) is not None:
                self._store.forget_failure(target.key)
            flight, leads = self._launcher.board(target, arrival)
            if leads:
                self._launcher.take_off(
                    flight, target, arrival, own_stack=True, accept=accept
                )
            landing = flight.wait_out(self._store.now)
            if isinstance(landing, Landed) and landing.refused:
                return None
            if landing is not None and not isinstance(landing, Elsewhere):
                return landing
        return None

    def renew(self, targets: t.Sequence[Target]) -> tuple[dict[str, str], list[str]]:
        """Render every target, with renders that begin after this call, and wait for them
        at most the wait limit in all. What was not begun by then is left to the background,
        as far as that has room, and to the next visitors.

        :return: path to cause of those that failed, and the paths still rendering.
        :raises StoreUnavailable: where the store cannot tell.
        """
        arrival = self._store.arrival()
        deadline = time.monotonic() + self._wait
        failed: dict[str, str] = {}
        pending: list[str] = []
        ahead = iter(targets)
        flying = deque(
            (target, self._set_out(target, arrival))
            for target in itertools.islice(ahead, _TOGETHER)
        )
        while flying:
            target, flight = flying.popleft()
            match self._follow(target, arrival, flight, deadline):
                case None:
                    pending.append(str(target.key))
                case Broken(failure):
                    failed[str(target.key)] = failure.cause
                case Grounded(reason):
                    failed[str(target.key)] = reason
            if time.monotonic() < deadline:
                for following in itertools.islice(ahead, 1):
                    flying.append((following, self._set_out(following, arrival)))
        for target in ahead:
            self._launcher.refresh(target)
            pending.append(str(target.key))
        return failed, pending

    def _set_out(self, target: Target, arrival: Mark) -> Flight:
        flight, leads = self._launcher.board(target, arrival)
        if leads:
            self._launcher.take_off(flight, target, arrival)
        return flight

    def _follow(
        self, target: Target, arrival: Mark, flight: Flight, deadline: float
    ) -> Landing | None:
        for _ in range(_ROUNDS):
            landing = flight.wait(max(0.0, deadline - time.monotonic()))
            if landing is None or isinstance(landing, Personal | Grounded):
                return landing
            if isinstance(landing, Landed) and self._is_new(landing.entry, arrival):
                kept = landing.stored or landing.refused
                return landing if kept else Grounded("rendered, but not stored")
            if not self._needed(target, arrival, Freshness.STALE):
                return Elsewhere()
            if isinstance(landing, Broken):
                return landing
            flight = self._set_out(target, arrival)
        return Grounded("contended")

    def _is_new(self, entry: Entry, arrival: Mark) -> bool:
        """Whether *entry* shows what was so at *arrival*."""
        validity = self._store.judge(entry.mark, entry.tags, arrival)
        return validity is not Freshness.EXPIRED
