"""Single flight: one render of a page at a time in this process, and who waits for it."""

from __future__ import annotations

import threading
import typing as t
from dataclasses import dataclass

from .entry import Entry
from .key import PageKey
from .outcome import PerVisitor
from .store import Failure
from .store import Lease

# Seconds between two looks at the store's time while waiting for a flight.
_CLOCK_CHECK = 0.25

# Visitors of one page who wait at a time in one process; the view answers any more.
_WAITING = 256


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The render gave a page.

    :param stored: whether it was written to the store.
    :param refused: it was not, since what a later build made stands there.
    """

    entry: Entry
    stored: bool
    refused: bool = False


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """There is no new page, because of *failure*.

    :param attempted: false when nobody tried, since the last attempt had failed.
    """

    failure: Failure
    attempted: bool


@dataclass(frozen=True, slots=True)
class CheckStore:
    """Somebody else did the work, or will: look into the store again."""


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The render could not begin, or not end; *reason* says why."""

    reason: str


FlightResult: t.TypeAlias = (
    Succeeded | PerVisitor | FailedAttempt | CheckStore | NotStarted
)


class Flight:
    """One attempt at a page.

    :ivar lease: the lease under which it renders; ``None`` while it has none.
    :ivar result: what came of it; ``None`` while it runs.
    :ivar waited_out: somebody has waited as long as one may while a good copy is there.
    :ivar waiting: how many wait at this moment.
    """

    __slots__ = (
        "_finished",
        "key",
        "lease",
        "result",
        "waited_out",
        "waiting",
    )

    def __init__(self, key: PageKey) -> None:
        self.key = key
        self.lease: Lease | None = None
        self.result: FlightResult | None = None
        self.waited_out = False
        self.waiting = 0
        self._finished = threading.Event()

    def finish(self, result: FlightResult) -> None:
        """Tell all who wait what came of it."""
        self.result = result
        self._finished.set()

    def overdue(self, now: float) -> bool:
        """Whether its lease is void by its deadline, though it still runs."""
        return self.lease is not None and now >= self.lease.deadline

    @property
    def is_crowded(self) -> bool:
        """Whether nobody more may wait for it in this process."""
        return self.waiting >= _WAITING

    def wait(self, timeout: float) -> FlightResult | None:
        """What came of it; ``None`` when that is not known after *timeout* seconds."""
        self.waiting += 1
        try:
            self._finished.wait(timeout)
        finally:
            self.waiting -= 1
        return self.result

    def wait_out(self, now: t.Callable[[], float]) -> FlightResult | None:
        """What came of it; ``None`` when its lease is void before that.

        :param now: the store's time in seconds.
        """
        while True:
            result = self.wait(_CLOCK_CHECK)
            if result is not None or self.overdue(now()):
                return result


class SingleFlight:
    """The renders that run in this process, at most one for each page that is of use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # At most two of a page, the older one first.
        self._running: dict[int, list[Flight]] = {}

    def get(self, key: PageKey, now: float) -> Flight | None:
        """The newest flight of *key*. Those that are overdue are given up at time *now*:
        they may land yet, but the next visitor leads another."""
        newest = None
        # A copy: others land while we look.
        for flight in list(self._running.get(key.id, ())):
            if flight.overdue(now):
                self._remove(flight)
            else:
                newest = flight
        return newest

    def join_or_start(
        self, key: PageKey, now: float, useful: t.Callable[[Flight], bool]
    ) -> tuple[Flight, bool]:
        """Join the newest flight of *key*, or make one that the caller must lead.

        A flight that is not *useful* to the caller (the page expired after it began) gets
        a successor, and no more than one: of a page that expires all the time two renders
        run at most.

        :return: the flight, and whether the caller leads it.
        """
        while True:
            newest = self.get(key, now)
            joins = newest is not None and useful(newest)
            with self._lock:
                running = self._running.setdefault(key.id, [])
                if newest is not (running[-1] if running else None):
                    continue
                if newest is not None and (joins or len(running) > 1):
                    return newest, False
                flight = Flight(key)
                running.append(flight)
                return flight, True

    def finish(self, flight: Flight, result: FlightResult) -> None:
        """End *flight*: nobody can join it any more."""
        self._remove(flight)
        flight.finish(result)

    def _remove(self, flight: Flight) -> None:
        with self._lock:
            running = self._running.get(flight.key.id, [])
            if flight in running:
                running.remove(flight)
            if not running:
                self._running.pop(flight.key.id, None)
