"""Bringing flights into the air: under a lease, or beside the process that has it."""

from __future__ import annotations

import contextlib
import logging
import time
import typing as t

from ..background.runner import Runner
from ..background.threads import Job
from ..errors import StoreUnavailable
from .decision import Target
from .entry import Mark
from .freshness import Freshness
from .key import PageKey
from .leased_render import Rendering
from .maintenance import Upkeep
from .singleflight import Broken
from .singleflight import Elsewhere
from .singleflight import Flight
from .singleflight import Flights
from .singleflight import Grounded
from .singleflight import Landed
from .singleflight import Landing
from .store import Busy
from .store import Failure
from .store import Lease
from .store import Resting
from .store import Store

logger = logging.getLogger("flask_isr")

#: Whether a render of the target is still wanted by somebody who arrived then, and for
#: whom a page of that freshness is good enough; ``None``: no page is.
Needed: t.TypeAlias = t.Callable[[Target, Mark, Freshness | None], bool]

# Seconds between two looks at a render in another process: at first, and at most.
_FIRST_POLL, _LONGEST_POLL = 0.002, 0.025

# Seconds for which this process trusts its own memory that a page must rest.
_REST = 1.0

# Seconds after which a refresh is queued for long.
_QUEUED = 1.0

# Seconds after which a queued refresh is taken for lost.
_LOST = 60.0

# Pages whose rest is remembered, and refreshes that are known to be queued. A Runner of
# the application's own may queue any number, or never run what it took.
_RESTING = 1000
_REFRESHES = 1000


class _Rest(t.NamedTuple):
    """What this process remembers of a render that gave no page, in the store's time.

    :param until: when to ask the store again whether the page may be rendered.
    :param failing_until: when its next render is due, if the last one failed.
    """

    until: float
    failing_until: float


class Launcher:
    """Makes flights, leads them, and watches those of other processes."""

    def __init__(
        self,
        store: Store,
        runner: Runner,
        rendering: Rendering,
        upkeep: Upkeep,
        needed: Needed,
    ) -> None:
        self._store = store
        self._runner = runner
        self._rendering = rendering
        self._upkeep = upkeep
        self._needed = needed
        self._flights = Flights()
        self._queued: dict[int, float] = {}
        self._resting: dict[int, _Rest] = {}

    def board(self, target: Target, arrival: Mark) -> tuple[Flight, bool]:
        """Join or make a flight for one who arrived at *arrival*; whether they lead."""

        def useful(flight: Flight) -> bool:
            if flight.lease is None:
                return True
            validity = self._store.judge(flight.lease.mark, target.tags, arrival)
            return validity is not Freshness.EXPIRED

        return self._flights.board(target.key, self._store.now(), useful)

    def take_off(
        self,
        flight: Flight,
        target: Target,
        arrival: Mark,
        *,
        own_stack: bool = False,
        accept: Freshness | None = Freshness.STALE,
    ) -> None:
        """Lead *flight*: render on this stack, or on another one while this returns."""
        job = self._prepare(flight, target, arrival, accept)
        if job is None:
            return
        if own_stack and flight.lease is not None:
            job()
        elif not self._runner.spawn(job):
            self._call_off(flight, Grounded("no-thread"))

    def refresh(self, target: Target) -> None:
        """Have *target* rendered in the background, unless that is going on, or the last
        attempt failed a moment ago, or there is too much to do."""
        now = self._store.now()
        id = target.key.id
        if self._flights.get(target.key, now) is not None or self._rests(
            target.key, now
        ):
            return
        # The flight is made when the job begins, not while it is queued: a visitor who has
        # to wait must not join a render that waits itself.
        queued_at = self._queued.get(id)
        if queued_at is not None:
            if not 0 <= now - queued_at < _QUEUED:
                self._runner.tend()
            if 0 <= now - queued_at < _LOST:
                return
        if len(self._queued) >= _REFRESHES:
            # What is forgotten does nothing when it is run, and is queued again by the
            # next visit.
            self._queued.clear()
        self._queued[id] = now
        if not self._runner.submit(lambda: self._refresh(target)):
            self._queued.pop(id, None)

    def _refresh(self, target: Target) -> None:
        if self._queued.pop(target.key.id, None) is None:
            return
        now = self._store.now()
        flight, leads = self._flights.board(target.key, now, lambda _: True)
        if not leads:
            return
        with self._landing(flight):
            arrival = self._store.arrival()
        if flight.landing is not None:
            return
        job = self._prepare(flight, target, arrival, Freshness.FRESH)
        if job is None:
            return
        if flight.lease is not None:
            job()
        else:
            # Another process renders it, and nobody waits for that here.
            self._flights.land(flight, Elsewhere())

    def _prepare(
        self, flight: Flight, target: Target, arrival: Mark, accept: Freshness | None
    ) -> Job | None:
        """What is left to do for *flight*; ``None`` when it has landed already."""
        with self._landing(flight):
            grant = self._rendering.acquire(target)
            match grant:
                case Resting(failure):
                    self._land_broken(flight, Broken(failure, attempted=False))
                    return None
                case Busy():
                    return lambda: self._watch(flight, target, arrival, accept)
                case Lease():
                    flight.lease = grant
            if self._needed(target, arrival, accept):
                return lambda: self._fly(flight, target, grant)
            # Another process was faster, between our look and our lease.
            self._call_off(flight, Elsewhere())
        return None

    def _fly(self, flight: Flight, target: Target, lease: Lease) -> None:
        try:
            landing = self._rendering.render(target, lease)
        except Exception:
            logger.exception("the render of %s was given up", target.key)
            self._call_off(flight, Grounded("internal-error"))
            return
        except BaseException:
            # The thread itself is being ended, by a server's timeout for one.
            self._call_off(flight, Grounded("interrupted"))
            raise
        if isinstance(landing, Broken):
            self._land_broken(flight, landing)
        else:
            self._resting.pop(flight.key.id, None)
            self._flights.land(flight, landing)
        size = landing.entry.size if isinstance(landing, Landed) else 0
        self._upkeep.wrote(size)

    def _watch(
        self, flight: Flight, target: Target, arrival: Mark, accept: Freshness | None
    ) -> None:
        """Wait for the render in another process; take over when that process is gone."""
        pause = _FIRST_POLL
        with self._landing(flight):
            while self._store.busy(target.key, target.tags):
                time.sleep(pause)
                pause = min(pause * 1.5, _LONGEST_POLL)
            if not self._needed(target, arrival, accept):
                self._flights.land(flight, Elsewhere())
        if flight.landing is not None:
            return
        job = self._prepare(flight, target, arrival, accept)
        if job is not None:
            job()

    @contextlib.contextmanager
    def _landing(self, flight: Flight) -> t.Iterator[None]:
        """End *flight* where the block cannot be carried through."""
        try:
            yield
        except StoreUnavailable as error:
            self._upkeep.warn(error)
            self._call_off(flight, Grounded("store-unavailable"))
        except BaseException:
            self._call_off(flight, Grounded("interrupted"))
            raise

    def _call_off(self, flight: Flight, landing: Landing) -> None:
        """End a flight without a render, and give its lease back."""
        try:
            if flight.lease is not None:
                self._rendering.give_back(flight.lease)
        finally:
            self._flights.land(flight, landing)

    def forget_flights(self) -> None:
        """Let go of the flights of a parent process, after a fork."""
        self._flights = Flights()
        self._queued = {}

    def _land_broken(self, flight: Flight, landing: Broken) -> None:
        self._rest(flight.key, landing.failure)
        self._flights.land(flight, landing)

    def _rest(self, key: PageKey, failure: Failure) -> None:
        if len(self._resting) >= _RESTING:
            self._resting.clear()
        until = min(failure.retry_at, self._store.now() + _REST)
        failing_until = failure.retry_at if failure.kind == "failed" else 0.0
        self._resting[key.id] = _Rest(until, failing_until)

    def _rests(self, key: PageKey, now: float) -> bool:
        rest = self._resting.get(key.id)
        return rest is not None and rest.until - _REST <= now < rest.until

    def failing(self, key: PageKey) -> bool:
        """Whether the last render of *key* failed, as far as this process knows, and the
        next is not due yet."""
        rest = self._resting.get(key.id)
        return rest is not None and self._store.now() < rest.failing_until
