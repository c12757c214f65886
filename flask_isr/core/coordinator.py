"""Starting renders, each under a lease, and waiting for those of other processes."""

from __future__ import annotations

import contextlib
import logging
import time
import typing as t

from ..background.runner import Runner
from ..background.threads import Job
from ..errors import StoreUnavailable
from .decision import PageRequest
from .entry import Version
from .freshness import Freshness
from .key import PageKey
from .leased_render import LeasedRender
from .lookup import Lookup
from .maintenance import Maintenance
from .singleflight import CheckStore
from .singleflight import FailedAttempt
from .singleflight import Flight
from .singleflight import FlightResult
from .singleflight import NotStarted
from .singleflight import SingleFlight
from .singleflight import Succeeded
from .store import BackingOff
from .store import Failure
from .store import Lease
from .store import LeaseHeld
from .store import Store

logger = logging.getLogger("flask_isr")

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


class RenderCoordinator:
    """Starts renders, joins those that run, and watches those of other processes."""

    def __init__(
        self,
        store: Store,
        runner: Runner,
        leased_render: LeasedRender,
        maintenance: Maintenance,
        lookup: Lookup,
    ) -> None:
        self._store = store
        self._runner = runner
        self._leased_render = leased_render
        self._maintenance = maintenance
        self._lookup = lookup
        self._flights = SingleFlight()
        self._queued: dict[int, float] = {}
        self._resting: dict[int, _Rest] = {}

    def join_or_start(
        self, request: PageRequest, arrival: Version
    ) -> tuple[Flight, bool]:
        """Join the render of *request*, or make one, for one who arrived at *arrival*.

        :return: the render, and whether the caller must lead it with :meth:`start`.
        """

        def useful(flight: Flight) -> bool:
            if flight.lease is None:
                return True
            validity = self._store.validity_of(
                flight.lease.version, request.tags, arrival
            )
            return validity is not Freshness.EXPIRED

        return self._flights.join_or_start(request.key, self._store.now(), useful)

    def start(
        self,
        flight: Flight,
        request: PageRequest,
        arrival: Version,
        *,
        own_stack: bool = False,
        accept: Freshness | None = Freshness.STALE,
    ) -> None:
        """Lead *flight*: render on this stack, or on another one while this returns.

        :param own_stack: whether this stack may be used: no request is live on it.
        :param accept: a page as good as this will do; ``None``: no page will.
        """
        job = self._prepare(flight, request, arrival, accept)
        if job is None:
            return
        if own_stack and flight.lease is not None:
            job()
        elif not self._runner.spawn(job):
            self._cancel(flight, NotStarted("no-thread"))

    def refresh(self, request: PageRequest) -> None:
        """Have *request* rendered in the background, unless that is going on, or the last
        attempt failed a moment ago, or there is too much to do."""
        now = self._store.now()
        id = request.key.id
        if self._flights.get(request.key, now) is not None or self._rests(
            request.key, now
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
        if not self._runner.submit(lambda: self._refresh(request)):
            self._queued.pop(id, None)

    def _refresh(self, request: PageRequest) -> None:
        if self._queued.pop(request.key.id, None) is None:
            return
        now = self._store.now()
        flight, leads = self._flights.join_or_start(request.key, now, lambda _: True)
        if not leads:
            return
        with self._finishing(flight):
            arrival = self._store.current_version()
        if flight.result is not None:
            return
        job = self._prepare(flight, request, arrival, Freshness.FRESH)
        if job is None:
            return
        if flight.lease is not None:
            job()
        else:
            # Another process renders it, and nobody waits for that here.
            self._flights.finish(flight, CheckStore())

    def _prepare(
        self,
        flight: Flight,
        request: PageRequest,
        arrival: Version,
        accept: Freshness | None,
    ) -> Job | None:
        """What is left to do for *flight*; ``None`` when it has finished already."""
        with self._finishing(flight):
            grant = self._leased_render.acquire(request)
            match grant:
                case BackingOff(failure):
                    self._finish_failed(flight, FailedAttempt(failure, attempted=False))
                    return None
                case LeaseHeld():
                    return lambda: self._watch(flight, request, arrival, accept)
                case Lease():
                    flight.lease = grant
            if self._lookup.is_needed(request, arrival, accept):
                return lambda: self._run(flight, request, grant)
            # Another process was faster, between our look and our lease.
            self._cancel(flight, CheckStore())
        return None

    def _run(self, flight: Flight, request: PageRequest, lease: Lease) -> None:
        try:
            result = self._leased_render.render(request, lease)
        except Exception:
            logger.exception("the render of %s was given up", request.key)
            self._cancel(flight, NotStarted("internal-error"))
            return
        except BaseException:
            # The thread itself is being ended, by a server's timeout for one.
            self._cancel(flight, NotStarted("interrupted"))
            raise
        if isinstance(result, FailedAttempt):
            self._finish_failed(flight, result)
        else:
            self._resting.pop(flight.key.id, None)
            self._flights.finish(flight, result)
        size = result.entry.size if isinstance(result, Succeeded) else 0
        self._maintenance.wrote(size)

    def _watch(
        self,
        flight: Flight,
        request: PageRequest,
        arrival: Version,
        accept: Freshness | None,
    ) -> None:
        """Wait for the render in another process; take over when that process is gone."""
        pause = _FIRST_POLL
        with self._finishing(flight):
            while self._store.busy(request.key, request.tags):
                time.sleep(pause)
                pause = min(pause * 1.5, _LONGEST_POLL)
            if not self._lookup.is_needed(request, arrival, accept):
                self._flights.finish(flight, CheckStore())
        if flight.result is not None:
            return
        job = self._prepare(flight, request, arrival, accept)
        if job is not None:
            job()

    @contextlib.contextmanager
    def _finishing(self, flight: Flight) -> t.Iterator[None]:
        """End *flight* if the block fails."""
        try:
            yield
        except StoreUnavailable as error:
            self._maintenance.report_unavailable(error)
            self._cancel(flight, NotStarted("store-unavailable"))
        except BaseException:
            self._cancel(flight, NotStarted("interrupted"))
            raise

    def _cancel(self, flight: Flight, result: FlightResult) -> None:
        """End a flight without a render, and give its lease back."""
        try:
            if flight.lease is not None:
                self._leased_render.give_back(flight.lease)
        finally:
            self._flights.finish(flight, result)

    def forget_flights(self) -> None:
        """Let go of the flights of a parent process, after a fork."""
        self._flights = SingleFlight()
        self._queued = {}

    def _finish_failed(self, flight: Flight, result: FailedAttempt) -> None:
        self._rest(flight.key, result.failure)
        self._flights.finish(flight, result)

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
