"""Renders that no visitor asked for: builds, and refreshes whose caller waits."""

from __future__ import annotations

import itertools
import time
import typing as t
from collections import deque

from .coordinator import RenderCoordinator
from .decision import PageRequest
from .entry import Entry
from .entry import Version
from .freshness import Freshness
from .lookup import Lookup
from .outcome import PerVisitor
from .singleflight import CheckStore
from .singleflight import FailedAttempt
from .singleflight import Flight
from .singleflight import FlightResult
from .singleflight import NotStarted
from .singleflight import Succeeded
from .store import Store

# Flights that are joined for one page: the first may have begun too early.
_ROUNDS = 3

# Pages of one renewal that are rendered at a time: half of what the threads allow, so that
# visitors find some.
_TOGETHER = 32


class BlockingRenders:
    """Has pages rendered whose callers wait for the outcome.

    :param wait: seconds for which a renewal waits, in all.
    """

    def __init__(
        self, store: Store, coordinator: RenderCoordinator, lookup: Lookup, wait: float
    ) -> None:
        self._store = store
        self._coordinator = coordinator
        self._lookup = lookup
        self._wait = wait

    def build(self, request: PageRequest, *, force: bool) -> FlightResult | None:
        """Render *request* on the caller's stack if it is not fresh, or with *force* in any
        case; ``None`` if it is fresh. That it failed a moment ago does not count: whoever
        builds may have mended what was wrong.

        :raises StoreUnavailable: where the store cannot tell.
        """
        arrival = self._store.current_version()
        accept = None if force else Freshness.FRESH
        for _ in range(_ROUNDS):
            if not self._lookup.is_needed(request, arrival, accept):
                return None
            if self._store.failure(request.key) is not None:
                self._store.forget_failure(request.key)
            flight, leads = self._coordinator.join_or_start(request, arrival)
            if leads:
                self._coordinator.start(
                    flight, request, arrival, own_stack=True, accept=accept
                )
            result = flight.wait_out(self._store.now)
            if isinstance(result, Succeeded) and result.refused:
                return None
            if result is not None and not isinstance(result, CheckStore):
                return result
        return None

    def renew(
        self, requests: t.Sequence[PageRequest]
    ) -> tuple[dict[str, str], list[str]]:
        """Render all *requests*, with renders that begin after this call, and wait for them
        at most the wait limit in all. What was not begun by then is left to the background,
        as far as that has room, and to the next visitors.

        :return: path to cause of those that failed, and the paths still rendering.
        :raises StoreUnavailable: where the store cannot tell.
        """
        arrival = self._store.current_version()
        deadline = time.monotonic() + self._wait
        failed: dict[str, str] = {}
        pending: list[str] = []
        ahead = iter(requests)
        flying = deque(
            (request, self._set_out(request, arrival))
            for request in itertools.islice(ahead, _TOGETHER)
        )
        while flying:
            request, flight = flying.popleft()
            match self._follow(request, arrival, flight, deadline):
                case None:
                    pending.append(str(request.key))
                case FailedAttempt(failure):
                    failed[str(request.key)] = failure.cause
                case NotStarted(reason):
                    failed[str(request.key)] = reason
            if time.monotonic() < deadline:
                for following in itertools.islice(ahead, 1):
                    flying.append((following, self._set_out(following, arrival)))
        for request in ahead:
            self._coordinator.refresh(request)
            pending.append(str(request.key))
        return failed, pending

    def _set_out(self, request: PageRequest, arrival: Version) -> Flight:
        flight, leads = self._coordinator.join_or_start(request, arrival)
        if leads:
            self._coordinator.start(flight, request, arrival)
        return flight

    def _follow(
        self, request: PageRequest, arrival: Version, flight: Flight, deadline: float
    ) -> FlightResult | None:
        for _ in range(_ROUNDS):
            result = flight.wait(max(0.0, deadline - time.monotonic()))
            if result is None or isinstance(result, PerVisitor | NotStarted):
                return result
            if isinstance(result, Succeeded) and self._is_new(result.entry, arrival):
                kept = result.stored or result.refused
                return result if kept else NotStarted("rendered, but not stored")
            if not self._lookup.is_needed(request, arrival, Freshness.STALE):
                return CheckStore()
            if isinstance(result, FailedAttempt):
                return result
            flight = self._set_out(request, arrival)
        return NotStarted("contended")

    def _is_new(self, entry: Entry, arrival: Version) -> bool:
        """Whether *entry* shows what was so at *arrival*."""
        validity = self._store.validity_of(entry.version, entry.tags, arrival)
        return validity is not Freshness.EXPIRED
